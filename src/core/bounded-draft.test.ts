import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundedDraft, LISTS_MAX } from './bounded-draft.ts'
import { SyncError } from './errors.ts'
import type { Draft } from './product.ts'

const VARIANT = {
  externalId: 'v',
  title: null,
  sku: null,
  gtin: null,
  options: {},
  weightGrams: null,
  packCount: null,
  availability: null,
} as const
const PRICE = {
  variantId: 'v',
  type: 'list',
  amountMinor: 100,
  currency: 'AUD',
  compareAtMinor: null,
} as const
const DRAFT: Draft = {
  externalId: 'p',
  status: 'active',
  title: null,
  description: null,
  brand: null,
  manufacturer: null,
  url: null,
  identifiers: { ean: ['1'] },
  attributes: { tags: ['a'] },
  sourceUpdatedAtMs: 1_000,
  successorId: null,
  expiresAtMs: null,
  variants: [VARIANT],
  prices: [PRICE],
  images: [],
  terms: [],
  disagreements: [],
  provenance: {},
  warnings: [],
}
const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n))

test('a draft within the limits is returned itself, also at each limit', () => {
  const full: Draft = {
    ...DRAFT,
    identifiers: { ean: many(LISTS_MAX.codes, String) },
    attributes: {
      tags: many(LISTS_MAX.attributes, String),
      grams: Object.fromEntries(many(LISTS_MAX.variants, (n) => [`v${n}`, n])),
    },
    variants: [{ ...VARIANT, options: Object.fromEntries(many(100, (n) => [`o${n}`, ''])) }],
    warnings: many(LISTS_MAX.warnings, String),
  }
  for (const draft of [DRAFT, full]) assert.equal(boundedDraft(draft), draft)
})

test('every list is cut to its limit, and a warning states its original length', () => {
  const long: Draft = {
    ...DRAFT,
    identifiers: { ean: many(6_000, String), pbs: '1' },
    attributes: {
      tags: many(6_000, String),
      grams: Object.fromEntries(many(6_000, (n) => [`v${n}`, n])),
    },
    variants: many(6_000, (n) => ({
      ...VARIANT,
      externalId: `v${n}`,
      ...(n === 0 && { options: Object.fromEntries(many(200, (at) => [`o${at}`, 'x'])) }),
    })),
    prices: many(6_000, (n) => ({ ...PRICE, variantId: `v${n}` })),
    images: many(6_000, (position) => ({ url: 'https://x.example/', alt: null, position })),
    terms: many(6_000, (n) => ({
      kind: 'brand',
      externalId: `b${n}`,
      name: 'b',
      parentId: null,
      attributes: {},
    })),
  }
  const { variants, prices, images, terms, identifiers, attributes, warnings } = boundedDraft(long)
  assert.deepEqual(
    [variants.length, images.length, terms.length],
    [LISTS_MAX.variants, LISTS_MAX.images, LISTS_MAX.terms],
  )
  assert.equal(prices.length, LISTS_MAX.variants, 'a price is removed with its variant')
  assert.deepEqual(
    [
      Object.keys(variants[0]?.options ?? {}).length,
      identifiers['ean']?.length,
      identifiers['pbs'],
    ],
    [LISTS_MAX.options, LISTS_MAX.codes, '1'],
  )
  assert.deepEqual(
    [attributes['tags'], attributes['grams']].map((value) => Object.keys(value ?? {}).length),
    [LISTS_MAX.attributes, LISTS_MAX.variants],
  )
  assert.equal(warnings.length, 7)
  assert.ok(warnings.includes('images: 6000, of which the first 1000 are kept'))
})

test('warnings are cut too, and the last one counts the rest', () => {
  const { warnings } = boundedDraft({ ...DRAFT, warnings: many(100_000, (n) => `warning ${n}`) })
  assert.deepEqual([warnings.length, warnings.at(-1)], [LISTS_MAX.warnings, '99901 more warnings'])
})

test('a time outside the supported range is unknown, with a warning', () => {
  for (const sourceUpdatedAtMs of [0, -1, 1e16, 253_402_300_800_000, Infinity, Number.NaN]) {
    const { sourceUpdatedAtMs: time, warnings } = boundedDraft({ ...DRAFT, sourceUpdatedAtMs })
    assert.deepEqual([time, warnings.length], [null, 1], String(sourceUpdatedAtMs))
  }
})

test('a record with a number that does not fit its column is refused', () => {
  const wrong: readonly Partial<Draft>[] = [
    ...[-1, 0.5, 2 ** 31, Number.NaN].map((packCount) => ({
      variants: [{ ...VARIANT, packCount }],
    })),
    ...[-1, Infinity, 1e300, Number.NaN].map((weightGrams) => ({
      variants: [{ ...VARIANT, weightGrams }],
    })),
    ...[-1, 0.5, 2 ** 53, Infinity].flatMap((minor) => [
      { prices: [{ ...PRICE, amountMinor: minor }] },
      { prices: [{ ...PRICE, compareAtMinor: minor }] },
    ]),
    ...[-1, 0.5, 2 ** 31].map((position) => ({
      images: [{ url: 'https://x.example', alt: null, position }],
    })),
    ...[0, Number.NaN, 1e16].map((expiresAtMs) => ({ expiresAtMs })),
    { externalId: '' },
  ]
  for (const part of wrong) {
    assert.throws(
      () => boundedDraft({ ...DRAFT, ...part }),
      (error) => error instanceof SyncError && error.action === 'quarantine',
      JSON.stringify(part),
    )
  }
})

test('the words of a provenance are shortened, without half a pair of surrogates', () => {
  const read = (raw: string) => ({ raw, rule: 'r', confidence: 1, place: 'title' })
  const draft = { ...DRAFT, provenance: { 'attributes.a': read('x'.repeat(300)) } }
  assert.equal(boundedDraft(draft), draft)
  for (const text of ['x'.repeat(301), `${'x'.repeat(298)}😀😀`]) {
    const { provenance } = boundedDraft({ ...DRAFT, provenance: { 'attributes.a': read(text) } })
    const { raw = '' } = provenance['attributes.a'] ?? {}
    assert.ok(raw.isWellFormed() && raw.endsWith('…') && raw.length <= 300)
  }
  const paths = many(LISTS_MAX.provenance + 1, (n) => [`variants.${n}.weightGrams`, read('1 g')])
  const { provenance, warnings } = boundedDraft({ ...DRAFT, provenance: Object.fromEntries(paths) })
  assert.equal(Object.keys(provenance).length, LISTS_MAX.provenance)
  assert.match(warnings.join(), /provenance: 20001, of which the first 20000 are kept/)
})
