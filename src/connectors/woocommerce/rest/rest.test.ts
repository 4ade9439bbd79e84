// Tests the REST API against a shop on loopback: the requests with keys, the drafts, and the reasons
// why it cannot be read.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { WooOptions } from '../../../../simulators/woocommerce/server.ts'
import type { Page } from '../../../core/connector.ts'
import type { ErrorCode } from '../../../core/error-table.ts'
import type { Http } from '../../../core/http.ts'
import { catchSyncError, fetchHttp, listLines } from '../../../../test/support/shopify.ts'
import { listWooIds, openWoo, readWoo } from '../../../../test/support/woocommerce.ts'
import type { WoocommerceSettings } from '../settings.ts'
import { normalise } from '../drafts.ts'

const KEYS = { key: 'ck_1', secret: 'cs_2' }

async function open(t: TestContext, options: WooOptions = {}) {
  const simulator = await openWoo(t, { products: 130, keys: 'ck_1:cs_2', ...options })
  const urls: string[] = []
  const http: Http = (request, signal) => {
    urls.push(request.url)
    return fetchHttp(request, signal)
  }
  return {
    simulator,
    urls,
    read: (
      settings: Partial<WoocommerceSettings> = {},
      wish: Parameters<typeof readWoo>[1] = {},
    ): Promise<Page[]> =>
      readWoo(simulator, { settings: { access: 'rest', ...settings }, keys: KEYS, http, ...wish }),
  }
}

test('all products are read, with one request for each page and each product with variations', async (t) => {
  const { simulator, urls, read } = await open(t)
  const pages = await read()
  assert.deepEqual(
    listWooIds(pages),
    simulator.shop.products().map(({ id }) => id),
  )
  assert.deepEqual([pages.at(-1)?.complete, pages.at(-1)?.expected], [true, 130])
  const variable = simulator.shop.products().filter(({ type }) => type === 'variable').length
  // The settings of the shop take two, and the list of 130 products takes two.
  assert.equal(urls.length, variable + 4)
  assert.ok(urls.every((url) => !url.includes('ck_1')))
  assert.doesNotMatch(listLines(pages).join(), /meta_data/)
})

test('a product of the REST API becomes the same draft as in the Store API', async (t) => {
  for (const [minorUnit, currency] of [
    [2, 'EUR'],
    [0, 'JPY'],
    [3, 'KWD'],
    [2, 'USD'],
  ] as const) {
    const { simulator, read } = await open(t, { products: 60, minorUnit, currency })
    const draftsOf = (pages: readonly Page[]) =>
      listLines(pages).map((line) => {
        const { attributes, ...draft } = normalise(JSON.parse(line), { url: simulator.home })
        return { ...draft, attributes }
      })
    const [store, rest] = [draftsOf(await readWoo(simulator)), draftsOf(await read())]
    assert.deepEqual(rest, store)
  }
})

test('states that only the owner sees, and variations that are switched off', () => {
  const record = {
    id: 7,
    name: 'Mug',
    price: '12.5',
    regular_price: '15',
    on_sale: true,
    status: 'publish',
    variations: [8, 9],
    variation_products: [
      { id: 8, price: '1.25', regular_price: '1.25', status: 'publish', attributes: [] },
      { id: 9, price: '1.50', regular_price: '1.50', status: 'private', attributes: [] },
    ],
    shop_facts: { currency: 'EUR', weightUnit: null },
  }
  const draftOf = (change: object) =>
    normalise({ ...record, ...change }, { url: 'https://a.example' })
  const { status, variants, prices } = draftOf({})
  assert.deepEqual([status, variants.map(({ externalId }) => externalId)], ['active', ['8']])
  assert.deepEqual(
    prices.map(({ amountMinor }) => amountMinor),
    [125],
  )
  for (const state of ['draft', 'pending', 'private', 'future'])
    assert.equal(draftOf({ status: state }).status, 'draft')
  for (const visibility of ['hidden', 'search'])
    assert.equal(draftOf({ catalog_visibility: visibility }).status, 'draft')
  assert.equal(draftOf({ catalog_visibility: 'catalog' }).status, 'active')
  const unsent = draftOf({ variations: [8, 9, 10] })
  assert.deepEqual(
    unsent.prices.map(({ variantId, amountMinor }) => [variantId, amountMinor]),
    [
      ['8', 125],
      ['10', null],
    ],
  )
  assert.match(unsent.warnings.join(), /1 of 2 variants is not sent by the shop/)
  for (const [price, regular_price, amounts] of [
    ['12.5', '15', [1250, 1500]],
    ['12', '15.50', [1200, 1550]],
  ] as const) {
    const change = { variations: [], variation_products: [], price, regular_price }
    const [simple] = draftOf(change).prices
    assert.deepEqual([simple?.amountMinor, simple?.compareAtMinor], amounts)
  }
  for (const [stock_status, availability] of [
    ['instock', 'in_stock'],
    ['outofstock', 'out_of_stock'],
    ['onbackorder', 'preorder'],
  ]) {
    const draft = draftOf({ variations: [], variation_products: [], stock_status })
    assert.equal(draft.variants[0]?.availability, availability)
  }
  const attributes = [
    { name: 'Roast', visible: true, options: ['Dark'] },
    { name: 'Supplier', visible: false, options: ['North'] },
    { name: 'Size', visible: false, variation: true, options: ['250 g'] },
  ]
  assert.deepEqual(draftOf({ attributes }).attributes['attributes'], {
    Roast: ['Dark'],
    Size: ['250 g'],
  })
  for (const [price, amount, warning] of [
    ['', null, /has no price/],
    ['12,50', null, /not an amount of money: "12,50"/],
    ['1e3', null, /not an amount of money/],
    ['0.125', null, /not an amount of money/],
    ['0.10', 10, null],
    ['7', 700, null],
  ] as const) {
    const draft = draftOf({ variations: [], variation_products: [], price, on_sale: false })
    assert.equal(draft.prices[0]?.amountMinor, amount, price)
    if (warning !== null) assert.match(draft.warnings.join(), warning)
  }
})

