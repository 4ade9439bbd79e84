// The options of a source: filters, tags, and the version that changes with them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../core/product.ts'
import { Filters, SourceOptions } from '../core/source-options.ts'
import { createFilter } from './filters.ts'
import { toNormaliserVersion } from './normaliser-version.ts'
import { readTags } from './tags.ts'

const DRAFT: Draft = {
  externalId: '1',
  status: 'active',
  title: 'Gift Card ₹500',
  description: null,
  brand: 'Saltbush',
  manufacturer: null,
  url: null,
  identifiers: {},
  attributes: {
    product_type: 'Gift Cards',
    tags: ['Sale', 'ｇｉｆｔ'],
    kind: 'gift_card',
    is_coffee: false,
  },
  sourceUpdatedAtMs: null,
  successorId: null,
  expiresAtMs: null,
  variants: [],
  prices: [],
  images: [],
  terms: [{ kind: 'category', externalId: '7', name: 'Gifts', parentId: null, attributes: {} }],
  disagreements: [],
  provenance: {},
  warnings: [],
}

const explain = (filters: unknown): string | null =>
  createFilter(Filters.parse(filters))?.(DRAFT) ?? null

test('a pattern matches the whole value, a star any text, and neither case nor width matters', () => {
  for (const exclude of [
    { title: ['gift card*'] },
    { title: ['*₹500'] },
    { title: ['*card*5*'] },
    { type: ['GIFT CARDS'] },
    { tag: ['gift'] },
    { vendor: ['salt*'] },
    { category: ['gifts'] },
    { kind: ['other'] },
    { kind: ['coffee', 'gift_card'] },
  ])
    assert.match(explain({ exclude }) ?? '', /is excluded$/, JSON.stringify(exclude))
  for (const exclude of [
    { title: ['gift card'] },
    { title: ['*gift*gift*'] },
    { type: ['card'] },
    {},
  ])
    assert.equal(explain({ exclude }), null, JSON.stringify(exclude))
})

test('an included field needs one match, and a field that is excluded wins', () => {
  assert.equal(explain({ include: { type: ['Coffee', 'Gift*'] } }), null)
  assert.equal(
    explain({ include: { type: ['Gift*'], kind: ['coffee'] } }),
    'its kind is not included',
  )
  assert.match(explain({ include: { type: ['*'] }, exclude: { tag: ['sale'] } }) ?? '', /"Sale"/)
})

test('a hostile pattern takes time in proportion to the title', () => {
  const filter = createFilter(Filters.parse({ exclude: { title: [`${'*a'.repeat(90)}*b`] } }))
  assert.equal(filter?.({ ...DRAFT, title: 'a'.repeat(2_000_000) }), null)
})

test('tags of operations are dropped, prefixes removed, and the map of the shop wins', () => {
  const tags = [
    'TAX_5',
    'GST18',
    '48211',
    'CRP',
    '__hidden',
    'not_express',
    'tag_floral',
    '深煎り',
    'PS',
    'PS',
  ]
  assert.deepEqual(readTags(tags, {}), ['floral', '深煎り', 'PS'])
  assert.deepEqual(readTags(tags, { PS: 'producer series', CRP: 'crisp', tag_floral: null }), [
    'crisp',
    '深煎り',
    'producer series',
  ])
})

test('the version changes with the connector, the pack and each other option, and is that of the connector without them', () => {
  const version = (connector: number, options: unknown) =>
    toNormaliserVersion(connector, SourceOptions.parse(options))
  assert.deepEqual([version(3, {}), version(3, { pack: 'coffee' })], [3, 1_003])
  const versions = [
    version(3, {}),
    version(3, { pack: 'coffee' }),
    version(4, { pack: 'coffee' }),
    version(3, { pack: 'coffee', unitPrice: 'DE' }),
    version(3, { pack: 'coffee', tags: { a: 'b' } }),
    version(3, { pack: 'coffee', tags: { a: null } }),
    version(3, { filters: { exclude: { tag: ['a'] } } }),
  ]
  assert.equal(new Set(versions).size, versions.length)
  assert.ok(versions.every((one) => Number.isInteger(one) && one < 2 ** 31))
})
