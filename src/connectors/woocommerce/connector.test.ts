// Tests the connector against a shop on loopback: it reads the whole list with all variations, and
// reports why a shop cannot be read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from '../../core/connector.ts'
import type { ErrorCode } from '../../core/error-table.ts'
import { RESPONSES } from '../../../simulators/woocommerce/faults.ts'
import { catchSyncError, fetchHttp, listLines } from '../../../test/support/shopify.ts'
import { fetchWoo, listWooIds, openWoo, readWoo } from '../../../test/support/woocommerce.ts'

test("a line is the shop's own bytes, with the bytes of its variations in one more member", async (t) => {
  const simulator = await openWoo(t, { products: 12 })
  const query = 'rest_route=/wc/store/v1/products&per_page=100'
  const products = await (await fetch(`${simulator.url}/?${query}`)).text()
  const lines = listLines(await readWoo(simulator))
  const withVariations = lines.filter((line) => line.includes(',"variation_products":['))
  assert.ok(withVariations.length > 0 && withVariations.length < lines.length)
  const own = lines.map((line) => line.replace(/,"variation_products":\[.*\]\}$/s, '}'))
  assert.equal(`[${own.join(',')}]`, products)
  for (const line of withVariations) {
    const { id, variations, variation_products: read } = JSON.parse(line)
    assert.deepEqual(
      read.map((variation: { id: number; parent: number }) => [variation.id, variation.parent]),
      variations.map((stub: { id: number }) => [stub.id, id]),
    )
  }
})

test('each document is requested once, by GET, without a language or a cookie that could change the prices', async (t) => {
  const simulator = await openWoo(t, { products: 3 })
  const asked: unknown[] = []
  await readWoo(simulator, {
    http: (request, signal) => (asked.push(request), fetchHttp(request, signal)),
  })
  const accept = 'application/json, text/html;q=0.5'
  const common = 'per_page=100&orderby=id&order=asc'
  const api = `${simulator.url}/wp-json/wc/store/v1/products`
  const parents = simulator.shop.products().filter(({ type }) => type === 'variable')
  assert.deepEqual(asked, [
    { url: `${api}?catalog_visibility=visible&offset=0&${common}`, headers: { accept } },
    { url: simulator.shop.products()[0]?.permalink, headers: { accept } },
    ...(parents.length === 0
      ? []
      : [
          {
            url: `${api}?type=variation&parent=${parents.map(({ id }) => id).join(',')}&offset=0&${common}`,
            headers: { accept },
          },
        ]),
  ])
})

test('variations are requested for many products at once, and page by page for one with hundreds', async (t) => {
  const simulator = await openWoo(t, { products: 100 })
  const parent = simulator.shop.products().find(({ type }) => type === 'variable')
  const variation = simulator.shop.variations().find((one) => one.parent === parent?.id)
  assert.ok(parent && variation)
  const more = Array.from({ length: 294 }, (_, at) => ({ ...variation, id: 900_000 + at }))
  const variations = simulator.shop.variations
  Object.assign(simulator.shop, { variations: () => [...variations(), ...more] })
  parent.variations.push(...more.map(({ id }) => ({ id, attributes: [] })))
  const lines = listLines(await readWoo(simulator))
  const found = lines.map((line) => JSON.parse(line)).find(({ id }) => id === parent.id)
  assert.equal(found.variation_products.length, parent.variations.length)
  const total = simulator.shop.variations().length
  const { '/variations': requests = 0 } = simulator.stats.snapshot().requests
  assert.ok(requests <= Math.ceil(total / 100) + 3, `${requests} requests for ${total} variations`)
})

test('variations without options in their product, or unknown by their product, are read too', async (t) => {
  for (const switches of [{ stubs: 'none' }, { ignoresParent: true }] as const) {
    const simulator = await openWoo(t, { products: 20, ...switches })
    const records = listLines(await readWoo(simulator)).map((line) => JSON.parse(line))
    const read = records.flatMap(({ variation_products = [] }) => variation_products)
    assert.equal(read.length, simulator.shop.variations().length)
  }
})

test('named products are requested by their ids, with their variations', async (t) => {
  const simulator = await openWoo(t, { products: 150 })
  const variable = simulator.shop.products().findLast(({ type }) => type === 'variable')
  const keys = [String(variable?.id), '1000', '7', 'x, y']
  const pages = await readWoo(simulator, { scope: { kind: 'keys', keys } })
  assert.deepEqual(listWooIds(pages), [1000, variable?.id])
  assert.ok(listLines(pages).some((line) => line.includes('"variation_products"')))
})

