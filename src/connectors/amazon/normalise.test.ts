// Items as products: offers, codes, images, categories, and what an item without data keeps.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAmazon, readAmazon, recordsOf } from '../../../test/support/amazon.ts'
import type { AmazonOptions } from '../../../simulators/amazon/server.ts'
import { OFFERS, toAsin } from '../../../simulators/amazon/product.ts'
import type { Draft } from '../../core/product.ts'
import { normalise } from './normalise.ts'

type Test = Parameters<typeof openAmazon>[0]

/** Drafts of the simulator's items with `keys`, by ASIN. */
async function draftsOf(
  t: Test,
  options: AmazonOptions,
  keys: readonly string[],
): Promise<Map<string, Draft>> {
  const records = recordsOf(await readAmazon(await openAmazon(t, options), keys))
  return new Map([...records].map(([asin, record]) => [asin, normalise(record)]))
}

const ESP32 = toAsin(0)

/** The least that the schema accepts, with these listings. */
const recordWith = (listings: unknown, item: object = {}) => ({
  asin: ESP32,
  marketplace: 'www.amazon.com',
  fetchedAt: '2026-11-28T12:00:00.000Z',
  item: { offersV2: { listings }, ...item },
})

const listing = (more: object = {}) => ({
  isBuyBoxWinner: true,
  availability: { type: 'IN_STOCK' },
  price: { money: { amount: 19.99, currency: 'USD' } },
  ...more,
})

test('an item becomes a product with its codes, images, categories and price', async (t) => {
  const draft = (await draftsOf(t, {}, [ESP32])).get(ESP32)
  assert.ok(draft)
  const { title, brand, manufacturer, description, identifiers, variants, prices, images } = draft
  assert.deepEqual(
    [title, brand, manufacturer, description],
    [
      'ESP32-DevKitC-32UE Development Board, Wi-Fi and Bluetooth',
      'Espressif Systems',
      'Espressif Systems',
      null,
    ],
  )
  assert.match(draft.url ?? '', /\?tag=simulated-20&linkCode=ogi/)
  assert.deepEqual(prices, [
    {
      variantId: ESP32,
      type: 'public',
      amountMinor: 1_500,
      currency: 'USD',
      compareAtMinor: 2_000,
    },
  ])
  assert.equal(identifiers['asin'], ESP32)
  assert.equal(identifiers['ean'], variants[0]?.gtin)
  assert.equal(variants[0]?.availability, 'in_stock')
  assert.deepEqual(
    images.map(({ url, position }) => [position, /-(\d)\._SL(\d+)_/.exec(url)?.slice(1).join(' ')]),
    [
      [0, '0 1500'],
      [1, '1 1500'],
      [2, '2 500'],
    ],
  )
  assert.deepEqual(
    draft.terms.map(({ externalId, name, parentId }) => [externalId, name, parentId]),
    [
      ['17441247011', 'Single Board Computers', '541966'],
      ['541966', 'Computers', '172282'],
      ['172282', 'Electronics', null],
    ],
  )
  const { attributes } = draft
  assert.deepEqual(
    [attributes['saving_basis'], attributes['parent_asin'], attributes['dimensions']],
    ['WAS_PRICE', 'B0PARENT01', { height: '0.5 inches', weight: '0.04 pounds' }],
  )
  assert.equal(attributes['customer_reviews'], null)
  assert.match(JSON.stringify(attributes['customer_reviews_reason']), /does not return them/)
})

test('containers that are null and containers that are absent are the same product', async (t) => {
  const keys = OFFERS.map((_, at) => toAsin(at))
  const [nulls, absent] = [
    await draftsOf(t, { nulls: true, largest: 'hiRes' }, keys),
    await draftsOf(t, { nulls: false, largest: 'highRes' }, keys),
  ]
  for (const asin of keys) assert.deepEqual(nulls.get(asin), absent.get(asin))
})

test('only the featured offer has a price, and only while it can be bought and shown', async (t) => {
  const keys = OFFERS.map((_, at) => toAsin(at))
  const drafts = await draftsOf(t, {}, keys)
  const facts = OFFERS.map((offer, at) => {
    const { status, prices, variants } = drafts.get(toAsin(at)) as Draft
    const hasPrice = prices.length === 1 && (prices[0]?.amountMinor ?? 0) > 100
    return [offer, status, variants[0]?.availability, hasPrice]
  })
  assert.deepEqual(facts, [
    ['one', 'active', 'in_stock', true],
    ['discounted', 'active', 'in_stock', true],
    ['deal', 'active', 'in_stock', true],
    ['several', 'active', 'in_stock', true],
    ['out-of-stock', 'active', 'out_of_stock', false],
    ['violates-map', 'active', 'in_stock', false],
    ['unavailable', 'unavailable', 'out_of_stock', false],
    ['none', 'active', null, false],
  ])
})

test('a price that Amazon hides, of a subscription or without a featured offer is none', () => {
  const price = (listings: unknown) => normalise(recordWith(listings)).prices[0]?.amountMinor
  assert.equal(price([listing()]), 1_999)
  assert.equal(price([listing({ isBuyBoxWinner: false })]), undefined)
  assert.equal(price([listing({ type: 'SUBSCRIBE_AND_SAVE' })]), undefined)
  assert.equal(price([listing({ type: 'SUBSCRIBE_AND_SAVE' }), listing()]), 1_999)
  assert.equal(price([listing({ violatesMAP: true })]), undefined)
  assert.equal(price([listing({ availability: { type: 'OUT_OF_STOCK' } })]), undefined)
  const hidden = normalise(recordWith([listing({ violatesMAP: true })]))
  assert.match(hidden.warnings.join(), /it is hidden/)
})

test('amounts are those of their currency', () => {
  const price = (amount: unknown, currency: string) =>
    normalise(recordWith([listing({ price: { money: { amount, currency } } })])).prices[0]
      ?.amountMinor
  assert.equal(price(8.7, 'USD'), 870)
  assert.equal(price(1980, 'JPY'), 1_980)
  assert.equal(price(19.8, 'JPY'), undefined)
  assert.equal(price(1e21, 'USD'), undefined)
  assert.equal(price(5, 'dollars'), undefined)
})

test('words that Amazon adds are unknown, and do not refuse the item', () => {
  const draft = normalise(
    recordWith([listing({ availability: { type: 'ON_MARS' }, type: 'HAUL' })]),
  )
  assert.equal(draft.variants[0]?.availability, null)
  assert.equal(draft.attributes['availability_type'], 'ON_MARS')
  assert.equal(draft.prices[0]?.amountMinor, 1_999)
})

test('an item without data is unavailable with the reason, and keeps its ASIN only', () => {
  const { item: _, ...line } = recordWith([])
  const refusal = { code: 'ItemNotAccessible', message: 'not accessible' }
  const draft = normalise({ ...line, item: null, refusal })
  assert.deepEqual(
    [draft.externalId, draft.status, draft.title, draft.expiresAtMs, draft.prices, draft.images],
    [ESP32, 'unavailable', null, null, [], []],
  )
  assert.deepEqual(draft.attributes, { unavailable_reason: 'ItemNotAccessible' })
  assert.deepEqual(draft.identifiers, { asin: ESP32 })
})
