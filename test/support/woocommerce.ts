// A WooCommerce shop on loopback that the connector reads directly, without a pipeline or a
// database.

import type { TestContext } from 'node:test'
import {
  startWoocommerce,
  type WooOptions,
  type WooSimulator,
} from '../../simulators/woocommerce/server.ts'
import type { WoocommerceCredentials } from '../../src/connectors/woocommerce/credentials.ts'
import { woocommerce } from '../../src/connectors/woocommerce/connector.ts'
import { WoocommerceSettings } from '../../src/connectors/woocommerce/settings.ts'
import type { Cursor, Page, Scope } from '../../src/core/connector.ts'
import type { Http } from '../../src/core/http.ts'
import { fetchHttp, listLines } from './shopify.ts'

export async function openWoo(t: TestContext, options: WooOptions = {}): Promise<WooSimulator> {
  const simulator = await startWoocommerce(options)
  t.after(() => simulator.close())
  return simulator
}

interface ReadOptions {
  readonly cursor?: Cursor | null
  readonly scope?: Scope
  readonly settings?: Partial<WoocommerceSettings>
  readonly warnings?: string[]
  readonly http?: Http
  readonly keys?: WoocommerceCredentials
}

export function fetchWoo({ home }: WooSimulator, options: ReadOptions = {}): AsyncIterable<Page> {
  const { cursor = null, scope = { kind: 'all' }, settings = {}, warnings = [] } = options
  return woocommerce.fetch(
    {
      settings: WoocommerceSettings.parse({ url: home, minIntervalMs: 0, ...settings }),
      credentials: options.keys ?? { key: null, secret: null },
      scope,
      cursor,
      http: options.http ?? fetchHttp,
      warn: (message) => void warnings.push(message),
    },
    new AbortController().signal,
  )
}

export async function readWoo(simulator: WooSimulator, options?: ReadOptions): Promise<Page[]> {
  return Array.fromAsync(fetchWoo(simulator, options))
}

/** Reads all pages and calls `afterAnswer` with the kind and position of each list that was read. */
export async function readWooWhile(
  simulator: WooSimulator,
  afterAnswer: (list: string) => void,
): Promise<{ pages: Page[]; lists: string[] }> {
  const lists: string[] = []
  const http: Http = async (request, signal) => {
    const response = await fetchHttp(request, signal)
    const query = new URL(request.url).searchParams
    if (!query.has('per_page')) return response
    const list = `${query.get('type') ?? 'products'} ${query.get('offset') ?? ''}`
    lists.push(list)
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield* response.body
      afterAnswer(list)
    }
    return { ...response, body: body() }
  }
  return { pages: await readWoo(simulator, { http }), lists }
}

export function listWooIds(pages: readonly Page[]): number[] {
  return listLines(pages).map((line) => JSON.parse(line).id)
}

export function recogniseWoo(address: string) {
  const recognise = woocommerce.recognise
  if (!recognise) throw new Error('The connector does not recognise shops')
  return recognise(new URL(address), fetchHttp, new AbortController().signal)
}