test('products with a password are left out, and the others are complete', async (t) => {
  const simulator = await openWoo(t, { products: 5 })
  simulator.shop.update(1020, { is_password_protected: true })
  const warnings: string[] = []
  const pages = await readWoo(simulator, { warnings })
  assert.deepEqual(listWooIds(pages), [1000, 1040, 1060, 1080])
  assert.deepEqual([pages.at(-1)?.complete, pages.at(-1)?.expected], [true, 4])
  assert.match(warnings.join('\n'), /1 products of 127.0.0.1:\d+ have a password and are left out/)
})

test('a shop in the mode "coming soon" is not read, although its API responds', async (t) => {
  for (const comingSoon of ['shop', 'site'] as const) {
    const simulator = await openWoo(t, { products: 5, comingSoon })
    const error = await catchSyncError(readWoo(simulator))
    assert.equal(error.code, 'source/closed')
    assert.match(error.message, /is in the mode "coming soon"/)
  }
})

test('text around the JSON is left out with a warning, if the list is whole', async (t) => {
  const simulator = await openWoo(t, { products: 120 })
  const clean = listLines(await readWoo(simulator))
  simulator.faults.set({
    kind: 'notice',
    after: '<!-- cached [{"id":1}] -->',
    path: '/products*',
    times: null,
  })
  const warnings: string[] = []
  assert.deepEqual(listLines(await readWoo(simulator, { warnings })), clean)
  assert.match(warnings.join('\n'), /prints other text around its JSON, which is left out/)
  simulator.faults.set({ kind: 'cut', afterBytes: 9_000, path: '/products?offset=0' })
  assert.equal((await catchSyncError(readWoo(simulator))).code, 'source/cut-short')
})

test('text inside the JSON, and an empty list after text, are never read', async (t) => {
  const simulator = await openWoo(t, { products: 2 })
  const failure = async (body: string): Promise<string> => {
    simulator.faults.set({ kind: 'status', status: 200, body, path: '/products?offset=0' })
    return (await catchSyncError(readWoo(simulator))).message
  }
  const product = '{"id":1,"name":"A","prices":{}}'
  assert.match(await failure(`[${product},<b>Warning</b>${product}]`), /between its products/)
  assert.match(await failure('Fatal error: [] operator not supported []'), /text, not JSON/)
  assert.match(await failure('x [{"id":1}]'), /between its products/)
  assert.match(await failure(`<!DOCTYPE html><p>[${product}]`), /a web page, not JSON/)
  assert.match(
    await failure(`x [{"id":1,"images":[{"id":2,"name":"x","prices":1}]`),
    /ends in the middle/,
  )
})

const FAILURES: readonly [name: keyof typeof RESPONSES, code: ErrorCode, message: RegExp][] = [
  ['closed', 'source/blocked', /401 \(rest_forbidden\): the shop has closed its public API/],
  ['disabled', 'source/gone', /404 \(rest_no_route\): WooCommerce or its Store API is not active/],
  ['limited', 'source/rate-limited', /429/],
  ['limitedAs400', 'source/rate-limited', /400 \(rate_limit_exceeded\)/],
  ['challenge', 'source/blocked', /bot challenge \(403\)/],
  ['password', 'source/password', /401/],
  ['refused', 'source/blocked', /403/],
  ['missing', 'source/gone', /404/],
  ['removed', 'source/gone', /410/],
  ['broken', 'source/unavailable', /500/],
  ['maintenance', 'source/unavailable', /503/],
  ['webPage', 'source/malformed', /a web page, not JSON/],
  ['object', 'source/malformed', /JSON, but not a list of products/],
]

for (const [name, code, message] of FAILURES) {
  test(`"${name}" on a later page is ${code}, never the end`, async (t) => {
    const simulator = await openWoo(t, { products: 150 })
    simulator.faults.set({ ...RESPONSES[name], path: '/products?offset=99' })
    const pages: Page[] = []
    const error = await catchSyncError(
      (async () => {
        for await (const page of fetchWoo(simulator)) pages.push(page)
      })(),
    )
    assert.deepEqual([error.code, pages.length, pages[0]?.complete], [code, 1, false])
    assert.match(error.message, message)
    assert.match(error.message, /127\.0\.0\.1:\d+, products from 99,/)
    const rest = await readWoo(simulator, { cursor: pages[0]?.cursor ?? null })
    assert.equal(rest.at(-1)?.complete, true)
  })
}

test('the wait that the shop states is honoured, from its own header as well', async (t) => {
  const simulator = await openWoo(t, { products: 1 })
  for (const [name, waitMs] of [
    ['limited', 7_000],
    ['limitedAs400', 7_000],
    ['maintenance', 600_000],
  ] as const) {
    simulator.faults.set({ ...RESPONSES[name], path: '/products?offset=0' })
    assert.equal((await catchSyncError(readWoo(simulator))).retryAfterMs, waitMs)
  }
})
