// Texts of the kinds that shops write, each with the values that it states.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseField } from './parse-field.ts'

const TEXTS: readonly (readonly [field: string, input: string, values: Record<string, unknown>])[] =
  [
    ['variant_title', 'Half Pound', { unit_weight_g: 226.8 }],
    ['variant_title', 'Quarter kilo / Whole Bean', { unit_weight_g: 250, grind: 'whole' }],
    ['variant_title', 'Pack of two', { pack_count: 2 }],
    ['variant_title', 'Bohne / 1 kg', { unit_weight_g: 1000, grind: 'whole' }],
    ['option_value', 'Mokka', { grind: 'moka_pot' }],
    ['option_value', 'Filtr', { grind: 'filter' }],
    ['product_title', 'Dark Chocolate 70% with Coffee Nibs', { is_coffee: false, kind: 'food' }],
    ['product_title', 'Vienna Roast 250 gms', { is_coffee: true, roast_level: 'medium_dark' }],
    ['product_title', 'Papua New Guinea Sigri Estate AA', { country: 'PG', estate: 'Sigri' }],
    ['description', 'A washed Ethiopian coffee.', { process: 'washed' }],
    ['description', 'A natural choice for honey lovers.', { process: null }],
    ['description', 'Processed by the washed or the natural method.', { process: null }],
    ['description', 'Varietal: SLN 795', { varieties: ['S795'] }],
    ['price_text', 'KD 3.500', { amount_minor: 3500, currency: 'KWD' }],
  ]

test('texts of shops have the values that they state, and no others', () => {
  for (const [field, input, expected] of TEXTS) {
    const values = parseField(input, field)?.values ?? {}
    const read = Object.fromEntries(Object.keys(expected).map((name) => [name, values[name]]))
    assert.deepEqual(read, expected, input)
  }
})
