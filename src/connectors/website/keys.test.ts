// Named products are read at the addresses that are their ids.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAddressGuard } from '../../node/address-guard.ts'
import { createHttp } from '../../node/http-client.ts'
import { listen } from '../../../simulators/support/server.ts'
import { website } from './connector.ts'
import { WebsiteSettings } from './settings.ts'

const PAGE = `<html><script type="application/ld+json">
  {"@type":"Product","name":"Ruby","offers":{"price":"12.00","priceCurrency":"EUR"}}</script></html>`

test('a product of a site that requires a final slash is found by its id', async (t) => {
  const { url, close } = await listen(async ({ url: path }, response) => {
    response.statusCode = path === '/ruby/?size=1' ? 200 : 404
    response.setHeader('content-type', 'text/html').end(PAGE)
  })
  t.after(close)
  const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'test' })
  t.after(() => http.close())
  const keys = [`${url}/ruby?size=1`, `${url}/jade`]
  const pages = website.fetch(
    {
      settings: WebsiteSettings.parse({ url }),
      credentials: { signature: null, firecrawl: null },
      scope: { kind: 'keys', keys },
      cursor: null,
      http,
      warn: assert.fail,
    },
    t.signal,
  )
  const lines = (await Array.fromAsync(pages)).map(({ bytes }) => new TextDecoder().decode(bytes))
  const ids = lines.map((line) => website.identify(website.unwrap(JSON.parse(line))))
  assert.deepEqual(ids, keys.slice(0, 1))
})
