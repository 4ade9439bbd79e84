// Tests single products: a known value is kept exactly, an unknown one is null, and the path of an
// invalid one is reported.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../../core/errors.ts'
import type { Draft } from '../../core/product.ts'
import { makeProduct } from '../../../simulators/shopify/product.ts'
import { identify, normalise } from './products.ts'

const SETTINGS = { url: 'https://shop.example', currency: 'AUD' }

const VARIANT = {
  id: 41710635548727,
  title: '200g / Inverted Aeropress / Pourover',
  option1: '200g',
  option2: 'Inverted Aeropress / Pourover',
  option3: null,
  sku: '',
  requires_shipping: true,
  taxable: true,
  featured_image: null,
  available: true,
  price: '25.00',
  grams: 340,
  compare_at_price: '30.00',
  position: 1,
  product_id: 7291034370103,
  created_at: '2025-06-16T12:08:29+05:30',
  updated_at: '2025-09-18T00:33:11+05:30',
}

const PRODUCT = {
  id: 7291034370103,
  title: ' Gift Hamper ',
  handle: 'gift-hamper',
  body_html: '<p>Nice &amp; warm</p>',
  published_at: '2025-09-17T12:06:11+05:30',
  created_at: '2025-06-16T12:08:29+05:30',
  updated_at: '2025-09-18T00:33:11+05:30',
  vendor: 'Saltbush',
  product_type: '',
  tags: ['a', 'b'],
  variants: [VARIANT],
  images: [
    { id: 1, position: 1, src: 'https://cdn.example/a.jpg?v=1758090943' },
    { id: 2, position: 2, src: '//cdn.example/b.jpg' },
  ],
  options: [
    { name: 'Size', position: 1, values: ['200g'] },
    { name: 'Grind', position: 2, values: ['Inverted Aeropress / Pourover'] },
  ],
}

function draftOf(
  change: Record<string, unknown> = {},
  variantChange?: Record<string, unknown>,
): Draft {
  return normalise(
    {
      ...PRODUCT,
      ...(variantChange && { variants: [{ ...VARIANT, ...variantChange }] }),
      ...change,
    },
    SETTINGS,
  )
}

function refusalOf(record: unknown): [code: string, message: string] {
  try {
    normalise(record, SETTINGS)
  } catch (error) {
    if (error instanceof SyncError) return [error.code, error.message]
    throw error
  }
  return ['none', '']
}

test('a product becomes a draft', () => {
  assert.deepEqual(draftOf(), {
    externalId: '7291034370103',
    status: 'active',
    title: 'Gift Hamper',
    description: '<p>Nice &amp; warm</p>',
    brand: 'Saltbush',
    manufacturer: null,
    url: 'https://shop.example/products/gift-hamper',
    identifiers: {},
    attributes: {
      handle: 'gift-hamper',
      product_type: null,
      tags: ['a', 'b'],
      published_at: '2025-09-17T12:06:11+05:30',
      created_at: '2025-06-16T12:08:29+05:30',
      shipping_grams: { '41710635548727': 340 },
    },
    sourceUpdatedAtMs: Date.parse('2025-09-17T19:03:11Z'),
    successorId: null,
    expiresAtMs: null,
    variants: [
      {
        externalId: '41710635548727',
        title: '200g / Inverted Aeropress / Pourover',
        sku: null,
        gtin: null,
        options: { Size: '200g', Grind: 'Inverted Aeropress / Pourover' },
        weightGrams: null,
        packCount: null,
        availability: 'in_stock',
      },
    ],
    prices: [
      {
        variantId: '41710635548727',
        type: 'list',
        amountMinor: 2500,
        currency: 'AUD',
        compareAtMinor: 3000,
      },
    ],
    images: [
      { url: 'https://cdn.example/a.jpg?v=1758090943', alt: null, position: 0 },
      { url: 'https://cdn.example/b.jpg', alt: null, position: 1 },
    ],
    terms: [],
    disagreements: [],
    provenance: {},
    warnings: [],
  })
})

test('text that is not an amount is quoted completely or reported by its length, never in part', () => {
  const variant = (price: string) => ({ ...PRODUCT, variants: [{ ...VARIANT, price }] })
  assert.match(refusalOf(variant('on request'))[1], /"on request" is not an amount of AUD$/)
  assert.match(
    refusalOf(variant(`${'x'.repeat(30)}planted-secret`))[1],
    /: a text of 44 characters is not an amount of AUD$/,
  )
})

