// Tests the product that a record becomes. The records have the values of captured ones.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catchSyncError } from '../../../test/support/shopify.ts'
import { identify, normalise } from './products.ts'

const shop = { url: 'https://shop.example' }

const prices = (price: string, more: object = {}): object => ({
  price,
  regular_price: price,
  sale_price: price,
  currency_code: 'INR',
  currency_minor_unit: 2,
  ...more,
})

const simple = (more: object = {}): object => ({
  id: 1173,
  name: 'SOUTH INDIAN FILTER COFFEE',
  permalink: 'https://shop.example/product/filter/',
  type: 'simple',
  images: [
    { src: 'https://shop.example/a.jpg', alt: 'A &amp; B' },
    { src: 'javascript:x', alt: '' },
  ],
  is_in_stock: true,
  prices: prices('14900'),
  variations: [],
  ...more,
})

const variable = (more: object = {}): object =>
  simple({
    type: 'variable',
    attributes: [
      {
        name: 'Grind Size',
        taxonomy: 'pa_grind-size',
        has_variations: true,
        terms: [
          { id: 43, name: 'Aero press', slug: 'aero-press' },
          { id: 49, name: 'Whole &amp; Beans', slug: 'whole-beans' },
        ],
      },
      { name: 'Size', taxonomy: null, has_variations: true, terms: [] },
    ],
    variations: [
      {
        id: 1,
        attributes: [
          { name: 'Grind Size', value: 'aero-press' },
          { name: 'Size', value: '250 g' },
        ],
      },
      {
        id: 2,
        attributes: [
          { name: 'Grind Size', value: 'whole-beans' },
          { name: 'Size', value: null },
        ],
      },
    ],
    variation_products: [
      { id: 2, sku: 'W-2', prices: prices('29000'), is_in_stock: false },
      { id: 1, prices: prices('38000'), is_in_stock: true, is_on_backorder: true },
    ],
    ...more,
  })

function priceOf(price: string, more: object = {}) {
  const { prices: list, warnings } = normalise(simple({ prices: prices(price, more) }), shop)
  return { amount: list[0]?.amountMinor, currency: list[0]?.currency, warnings }
}

test('a price has the decimals that the shop is set to', () => {
  const cases: readonly [price: string, decimals: number, currency: string, minor: number][] = [
    ['277666', 2, 'EUR', 277_666],
    ['12', 0, 'USD', 1_200],
    ['12500', 3, 'USD', 1_250],
    ['120000', 2, 'JPY', 1_200],
    ['1250', 3, 'KWD', 1_250],
    ['125', 2, 'KWD', 1_250],
    ['5', 2, 'EUR', 5],
  ]
  for (const [price, currency_minor_unit, currency_code, minor] of cases)
    assert.equal(priceOf(price, { currency_minor_unit, currency_code }).amount, minor, price)
})

test('"0", nothing and an amount below the smallest coin mean an unknown price, with the reason', () => {
  for (const price of ['0', '000', '', ' '])
    assert.deepEqual(
      [priceOf(price).amount, priceOf(price).warnings.includes('1 of 1 variant has no price')],
      [null, true],
    )
  const inexact = priceOf('1999', { currency_code: 'USD', currency_minor_unit: 3 })
  assert.equal(inexact.amount, null)
  assert.match(inexact.warnings.join('\n'), /not an amount of money: "1999" with 3 decimals in USD/)
  for (const price of ['-5', '1.5', '1e3', '9'.repeat(30)])
    assert.equal(priceOf(price).amount, null)
})

test('a price without a currency is left out, with the reason', () => {
  for (const currency_code of ['', null, 'Rs', 'inr']) {
    const { amount, warnings } = priceOf('100', { currency_code })
    assert.equal(amount, undefined)
    assert.match(warnings.join('\n'), /without a currency/)
  }
})

test('only a product on sale has a crossed-out price, and only a higher one', () => {
  const compared = (on_sale: boolean, regular_price: string): unknown =>
    normalise(simple({ on_sale, prices: prices('14900', { regular_price }) }), shop).prices[0]
      ?.compareAtMinor
  assert.equal(compared(true, '30000'), 30_000)
  assert.equal(compared(false, '30000'), null)
  assert.equal(compared(true, '14900'), null)
  assert.equal(compared(true, '0'), null)
})

