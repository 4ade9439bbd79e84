// Reads a whole product of a coffee shop: type, tags, options, title and description, in the order
// in which shops are right about them. Each value keeps its words, and the text that they stand in.
// The shipping weight of a shop is not read: it is that of a parcel (docs/decisions/0015).

import { listTexts } from '../../core/json.ts'
import type { Draft, Variant } from '../../core/product.ts'
import type { Finding } from '../finding.ts'
import { readTokens } from '../tokens.ts'
import { listAttributeTexts } from './attribute-texts.ts'
import { classify, type Classification } from './classify.ts'
import {
  readPlaced,
  toPlacedText,
  type Place,
  type PlacedFinding,
  type PlacedReading,
  type PlacedText,
} from './placed.ts'
import type { ProductKind } from './kinds.ts'
import { readCoffee, type CoffeeReading } from './read-coffee.ts'
import { GRIND_OPTION, readVariants, type CoffeeVariant } from './read-variants.ts'

/** Values that one text states and that hold for the whole product. */
const MERGED = [
  'roastLevel',
  'roastStyles',
  'process',
  'species',
  'varieties',
  'country',
  'region',
  'estate',
  'altitude',
  'grade',
  'score',
  'decaf',
  'flavours',
  'certifications',
  'green',
  'subscription',
  'wholesale',
  'bundle',
] as const satisfies readonly (keyof CoffeeReading)[]

type Merged = {
  readonly [Name in (typeof MERGED)[number]]: Placed<CoffeeReading[Name]>
}
type Placed<Found> = Found extends Finding<infer Value> ? PlacedFinding<Value> : null

export interface CoffeeProduct extends Merged {
  readonly classification: PlacedFinding<Classification> | null
  readonly variants: readonly CoffeeVariant[]
  /**
   * The count of a title such as `Pack of 2` beside a weight in an option, which may be that of one
   * pack or of both.
   */
  readonly unclearCount: PlacedFinding<number> | null
}

/**
 * Reads a draft as connectors return it. `tags` are those that say something about the product.
 * Pure; the same draft has the same result.
 */
export function readCoffeeProduct(
  draft: Draft,
  tags: readonly string[] = listTexts(draft.attributes['tags']),
): CoffeeProduct {
  const readings = listPlacedTexts(draft, tags).map(readPlaced)
  const classification = classifyProduct(draft, readings)
  const isOther = classification?.value.isCoffee === false
  const known = isOther ? [] : readings
  const variants = readVariants(draft, readings, classification?.value ?? null)
  return {
    ...(Object.fromEntries(MERGED.map((name) => [name, mergeValue(known, name)])) as Merged),
    classification,
    variants,
    unclearCount: findUnclearCount(readings, variants),
  }
}

/**
 * Titles are right most often, the attributes and tags of the shop next; descriptions also speak of
 * other products.
 */
function listPlacedTexts(
  { title, description, attributes }: Draft,
  tags: readonly string[],
): PlacedText[] {
  return [
    toPlacedText('title', title, 'title'),
    ...listAttributeTexts(attributes['attributes']),
    ...tags.map((text) => toPlacedText('tag', text, 'tag')),
    toPlacedText('description', description, 'description'),
    ...listTexts(attributes['short_description']).map((text) =>
      toPlacedText('description', text, 'description'),
    ),
  ].filter((text) => text !== null)
}

/**
 * The shop's own type decides, then its categories, then options that name a grind, then the title,
 * and the description last. A title that names a sale decides before the grind, which says only that
 * a subscription contains coffee.
 */
function classifyProduct(
  draft: Draft,
  readings: readonly PlacedReading[],
): PlacedFinding<Classification> | null {
  const categories = draft.terms.filter(({ kind }) => kind === 'category').map(({ name }) => name)
  const words = [
    ...listTexts(draft.attributes['product_type']).map((text) => ({
      place: 'type' as const,
      text,
    })),
    ...categories.map((text) => ({ place: 'category' as const, text })),
  ]
  const named = findSale(readings)
  for (const { place, text } of words) {
    const found = classify(readTokens(text), 'title')
    // A type such as `Coffee` also holds the subscriptions and gift cards of a shop.
    if (found?.value.isCoffee === true && named !== null) return named
    if (found?.value.isCoffee != null) return { ...found, place }
  }
  const grind = findGrindOption(draft.variants)
  if (grind && named?.value.kind === 'subscription')
    return { ...named, value: { ...named.value, isCoffee: true } }
  if (grind) return named ?? grind
  const stated = readings.find(({ reading }) => reading.classification !== null)
  return stated?.reading.classification
    ? { ...stated.reading.classification, place: stated.place }
    : null
}

/** Kinds of sale that a title names in so many words. */
const SALES: ReadonlySet<ProductKind | null> = new Set(['subscription', 'gift_card', 'technical'])

function findSale(readings: readonly PlacedReading[]): PlacedFinding<Classification> | null {
  const title = readings.find(({ place }) => place === 'title')
  const found = title?.reading.classification ?? null
  return found !== null && SALES.has(found.value.kind) ? { ...found, place: 'title' } : null
}

function findGrindOption(variants: readonly Variant[]): PlacedFinding<Classification> | null {
  for (const { options } of variants)
    for (const [name, value] of Object.entries(options)) {
      const { grinds } = readCoffee(value, 'option')
      if (!GRIND_OPTION.test(name) || grinds === null) continue
      return {
        value: { isCoffee: true, kind: 'roasted' },
        raw: grinds.raw,
        rule: 'kind/grind-option',
        confidence: 0.9,
        place: 'option',
      }
    }
  return null
}

function findUnclearCount(
  readings: readonly PlacedReading[],
  variants: readonly CoffeeVariant[],
): PlacedFinding<number> | null {
  const pack = readings.find(({ place }) => place === 'title')?.reading.pack
  if (!pack?.count || pack.content !== null || pack.count.value < 2) return null
  const isBeside = variants.some(({ weightGrams, packCount }) => weightGrams && !packCount)
  return isBeside ? { ...pack.count, place: 'title' } : null
}

/**
 * The value of the first place. Lists of one place are joined, as those of tags; a place that
 * contradicts itself is passed over.
 */
function mergeValue<Name extends (typeof MERGED)[number]>(
  readings: readonly PlacedReading[],
  name: Name,
): Merged[Name] {
  const byPlace = new Map<Place, PlacedFinding<unknown> | null>()
  for (const { place, reading } of readings) {
    const finding = reading[name]
    const known = byPlace.get(place)
    if (finding === null || known === null) continue
    if (known === undefined) byPlace.set(place, { ...finding, place })
    else if (Array.isArray(known.value) && Array.isArray(finding.value))
      byPlace.set(place, { ...known, value: [...new Set([...known.value, ...finding.value])] })
    else if (!isSame(known.value, finding.value)) byPlace.set(place, null)
  }
  const first = [...byPlace.values()].find((finding) => finding !== null)
  return (first ?? null) as Merged[Name]
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