test('a product without options has one variant without options and title', () => {
  const options = [{ name: 'Title', position: 1, values: ['Default Title'] }]
  const draft = draftOf(
    { options },
    { title: 'Default Title', option1: 'Default Title', option2: null },
  )
  assert.deepEqual([draft.variants[0]?.title, draft.variants[0]?.options], [null, {}])
})

test('a placeholder for no options means none, also when the list of options is missing or has no names', () => {
  for (const options of [
    undefined,
    null,
    [],
    [{ name: null }],
    [{ position: 1 }],
    [{ name: 'Title' }],
  ]) {
    const draft = draftOf(
      { options },
      { title: 'Default Title', option1: 'Default Title', option2: null },
    )
    assert.deepEqual(
      [draft.variants[0]?.title, draft.variants[0]?.options],
      [null, {}],
      JSON.stringify(options),
    )
  }
  assert.deepEqual(draftOf({ options: undefined }).variants[0]?.options, {
    'Option 1': '200g',
    'Option 2': 'Inverted Aeropress / Pourover',
  })
})

test('options go by position, and one without a name is still kept', () => {
  const options = [
    { name: 'Grind', position: 2 },
    { name: 'Size', position: 1 },
    { name: '', position: 3 },
  ]
  const mixed = draftOf({ options }, { option2: 'Fine', option3: 'x' })
  assert.deepEqual(mixed.variants[0]?.options, { Size: '200g', Grind: 'Fine', 'Option 3': 'x' })
  const twice = draftOf({ options: [{ name: 'Size' }, { name: 'Size' }] }, { option2: 'L' })
  assert.deepEqual(twice.variants[0]?.options, { Size: '200g', 'Size (2)': 'L' })
})

test('positions are used if they number the whole list, as numbers or text, from 1 or 0; otherwise the order is used', () => {
  const named = (...positions: unknown[]) => {
    const options = [
      { name: 'first', position: positions[0] },
      { name: 'second', position: positions[1] },
    ]
    return Object.keys(
      draftOf({ options }, { option1: 'a', option2: 'b' }).variants[0]?.options ?? {},
    )
  }
  for (const positions of [
    [2, 1],
    ['2', '1'],
    [1, 0],
    ['1', '0'],
  ])
    assert.deepEqual(named(...positions), ['second', 'first'], JSON.stringify(positions))
  for (const positions of [
    [1, 2],
    [0, 1],
    ['1', '2'],
    [1, 1],
    [3, 2],
    [1e308, -5],
    [null, 1],
    ['b', 'a'],
    [1.5, 1],
    [{}, []],
    [2 ** 53, 1],
  ]) {
    assert.deepEqual(named(...positions), ['first', 'second'], JSON.stringify(positions))
  }
})

test('a crossed-out price counts only above the price', () => {
  for (const [compare, expected] of [
    ['25.00', null],
    ['0.00', null],
    ['', null],
    [null, null],
    ['25.01', 2501],
  ] as const) {
    assert.equal(
      draftOf({}, { compare_at_price: compare }).prices[0]?.compareAtMinor,
      expected,
      String(compare),
    )
  }
})

test('a price of zero is kept with a warning, an absent price is null', () => {
  const free = draftOf({}, { price: '0.00' })
  assert.equal(free.prices[0]?.amountMinor, 0)
  assert.deepEqual(free.warnings, ['1 of 1 variant has the price 0'])
  const unpriced = draftOf({}, { price: null, compare_at_price: null })
  assert.equal(unpriced.prices[0]?.amountMinor, null)
  assert.deepEqual(unpriced.warnings, ['1 of 1 variant has no price'])
})

test('a sold-out product is out of stock and still active; without a value, availability is unknown', () => {
  const soldOut = draftOf({}, { available: false })
  assert.deepEqual([soldOut.status, soldOut.variants[0]?.availability], ['active', 'out_of_stock'])
  assert.equal(draftOf({}, { available: undefined }).variants[0]?.availability, null)
})

test('hidden copies created by apps are drafts', () => {
  for (const change of [
    { product_type: 'SHOPSTORM_HIDDEN_PRODUCT' },
    { tags: ['x', 'hideproduct'] },
    { tags: ['Hide-Product'] },
  ]) {
    assert.equal(draftOf(change).status, 'draft', JSON.stringify(change))
  }
  assert.equal(draftOf({ product_type: 'Hidden Gems', tags: ['hidden beach'] }).status, 'active')
})