test('names are decoded once and lose their markup', () => {
  const titleOf = (name: unknown): unknown => normalise(simple({ name }), shop).title
  assert.equal(titleOf('SUBSCRIPTION &#8211; 24 DELIVERIES'), 'SUBSCRIPTION – 24 DELIVERIES')
  assert.equal(titleOf('Salt &amp;amp; Pepper'), 'Salt &amp; Pepper')
  assert.equal(titleOf('H<sub>2</sub>O <br/> new'), 'H2O new')
  assert.equal(titleOf('  '), null)
})

test('variations have the names of their options, their own price and their own stock', () => {
  const { variants, prices: list, warnings } = normalise(variable(), shop)
  assert.deepEqual(
    variants.map(({ externalId, title, sku, options, availability }) => [
      externalId,
      title,
      sku,
      options,
      availability,
    ]),
    [
      ['1', 'Aero press / 250 g', null, { 'Grind Size': 'Aero press', Size: '250 g' }, 'preorder'],
      ['2', 'Whole & Beans', 'W-2', { 'Grind Size': 'Whole & Beans' }, 'out_of_stock'],
    ],
  )
  assert.deepEqual(
    list.map(({ variantId, amountMinor }) => [variantId, amountMinor]),
    [
      ['1', 38_000],
      ['2', 29_000],
    ],
  )
  assert.deepEqual(warnings, ['1 image has no usable address'])
})

test('a variation that the shop lists but does not send has no price, and another one is added', () => {
  const {
    variants,
    prices: list,
    warnings,
  } = normalise(
    variable({
      variation_products: [
        { id: 3, variation: 'Grind Size: Fine, wet, Size: 1 kg', prices: prices('5') },
      ],
    }),
    shop,
  )
  assert.deepEqual(
    variants.map(({ externalId, availability }) => [externalId, availability]),
    [
      ['1', null],
      ['2', null],
      ['3', null],
    ],
  )
  assert.deepEqual(variants[2]?.options, { 'Grind Size': 'Fine, wet', Size: '1 kg' })
  assert.deepEqual(
    list.map(({ amountMinor }) => amountMinor),
    [null, null, 5],
  )
  assert.match(
    warnings.join('\n'),
    /2 of 3 variants are not sent by the shop, so their price is unknown/,
  )
})

test('the lowest price of a group, or of variations that are not there, is not stored', () => {
  for (const type of ['grouped', 'variable', 'variable-subscription']) {
    const draft = normalise(simple({ type }), shop)
    assert.deepEqual(
      draft.prices.map(({ amountMinor }) => amountMinor),
      [null],
    )
    assert.match(draft.warnings.join('\n'), /sold by its parts/)
  }
})

test('addresses that run code are left out, and pictures keep their text', () => {
  const draft = normalise(simple({ permalink: 'javascript:alert(1)' }), shop)
  assert.equal(draft.url, null)
  assert.deepEqual(draft.images, [{ url: 'https://shop.example/a.jpg', alt: 'A & B', position: 0 }])
})

test('the weight of the parcel is an attribute, and the net weight is unknown', () => {
  const draft = normalise(simple({ weight: '0.3', formatted_weight: '0.3 kg' }), shop)
  assert.equal(draft.attributes['shipping_weight'], '0.3 kg')
  assert.equal(draft.variants[0]?.weightGrams, null)
  const none = normalise(simple({ formatted_weight: 'N/A' }), shop)
  assert.equal('shipping_weight' in none.attributes, false)
})

test('a record with another shape is refused by the path of its first fault', async () => {
  const refusal = (record: unknown) => catchSyncError((async () => normalise(record, shop))())
  assert.equal((await refusal({ name: 'x' })).code, 'record/no-id')
  const wrong = await refusal(simple({ variations: [{ id: 1 }, { id: 'x' }] }))
  assert.equal(wrong.code, 'record/invalid')
  assert.match(wrong.message, /^\$\.variations\[1\]\.id: /)
  assert.equal(identify({ id: 2 ** 53 }), null)
  assert.equal(identify({ id: '9007199254740993' }), '9007199254740993')
})
