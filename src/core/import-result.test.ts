import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IMPORT_FIELDS, listImportedFields } from './import-result.ts'

const EMPTY = {
  title: null,
  description: null,
  brand: null,
  manufacturer: null,
  url: null,
  attributes: {},
  images: [],
  variants: [{ availability: null }],
  prices: [],
}

test('a product without any value misses every field', () => {
  assert.deepEqual(listImportedFields(EMPTY), { imported: [], missing: IMPORT_FIELDS })
})

test('each value is a field by the name of its column, and a price without a saving has no original one', () => {
  const price = { amountMinor: 1_500, currency: 'USD', compareAtMinor: null }
  const draft = { ...EMPTY, title: 'ESP32', url: 'https://www.amazon.com/dp/B08DQQ8CBP' }
  const plain = listImportedFields({ ...draft, prices: [price] })
  assert.deepEqual(plain.imported, ['title', 'detail_page_url', 'current_price', 'currency'])
  const discounted = listImportedFields({
    ...draft,
    prices: [{ ...price, compareAtMinor: 2_000 }],
    attributes: { availability_type: 'IN_STOCK', availability_message: 'In Stock' },
    images: [{ url: 'https://m.media-amazon.com/1.jpg', alt: null, position: 0 }],
  })
  assert.deepEqual(discounted.missing, [
    'description',
    'brand',
    'manufacturer',
    'customer_review_count',
    'star_rating',
  ])
  assert.deepEqual(
    [...discounted.imported, ...discounted.missing].sort(),
    [...IMPORT_FIELDS].sort(),
  )
})

test('an unknown amount does not count as a price', () => {
  const price = { amountMinor: null, currency: 'USD', compareAtMinor: null }
  assert.deepEqual(listImportedFields({ ...EMPTY, prices: [price] }).imported, [])
})