test('unexpected values are warnings', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ...VARIANT, id: index + 1 }))
  assert.match(draftOf({ variants: many(250) }).warnings.join(), /Exactly 250 variants/)
  assert.match(draftOf({ variants: many(100) }).warnings.join(), /Exactly 100 variants/)
  assert.deepEqual(draftOf({ variants: many(101) }).warnings, [])
  assert.match(draftOf({ variants: [] }).warnings.join(), /No variants/)
  assert.match(draftOf({ images: [] }).warnings.join(), /No images/)
  assert.match(
    draftOf({
      images: [{ src: 'data:x' }, { src: '' }, { src: 'https://cdn.example/a.jpg' }],
    }).warnings.join(),
    /2 images have no usable/,
  )
  assert.match(draftOf({ updated_at: 'yesterday' }).warnings.join(), /updated_at/)
  const twice = draftOf({ variants: [VARIANT, { ...VARIANT, price: '1.00' }] })
  assert.deepEqual(
    [twice.variants.length, twice.prices[0]?.amountMinor, twice.warnings.length],
    [1, 2500, 1],
  )
})

test('a time that a shop cannot have is unknown', () => {
  for (const updated_at of [
    '2000-01-01T00:00:00Z',
    '1970-01-01T00:00:01Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T10:00:00+10:00',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
  ]) {
    const { sourceUpdatedAtMs, warnings } = draftOf({ updated_at })
    assert.equal(sourceUpdatedAtMs, null, updated_at)
    assert.match(warnings.join(), /updated_at/)
  }
  assert.equal(
    draftOf({ updated_at: '2024-02-29T00:00:00-05:00' }).sourceUpdatedAtMs,
    Date.UTC(2024, 1, 29, 5),
  )
})

test('absent values are null', () => {
  const bare = normalise({ id: 1, variants: [] }, SETTINGS)
  assert.deepEqual(
    [bare.title, bare.description, bare.brand, bare.url, bare.sourceUpdatedAtMs],
    [null, null, null, null, null],
  )
})

test('a handle in another script is encoded into the address', () => {
  assert.equal(
    draftOf({ handle: '珈琲/a' }).url,
    'https://shop.example/products/%E7%8F%88%E7%90%B2%2Fa',
  )
})

test('a record in another format is refused with the path of the first error', () => {
  assert.deepEqual(refusalOf(null), ['record/no-id', 'The product has no id'])
  assert.deepEqual(refusalOf({ title: 'x' })[0], 'record/no-id')
  const wrong: [change: Record<string, unknown>, path: string][] = [
    [{ id: 1.5 }, '$.id'],
    [{ id: -1 }, '$.id'],
    [{ title: 1 }, '$.title'],
    [{ tags: 'a, b' }, '$.tags'],
    [{ variants: null }, '$.variants'],
    [{ variants: [VARIANT, { ...VARIANT, price: 25 }] }, '$.variants[1].price'],
    [{ variants: [{ ...VARIANT, price: '25,00' }] }, '$.variants[0].price'],
    [{ variants: [{ ...VARIANT, compare_at_price: '1.005' }] }, '$.variants[0].compare_at_price'],
    [{ images: [{ src: 1 }] }, '$.images[0].src'],
  ]
  for (const [change, path] of wrong) {
    const [code, message] = refusalOf({ ...PRODUCT, ...change })
    assert.equal(code, 'record/invalid')
    assert.ok(message.startsWith(`${path}: `), `${message} names ${path}`)
  }
})

test('an id that may have lost digits is refused', () => {
  assert.equal(identify({ id: 10135971496231 }), '10135971496231')
  assert.equal(identify({ id: '99999999999999999999', variants: 'broken' }), '99999999999999999999')
  for (const record of [
    { id: 2 ** 53 },
    { id: null },
    { id: '' },
    { id: '1a' },
    {},
    null,
    'x',
    [],
  ]) {
    assert.equal(identify(record), null, JSON.stringify(record))
  }
  assert.match(
    refusalOf({ ...PRODUCT, id: 2 ** 53 })[1],
    /\$\.id: expected at most 9007199254740991/,
  )
})

test('every product of the simulator becomes a valid draft', () => {
  for (let index = 0; index < 500; index++) {
    const product = makeProduct(index, { seed: 1, decimals: 2 }, '2026-06-01T00:00:00Z')
    const draft = normalise(JSON.parse(JSON.stringify(product)), SETTINGS)
    assert.equal(
      new Set(draft.variants.map(({ externalId }) => externalId)).size,
      product.variants.length,
    )
    assert.equal(draft.prices.length, product.variants.length)
    assert.equal(draft.images.length, product.images.length)
  }
})
