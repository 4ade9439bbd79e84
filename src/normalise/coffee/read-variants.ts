// Reads the content of each variant: grams of one unit, number of units, and grinds. Options named
// after a size come first, then other options, the title of the variant, and the product.

import type { Draft, Variant } from '../../core/product.ts'
import type { Pack } from '../packs.ts'
import type { Classification } from './classify.ts'
import type { Grind } from './grind.ts'
import { SIZED_BY_CAPACITY } from './kinds.ts'
import { readPlaced, type Place, type PlacedFinding, type PlacedReading } from './placed.ts'

export interface CoffeeVariant {
  readonly externalId: string
  /** Exact grams of one unit; null if no text states it. */
  readonly weightGrams: PlacedFinding<number> | null
  readonly packCount: PlacedFinding<number> | null
  readonly grinds: PlacedFinding<readonly Grind[]> | null
}

export const GRIND_OPTION = /\bgrind|\bmahlgrad|\bmouture|\bmolienda|\bmielenie|挽き|분쇄/i

const SIZE_OPTION =
  /size|weight|gewicht|größe|poids|taille|peso|tamaño|waga|gramatura|pack|quantity|容量|重量|용량/i

/** The places of a product that also state the content of its variants. */
const SHARED_PLACES: readonly Place[] = ['title', 'description']

/**
 * `readings` are those of the product itself. Goods that are not coffee have no grind, and a mug of
 * 12 oz has no weight.
 */
export function readVariants(
  { variants }: Draft,
  readings: readonly PlacedReading[],
  kind: Classification | null,
): CoffeeVariant[] {
  const shared = readings.filter(({ place }) => SHARED_PLACES.includes(place))
  // Variants repeat the values of their options.
  const known = new Map<string, PlacedReading>()
  const readOption = (text: string): PlacedReading => {
    const reading = known.get(text) ?? readPlaced({ place: 'option', text, field: 'option' })
    known.set(text, reading)
    return reading
  }
  return variants.map((variant) => {
    const own = listTexts(variant).map(readOption)
    return readVariant(variant, [...own, ...shared], kind)
  })
}

function listTexts({ options, title }: Variant): string[] {
  const named = Object.entries(options)
  const isSize = ([name]: readonly [string, string]): boolean =>
    SIZE_OPTION.test(name) && !GRIND_OPTION.test(name)
  const sized = named.filter(isSize)
  const others = named.filter((option) => !isSize(option))
  const texts = [...sized, ...others].map(([, text]) => text)
  return title === null ? texts : [...texts, title]
}

function readVariant(
  { externalId }: Variant,
  readings: readonly PlacedReading[],
  classification: Classification | null,
): CoffeeVariant {
  const packs = readings.map(({ place, reading }) => ({ place, pack: reading.pack }))
  const stated = readings.find(({ place, reading }) => place !== 'description' && reading.grinds)
  const { isCoffee = null, kind = null } = classification ?? {}
  const isSized = kind !== null && SIZED_BY_CAPACITY.has(kind)
  const weightGrams = isSized ? null : findWeight(packs)
  return {
    externalId,
    weightGrams,
    packCount: findCount(packs, weightGrams),
    grinds:
      isCoffee === false || !stated?.reading.grinds
        ? null
        : { ...stated.reading.grinds, place: stated.place },
  }
}

interface PlacedPack {
  readonly place: Place
  readonly pack: Pack | null
}

function findWeight(packs: readonly PlacedPack[]): PlacedFinding<number> | null {
  for (const { place, pack } of packs)
    if (pack?.content?.value.dimension === 'mass')
      return { ...pack.content, value: pack.content.value.unitSize, place }
  return null
}

/**
 * `Pack of 2` in a title does not say whether the `200g` of an option is the content of one or of
 * both, so a count beside a weight is that of the same text.
 */
function findCount(
  packs: readonly PlacedPack[],
  weight: PlacedFinding<number> | null,
): PlacedFinding<number> | null {
  for (const { place, pack } of packs) {
    const isBeside = weight === null || pack?.content?.raw === weight.raw
    if (pack?.count && isBeside) return { ...pack.count, place }
  }
  return null
}
