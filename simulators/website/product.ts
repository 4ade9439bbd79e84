// Generates the products of a site; the same seed and number give the same product.

import { createRandom } from '../support/random.ts'

export interface SiteProduct {
  readonly id: number
  slug: string
  name: string
  priceMinor: number
  /** The price in the visible markup, when it differs from the one in the data. */
  shownPriceMinor: number | null
  currency: string
  description: string
  brand: string
  sku: string
  isInStock: boolean
  /** The data of the page ends in the middle. */
  isSpoiled: boolean
  changedMs: number
}

const PLACES = ['Harbour', 'Ridge', 'Café', 'Öland', 'Juniper', 'Tidal', 'Smith & Sons'] as const
const THINGS = ['Blend', 'Mug – large', 'Filter “02”', 'Tee', 'Gift Box'] as const
const START_MS = Date.parse('2026-09-01T06:00:00Z')
const DAY_MS = 86_400_000

export function makeProduct(index: number, seed: number, currency: string): SiteProduct {
  const random = createRandom(seed, index)
  const name = `${random.pick([...PLACES])} ${random.pick([...THINGS])} ${index}`
  return {
    id: 1_000 + index,
    slug: `item-${String(index).padStart(5, '0')}`,
    name,
    priceMinor: random.between(500, 9_000),
    shownPriceMinor: null,
    currency,
    description: `Made slowly, by hand – 漢字. Number ${index}.`,
    brand: 'Öland Keramik',
    sku: `W-${1_000 + index}`,
    isInStock: random.chance(0.8),
    isSpoiled: false,
    changedMs: START_MS + index * 60_000 - random.below(30) * DAY_MS,
  }
}
