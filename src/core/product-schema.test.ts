// The published schema and the types of product.ts describe the same product.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import type { Draft } from './product.ts'
import { DraftSchema } from './product-schema.ts'

const DRAFT: Draft = {
  externalId: 'M0001',
  status: 'active',
  title: 'Tea',
  description: null,
  brand: null,
  manufacturer: null,
  url: null,
  identifiers: { ean: ['09300000000017'], fred: '12' },
  attributes: { vat_rate: 10 },
  sourceUpdatedAtMs: 1_700_000_000_000,
  successorId: null,
  expiresAtMs: null,
  variants: [
    {
      externalId: 'M0001',
      title: null,
      sku: null,
      gtin: '09300000000017',
      options: {},
      weightGrams: 250,
      packCount: null,
      availability: 'in_stock',
    },
  ],
  prices: [
    {
      variantId: 'M0001',
      type: 'public',
      amountMinor: 1250,
      currency: 'AUD',
      compareAtMinor: null,
    },
  ],
  images: [{ url: 'https://cdn.example/1.jpg', alt: null, position: 0 }],
  terms: [{ kind: 'brand', externalId: '7', name: 'Tea Co', parentId: null, attributes: {} }],
  disagreements: [],
  provenance: {
    'variants.M0001.weightGrams': {
      raw: '250 g',
      rule: 'pack/weight',
      confidence: 1,
      place: 'title',
    },
  },
  warnings: [],
}

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never

test('the schema describes the type, member by member', () => {
  // A type error here means that product.ts and product-schema.ts differ.
  const same: Same<z.infer<typeof DraftSchema>, Draft> = true
  assert.ok(same)
  assert.deepEqual(DraftSchema.parse(DRAFT), DRAFT)
})

test('a product with an extra member, a missing one or a fractional amount is invalid', () => {
  const { title: _, ...untitled } = DRAFT
  const [price] = DRAFT.prices
  for (const wrong of [
    { ...DRAFT, price: 1250 },
    untitled,
    { ...DRAFT, prices: [{ ...price, amountMinor: 12.5 }] },
    { ...DRAFT, status: 'removed' },
  ]) {
    assert.ok(!DraftSchema.safeParse(wrong).success)
  }
})
