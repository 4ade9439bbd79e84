// A Shopify shop on loopback, read by the connector alone: no pipeline and no database.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  startShopify,
  type ShopifyOptions,
  type ShopifySimulator,
} from '../../simulators/shopify/server.ts'
import { shopify, ShopifySettings } from '../../src/connectors/shopify/connector.ts'
import type { Cursor, Page } from '../../src/core/connector.ts'
import { SyncError } from '../../src/core/errors.ts'
import type { Http } from '../../src/core/http.ts'

export const http: Http = async ({ url, method = 'GET', headers = {} }, signal) => {
  try {
    const response = await fetch(url, { method, headers, signal })
    // A body that is being read is cancelled by its reader.
    const cancel = async (): Promise<void> =>
      void (response.body?.locked || (await response.body?.cancel()))
    return {
      status: response.status,
      headers: response.headers,
      url: response.url,
      body: bodyOf(response),
      cancel,
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw new SyncError('source/unavailable', `No answer from ${url}`, { cause })
  }
}

async function* bodyOf({ body, url }: Response): AsyncGenerator<Uint8Array> {
  try {
    if (body) yield* body
  } catch (cause) {
    throw new SyncError('source/cut-short', `${url} ended early`, { cause })
  }
}

export async function open(
  t: TestContext,
  options: ShopifyOptions = {},
): Promise<ShopifySimulator> {
  const simulator = await startShopify(options)
  t.after(() => simulator.close())
  return simulator
}

interface Asking {
  readonly cursor?: Cursor | null
  readonly settings?: Partial<ShopifySettings>
  readonly warnings?: string[]
  readonly signal?: AbortSignal
  readonly ask?: Http
}

export function pagesOf({ url }: ShopifySimulator, asking: Asking = {}): AsyncIterable<Page> {
  const {
    cursor = null,
    settings = {},
    warnings = [],
    signal = new AbortController().signal,
    ask = http,
  } = asking
  const all = ShopifySettings.parse({ url, currency: 'AUD', minIntervalMs: 0, ...settings })
  return shopify.fetch(
    {
      settings: all,
      scope: { kind: 'all' },
      cursor,
      http: ask,
      warn: (message) => void warnings.push(message),
    },
    signal,
  )
}

export async function read(simulator: ShopifySimulator, asking?: Asking): Promise<Page[]> {
  return Array.fromAsync(pagesOf(simulator, asking))
}

export function linesOf(pages: readonly Page[]): string[] {
  return pages.flatMap(({ bytes }) => new TextDecoder().decode(bytes).split('\n').slice(0, -1))
}

export function idsOf(pages: readonly Page[]): unknown[] {
  return linesOf(pages).map((line) => JSON.parse(line).id)
}

export async function rejection(work: Promise<unknown>): Promise<SyncError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SyncError, `expected a SyncError, not ${String(error)}`)
  return error
}

export function recognise(simulator: ShopifySimulator, path = '/') {
  assert.ok(shopify.recognise)
  return shopify.recognise(new URL(path, simulator.url), http, new AbortController().signal)
}

/**
 * Reads as a sync does, and does something to the shop when a request for products has been
 * answered.
 */
export async function readWhile(
  simulator: ShopifySimulator,
  afterAnswer: (asked: URL) => void,
  asking: Asking = {},
): Promise<{ pages: Page[]; asked: string[] }> {
  const asked: string[] = []
  const ask: Http = async (request, signal) => {
    const response = await http(request, signal)
    const url = new URL(request.url)
    if (url.pathname !== '/products.json') return response
    asked.push(url.search)
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield* response.body
      afterAnswer(url)
    }
    return { ...response, body: body() }
  }
  return { pages: await read(simulator, { ...asking, ask }), asked }
}