test('variations on several pages are all read', async (t) => {
  const { simulator, read } = await open(t, { products: 30 })
  const whole = listLines(await read())
  simulator.set({ pageSizeMax: 2 })
  assert.deepEqual(listLines(await read()), whole)
})

test('products that move to a page already read are found, and the count proves that all are', async (t) => {
  const { simulator, read } = await open(t, { products: 250 })
  const ids = simulator.shop.products().map(({ id }) => id)
  let isMoved = false
  const http: Http = async (request, signal) => {
    const response = await fetchHttp(request, signal)
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield* response.body
      if (request.url.includes('/v3/products?') && !isMoved)
        simulator.shop.remove(...ids.slice(0, 60))
      isMoved ||= request.url.includes('/v3/products?')
    }
    return { ...response, body: body() }
  }
  const pages = await read({}, { http })
  assert.deepEqual(listWooIds(pages), ids)
  assert.equal(pages.at(-1)?.complete, true)
})

test('a fetch since a time requests what has changed after it, and states the next time', async (t) => {
  const { simulator, read } = await open(t)
  const newestMs = (await read()).at(-1)?.watermarkMs ?? 0
  const [first] = simulator.shop.products()
  // Other changes may have the same second, so its products are read again.
  const newest = simulator.shop
    .products()
    .find(({ id }) => simulator.shop.modifiedAtMs(id) === newestMs)
  simulator.shop.update(first?.id ?? 0, { name: 'New' })
  const scope = { kind: 'since', sinceMs: newestMs } as const
  const pages = await read({}, { scope })
  assert.ok(listWooIds(pages).includes(first?.id ?? 0))
  assert.ok(listWooIds(pages).includes(newest?.id ?? 0))
  assert.ok(listWooIds(pages).length < 10)
  assert.equal(pages.at(-1)?.complete, true)
  assert.equal(pages.at(-1)?.watermarkMs, simulator.shop.modifiedAtMs(first?.id ?? 0))
  // The newest change of all is on the first page.
  assert.equal((await read()).at(-1)?.watermarkMs, simulator.shop.modifiedAtMs(first?.id ?? 0))
  simulator.set({ knowsModifiedAfter: false })
  assert.equal(listWooIds(await read({}, { scope })).length, 130)
})

test('a host that removes the header is named in the error, and takes the keys as parameters', async (t) => {
  const { urls, read } = await open(t, { removesHeader: true })
  const { code, message } = await catchSyncError(read())
  assert.equal(code, 'source/unauthorized')
  assert.match(message, /401 \(woocommerce_rest_cannot_view\).*--set keysInQuery=true/)
  assert.equal((await read({ keysInQuery: true })).at(-1)?.complete, true)
  assert.ok(urls.at(-1)?.includes('&consumer_key=ck_1&consumer_secret=cs_2'))
})

const error = (status: number, code: string) => ({
  kind: 'status' as const,
  status,
  body: JSON.stringify({ code, message: 'No.', data: { status } }),
})

test('each refusal has its own error, which never quotes the keys', async (t) => {
  const { simulator, read } = await open(t)
  for (const [fault, code] of [
    [error(401, 'woocommerce_rest_authentication_error'), 'source/unauthorized'],
    [error(403, 'woocommerce_rest_cannot_view'), 'source/unauthorized'],
    [error(404, 'rest_no_route'), 'source/gone'],
    [error(429, 'rate_limit_exceeded'), 'source/rate-limited'],
    [{ kind: 'status', status: 401 }, 'source/unauthorized'],
    [{ kind: 'status', status: 403 }, 'source/blocked'],
    [{ kind: 'status', status: 503 }, 'source/unavailable'],
    [{ kind: 'status', status: 200, body: '{"products":[]}' }, 'source/malformed'],
  ] as const satisfies readonly (readonly [object, ErrorCode])[]) {
    simulator.faults.set({ ...fault, path: '/products?offset=0' })
    const { code: found, message } = await catchSyncError(read())
    assert.equal(found, code, message)
    assert.doesNotMatch(message, /ck_1|cs_2/)
  }
  const hidden = await open(t, { hidesSettings: true })
  assert.match((await catchSyncError(hidden.read())).message, /role of a shop manager/)
})

test('a shop that shows other prices than it stores is read with a warning', async (t) => {
  for (const [stored, shown, warns] of [
    ['excl', 'incl', true],
    ['incl', 'excl', true],
    ['incl', 'incl', false],
  ] as const) {
    const { read } = await open(t, { products: 1, tax: { stored, shown } })
    const warnings: string[] = []
    await read({}, { warnings })
    assert.equal(/stores prices .* and shows them/.test(warnings.join()), warns)
  }
})

test('products that the shop counts and does not list leave the run incomplete', async (t) => {
  const { read } = await open(t, { unreadable: 2 })
  const warnings: string[] = []
  const pages = await read({}, { warnings })
  assert.equal(pages.at(-1)?.complete, false)
  assert.match(warnings.join(), /counts 132 products and lists 130/)
})
