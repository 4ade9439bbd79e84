// A Shopify shop on loopback that the connector reads directly, without a pipeline or a database.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  startShopify,
  type ShopifyOptions,
  type ShopifySimulator,
} from '../../simulators/shopify/server.ts'
import { shopify } from '../../src/connectors/shopify/connector.ts'
import { ShopifySettings } from '../../src/connectors/shopify/settings.ts'
import type { Cursor, Page } from '../../src/core/connector.ts'
import { SyncError } from '../../src/core/errors.ts'
import type { Http } from '../../src/core/http.ts'

export const fetchHttp: Http = async ({ url, method = 'GET', headers = {}, body }, signal) => {
  try {
    const sent = body === undefined ? {} : { body }
    const response = await fetch(url, { method, headers, signal, ...sent })
    // The reader of a body cancels it.
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
    throw new SyncError('source/unavailable', `No response from ${url}`, { cause })
  }
}

async function* bodyOf({ body, url }: Response): AsyncGenerator<Uint8Array> {
  try {
    if (body) yield* body
  } catch (cause) {
    throw new SyncError('source/cut-short', `${url} ended early`, { cause })
  }
}

export async function openShop(
  t: TestContext,
  options: ShopifyOptions = {},
): Promise<ShopifySimulator> {
  const simulator = await startShopify(options)
  t.after(() => simulator.close())
  return simulator
}

interface ReadOptions {
  readonly cursor?: Cursor | null
  readonly settings?: Partial<ShopifySettings>
  readonly warnings?: string[]
  readonly signal?: AbortSignal
  readonly http?: Http
  /** The token of the Admin API. */
  readonly token?: string | null
}

export function fetchPages(
  { url }: ShopifySimulator,
  options: ReadOptions = {},
): AsyncIterable<Page> {
  const {
    cursor = null,
    settings = {},
    warnings = [],
    signal = new AbortController().signal,
    http = fetchHttp,
    token = null,
  } = options
  const all = ShopifySettings.parse({ url, currency: 'AUD', minIntervalMs: 0, ...settings })
  return shopify.fetch(
    {
      settings: all,
      credentials: { token },
      scope: { kind: 'all' },
      cursor,
      http,
      warn: (message) => void warnings.push(message),
    },
    signal,
  )
}

export async function readPages(
  simulator: ShopifySimulator,
  options?: ReadOptions,
): Promise<Page[]> {
  return Array.fromAsync(fetchPages(simulator, options))
}

export function listLines(pages: readonly Page[]): string[] {
  return pages.flatMap(({ bytes }) => new TextDecoder().decode(bytes).split('\n').slice(0, -1))
}

export function listIds(pages: readonly Page[]): unknown[] {
  return listLines(pages).map((line) => JSON.parse(line).id)
}

export async function catchSyncError(work: Promise<unknown>): Promise<SyncError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SyncError, `expected a SyncError, not ${String(error)}`)
  return error
}

export function recognise({ url }: Pick<ShopifySimulator, 'url'>, path = '/') {
  assert.ok(shopify.recognise)
  return shopify.recognise(new URL(path, url), fetchHttp, new AbortController().signal)
}

/** Reads all pages and calls `afterAnswer` after each response to a request for products. */
export async function readWhile(
  simulator: ShopifySimulator,
  afterAnswer: (requested: URL) => void,
  options: ReadOptions = {},
): Promise<{ pages: Page[]; searches: string[] }> {
  const searches: string[] = []
  const http: Http = async (request, signal) => {
    const response = await fetchHttp(request, signal)
    const url = new URL(request.url)
    if (url.pathname !== '/products.json') return response
    searches.push(url.search)
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield* response.body
      afterAnswer(url)
    }
    return { ...response, body: body() }
  }
  return { pages: await readPages(simulator, { ...options, http }), searches: searches }
}
