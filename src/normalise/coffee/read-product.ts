// Reads a whole product of a coffee shop: type, tags, options, title and description, in the order
// in which shops are right about them. Each value keeps its words, and the text that they stand in.
// The shipping weight of a shop is not read: it is that of a parcel (docs/decisions/0015).

import type { Json } from '../../core/json.ts'
import type { Draft, Variant } from '../../core/product.ts'
import type { Finding } from '../finding.ts'
import type { Pack } from '../packs.ts'
import { readTokens } from '../tokens.ts'
import { classify, type Classification } from './classify.ts'
import type { Grind } from './grind.ts'
import { readCoffee, type CoffeeField, type CoffeeReading } from './read-coffee.ts'

/** The text that a value was read from. */
export type Place = 'type' | 'tag' | 'category' | 'option' | 'title' | 'description'

export type PlacedFinding<Value> = Finding<Value> & { readonly place: Place }

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

export interface CoffeeVariant {
  readonly externalId: string
  /** Exact grams of one unit; null if no text states it. */
  readonly weightGrams: PlacedFinding<number> | null
  readonly packCount: PlacedFinding<number> | null
  readonly grinds: PlacedFinding<readonly Grind[]> | null
}

export interface CoffeeProduct extends Merged {
  readonly classification: PlacedFinding<Classification> | null
  readonly variants: readonly CoffeeVariant[]
}

interface PlacedText {
  readonly place: Place
  readonly text: string
  readonly field: CoffeeField
}

/** Reads a draft as connectors return it. Pure; the same draft has the same result. */
export function readCoffeeProduct(draft: Draft): CoffeeProduct {
  const texts = listTexts(draft)
  const readings = texts.map(({ place, text, field }) => ({
    place,
    reading: readCoffee(text, field),
  }))
  const classification = classifyProduct(draft, readings)
  const isOther = classification?.value.isCoffee === false
  const known = isOther ? [] : readings
  return {
    ...(Object.fromEntries(MERGED.map((name) => [name, mergeValue(known, name)])) as Merged),
    classification,
    variants: draft.variants.map((variant) => readVariant(variant, draft, isOther)),
  }
}

interface PlacedReading {
  readonly place: Place
  readonly reading: CoffeeReading
}

/** Titles are right most often, tags next; descriptions also speak of other products. */
function listTexts({ title, description, attributes }: Draft): PlacedText[] {
  const tags = listStrings(attributes['tags'])
  return [
    ...(title === null ? [] : [{ place: 'title', text: title, field: 'title' } as const]),
    ...tags.map((text) => ({ place: 'tag', text, field: 'tag' }) as const),
    ...(description === null
      ? []
      : [{ place: 'description', text: description, field: 'description' } as const]),
  ]
}

function listStrings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/**
 * The shop's own type decides, then its categories, then options that name a grind, then the title,
 * and the description last.
 */
function classifyProduct(
  draft: Draft,
  readings: readonly PlacedReading[],
): PlacedFinding<Classification> | null {
  const type = draft.attributes['product_type']
  const categories = draft.terms.filter(({ kind }) => kind === 'category').map(({ name }) => name)
  const words = [
    ...(typeof type === 'string' ? [{ place: 'type' as const, text: type }] : []),
    ...categories.map((text) => ({ place: 'category' as const, text })),
  ]
  for (const { place, text } of words) {
    const found = classify(readTokens(text), 'title')
    if (found?.value.isCoffee != null) return { ...found, place }
  }
  const grind = findGrindOption(draft.variants)
  if (grind) return grind
  const stated = readings.find(({ reading }) => reading.classification !== null)
  return stated?.reading.classification
    ? { ...stated.reading.classification, place: stated.place }
    : null
}

const GRIND_OPTION = /\bgrind|\bmahlgrad|\bmouture|\bmolienda|\bmielenie|挽き|분쇄/i

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

const SIZE_OPTION =
  /size|weight|gewicht|größe|poids|taille|peso|tamaño|waga|gramatura|pack|quantity|容量|重量|용량/i

/**
 * Options named after a size come first, then other options, the title of the variant, and the
 * product.
 */
function readVariant(variant: Variant, draft: Draft, isOther: boolean): CoffeeVariant {
  const options = Object.entries(variant.options)
  const sized = options.filter(([name]) => SIZE_OPTION.test(name) && !GRIND_OPTION.test(name))
  const others = options.filter((option) => !sized.includes(option))
  const texts = [
    ...[...sized, ...others].map(([, text]) => toText('option', text, 'option')),
    toText('option', variant.title, 'option'),
    toText('title', draft.title, 'title'),
    toText('description', draft.description, 'description'),
  ].filter((text) => text !== null)
  const readings = texts.map(({ place, text, field }) => ({
    place,
    reading: readCoffee(text, field),
  }))
  const packs = readings.map(({ place, reading }) => ({ place, pack: reading.pack }))
  const stated = readings.find(({ place, reading }) => place !== 'description' && reading.grinds)
  const weightGrams = findWeight(packs)
  return {
    externalId: variant.externalId,
    weightGrams,
    packCount: findCount(packs, weightGrams),
    grinds:
      isOther || !stated?.reading.grinds ? null : { ...stated.reading.grinds, place: stated.place },
  }
}

function toText(place: Place, text: string | null, field: CoffeeField): PlacedText | null {
  return text === null ? null : { place, text, field }
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
