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
export type Source = 'type' | 'tag' | 'category' | 'option' | 'title' | 'description'

export type SourcedFinding<Value> = Finding<Value> & { readonly source: Source }

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
  readonly [Name in (typeof MERGED)[number]]: Sourced<CoffeeReading[Name]>
}
type Sourced<Found> = Found extends Finding<infer Value> ? SourcedFinding<Value> : null

export interface CoffeeVariant {
  readonly externalId: string
  /** Exact grams of one unit; null if no text states it. */
  readonly weightGrams: SourcedFinding<number> | null
  readonly packCount: SourcedFinding<number> | null
  readonly grinds: SourcedFinding<readonly Grind[]> | null
}

export interface CoffeeProduct extends Merged {
  readonly classification: SourcedFinding<Classification> | null
  readonly variants: readonly CoffeeVariant[]
}

interface SourcedText {
  readonly source: Source
  readonly text: string
  readonly field: CoffeeField
}

/** Reads a draft as connectors return it. Pure; the same draft has the same result. */
export function readCoffeeProduct(draft: Draft): CoffeeProduct {
  const texts = listTexts(draft)
  const readings = texts.map(({ source, text, field }) => ({
    source,
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

interface SourcedReading {
  readonly source: Source
  readonly reading: CoffeeReading
}

/** Titles are right most often, tags next; descriptions also speak of other products. */
function listTexts({ title, description, attributes }: Draft): SourcedText[] {
  const tags = listStrings(attributes['tags'])
  return [
    ...(title === null ? [] : [{ source: 'title', text: title, field: 'title' } as const]),
    ...tags.map((text) => ({ source: 'tag', text, field: 'tag' }) as const),
    ...(description === null
      ? []
      : [{ source: 'description', text: description, field: 'description' } as const]),
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
  readings: readonly SourcedReading[],
): SourcedFinding<Classification> | null {
  const type = draft.attributes['product_type']
  const categories = draft.terms.filter(({ kind }) => kind === 'category').map(({ name }) => name)
  const words = [
    ...(typeof type === 'string' ? [{ source: 'type' as const, text: type }] : []),
    ...categories.map((text) => ({ source: 'category' as const, text })),
  ]
  for (const { source, text } of words) {
    const found = classify(readTokens(text), 'title')
    if (found?.value.isCoffee != null) return { ...found, source }
  }
  const grind = findGrindOption(draft.variants)
  if (grind) return grind
  const stated = readings.find(({ reading }) => reading.classification !== null)
  return stated?.reading.classification
    ? { ...stated.reading.classification, source: stated.source }
    : null
}

const GRIND_OPTION = /\bgrind|\bmahlgrad|\bmouture|\bmolienda|\bmielenie|挽き|분쇄/i

function findGrindOption(variants: readonly Variant[]): SourcedFinding<Classification> | null {
  for (const { options } of variants)
    for (const [name, value] of Object.entries(options)) {
      const { grinds } = readCoffee(value, 'option')
      if (!GRIND_OPTION.test(name) || grinds === null) continue
      return {
        value: { isCoffee: true, kind: 'roasted' },
        raw: grinds.raw,
        rule: 'kind/grind-option',
        confidence: 0.9,
        source: 'option',
      }
    }
  return null
}

/** The first source that states one value; a source that contradicts itself is passed over. */
function mergeValue<Name extends (typeof MERGED)[number]>(
  readings: readonly SourcedReading[],
  name: Name,
): Merged[Name] {
  const found = readings.flatMap(({ source, reading }) => {
    const finding = reading[name]
    return finding === null ? [] : [{ ...finding, source }]
  })
  const first = found.find(({ source, value }) =>
    found.every((other) => other.source !== source || isSame(other.value, value)),
  )
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
  const readings = texts.map(({ source, text, field }) => ({
    source,
    reading: readCoffee(text, field),
  }))
  const packs = readings.map(({ source, reading }) => ({ source, pack: reading.pack }))
  const stated = readings.find(({ source, reading }) => source !== 'description' && reading.grinds)
  const weightGrams = findWeight(packs)
  return {
    externalId: variant.externalId,
    weightGrams,
    packCount: findCount(packs, weightGrams),
    grinds:
      isOther || !stated?.reading.grinds
        ? null
        : { ...stated.reading.grinds, source: stated.source },
  }
}

function toText(source: Source, text: string | null, field: CoffeeField): SourcedText | null {
  return text === null ? null : { source, text, field }
}

interface SourcedPack {
  readonly source: Source
  readonly pack: Pack | null
}

function findWeight(packs: readonly SourcedPack[]): SourcedFinding<number> | null {
  for (const { source, pack } of packs)
    if (pack?.content?.value.dimension === 'mass')
      return { ...pack.content, value: pack.content.value.unitSize, source }
  return null
}

/**
 * `Pack of 2` in a title does not say whether the `200g` of an option is the content of one or of
 * both, so a count beside a weight is that of the same text.
 */
function findCount(
  packs: readonly SourcedPack[],
  weight: SourcedFinding<number> | null,
): SourcedFinding<number> | null {
  for (const { source, pack } of packs) {
    const isBeside = weight === null || pack?.content?.raw === weight.raw
    if (pack?.count && isBeside) return { ...pack.count, source }
  }
  return null
}
