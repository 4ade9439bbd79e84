// A process that reads one page of a shop, a product followed by many invalid elements, and reports
// its peak memory.

import { shopify } from '../../src/connectors/shopify/connector.ts'
import { ShopifySettings } from '../../src/connectors/shopify/settings.ts'
import type { HttpResponse } from '../../src/core/http.ts'
import { readPeakMemoryBytes } from '../../src/node/peak-memory.ts'

export interface MeasuredPage {
  readonly lines: number
  readonly peakBytes: number
}

const elements = Number(process.argv[2])
const PIECE = 100_000

async function* page(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{"products":[{"id":1,"variants":[]}')
  for (let sent = 0; sent < elements; sent += PIECE) yield Buffer.from(',0'.repeat(PIECE))
  yield Buffer.from(']}')
}

async function* answer(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

const http = ({ url }: { readonly url: string }): Promise<HttpResponse> => {
  const { pathname, searchParams } = new URL(url)
  const isFirst = searchParams.get('page') === '1'
  const body =
    pathname !== '/products.json'
      ? answer('{"currency":"AUD"}')
      : isFirst
        ? page()
        : answer('{"products":[]}')
  const headers = new Headers({ 'content-type': 'application/json' })
  return Promise.resolve({ status: 200, headers, url, body, cancel: () => Promise.resolve() })
}

const settings = ShopifySettings.parse({ url: 'https://shop.example', currency: 'AUD' })
let lines = 0
for await (const { lineCount } of shopify.fetch(
  {
    settings,
    credentials: { token: null },
    scope: { kind: 'all' },
    cursor: null,
    http,
    warn: () => undefined,
  },
  new AbortController().signal,
))
  lines += lineCount
console.log(JSON.stringify({ lines, peakBytes: readPeakMemoryBytes() } satisfies MeasuredPage))
