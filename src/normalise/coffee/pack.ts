// The domain pack for coffee: writes what the texts of a product state into its draft, each value
// with its provenance. A value that no text states stays absent, and one that the connector states
// stays as it is.

import { listTexts, type Json } from '../../core/json.ts'
import type { Draft, Provenance, Variant } from '../../core/product.ts'
import type { SourceOptions } from '../../core/source-options.ts'
import type { DomainPack } from '../domain-packs.ts'
import { htmlToMarkdown } from '../html/html-to-markdown.ts'
import { htmlToText } from '../html/html-to-text.ts'
import { readTags } from '../tags.ts'
import type { PlacedFinding } from './placed.ts'
import { findCoffeeQuestions } from './questions.ts'
import { readCoffeeProduct, type CoffeeProduct } from './read-product.ts'
import type { CoffeeVariant } from './read-variants.ts'
import { findSenses, SENSES } from './sensory.ts'

export const coffeePack: DomainPack = { read: readDraft, findQuestions: findCoffeeQuestions }

type Value = readonly [name: string, value: Json, finding: PlacedFinding<unknown> | null]

const TENTHS = 10

function readDraft(draft: Draft, options: SourceOptions): Draft {
  const tags = readTags(listTexts(draft.attributes['tags']), options.tags)
  const coffee = readCoffeeProduct(draft, tags)
  const isOther = coffee.classification?.value.isCoffee === false
  const values = [
    ['pack', 'coffee', null] as const,
    ...listValues(coffee),
    ...listLimited(draft, tags),
    ...(isOther ? [] : listSenses(tags)),
    ...listShopTexts(draft, tags),
  ].filter(([, value]) => value !== null)
  return {
    ...draft,
    attributes: {
      ...draft.attributes,
      ...Object.fromEntries(values.map(([name, value]) => [name, value])),
      ...toGrinds(coffee.variants),
    },
    variants: fillVariants(draft.variants, coffee.variants),
    provenance: {
      ...draft.provenance,
      ...Object.fromEntries(
        values.flatMap(([name, , finding]) =>
          finding === null ? [] : [[`attributes.${name}`, toProvenance(finding)]],
        ),
      ),
      ...toVariantProvenance(draft.variants, coffee.variants),
    },
  }
}

function toProvenance({ raw, rule, confidence, place }: PlacedFinding<unknown>): Provenance {
  return { raw, rule, confidence, place }
}

function listValues(coffee: CoffeeProduct): Value[] {
  const { classification, roastLevel, roastStyles, process, altitude } = coffee
  return [
    ['is_coffee', classification?.value.isCoffee ?? null, classification],
    ['kind', classification?.value.kind ?? null, classification],
    ['roast_level', roastLevel?.value ?? null, roastLevel],
    ['roast_styles', toJson(roastStyles?.value), roastStyles],
    ['process', toJson(process?.value.name), process],
    ['process_base', process?.value.base ?? null, process],
    ['inoculated', process?.value.inoculated ?? null, process],
    ['decaf', isDecaf(coffee) ? true : null, coffee.decaf ?? process],
    ['decaf_method', process?.value.decafMethod ?? null, process],
    ['species', toJson(coffee.species?.value), coffee.species],
    ['varieties', toJson(coffee.varieties?.value), coffee.varieties],
    ['country', coffee.country?.value ?? null, coffee.country],
    ['region', coffee.region?.value ?? null, coffee.region],
    ['estate', coffee.estate?.value ?? null, coffee.estate],
    ['altitude_min', altitude?.value.min ?? null, altitude],
    ['altitude_max', altitude?.value.max ?? null, altitude],
    ...listTradeValues(coffee),
  ]
}

function listTradeValues(coffee: CoffeeProduct): Value[] {
  return [
    ['grade', coffee.grade?.value ?? null, coffee.grade],
    ['score', coffee.score?.value ?? null, coffee.score],
    ['flavour_notes', toJson(coffee.flavours?.value), coffee.flavours],
    ['certifications', toJson(coffee.certifications?.value), coffee.certifications],
    ['green', coffee.green?.value ?? null, coffee.green],
    ['subscription', coffee.subscription?.value ?? null, coffee.subscription],
    ['wholesale', coffee.wholesale?.value ?? null, coffee.wholesale],
    ['bundle', coffee.bundle?.value ?? null, coffee.bundle],
    ['content_unclear', coffee.unclearCount === null ? null : true, coffee.unclearCount],
  ]
}

/** A stated method of decaffeination says that the coffee is decaffeinated. */
function isDecaf({ decaf, process }: CoffeeProduct): boolean {
  return decaf !== null || (process?.value.decafMethod ?? null) !== null
}

function listSenses(tags: readonly string[]): Value[] {
  const found = findSenses(tags)
  return SENSES.map((sense): Value => {
    const finding = found.get(sense) ?? null
    return [sense, finding?.value ?? null, finding]
  })
}

const LIMITED = /\blimited(?:[\s-](?:edition|release|lot|batch|roast|reserve|drop))?\b/i

/** Silence says nothing, so the value is true or unknown. */
function listLimited({ title }: Draft, tags: readonly string[]): Value[] {
  const texts = [
    ...(title === null ? [] : [{ place: 'title' as const, text: title }]),
    ...tags.map((text) => ({ place: 'tag' as const, text })),
  ]
  for (const { place, text } of texts) {
    const raw = LIMITED.exec(text)?.[0]
    if (raw !== undefined)
      return [
        ['is_limited', true, { value: true, raw, rule: 'sale/limited', confidence: 0.9, place }],
      ]
  }
  return []
}

/** The texts of the shop in a form for readers: they are the shop's own words, without a rule. */
function listShopTexts({ description }: Draft, tags: readonly string[]): Value[] {
  return [
    ['clean_tags', tags.length === 0 ? null : [...tags], null],
    ['description_md', description === null ? null : htmlToMarkdown(description), null],
    ['description_text', description === null ? null : htmlToText(description), null],
  ]
}

/** Grinds by variant. */
function toGrinds(variants: readonly CoffeeVariant[]): Record<string, Json> {
  const stated = variants.flatMap(({ externalId, grinds }) =>
    grinds === null ? [] : [[externalId, [...grinds.value]] as const],
  )
  return stated.length === 0 ? {} : { grinds: toJson(Object.fromEntries(stated)) }
}

function fillVariants(variants: readonly Variant[], found: readonly CoffeeVariant[]): Variant[] {
  return variants.map((variant, at) => {
    const { weightGrams = null, packCount = null } = found[at] ?? {}
    return {
      ...variant,
      weightGrams: variant.weightGrams ?? (weightGrams && toTenths(weightGrams.value)),
      packCount: variant.packCount ?? packCount?.value ?? null,
    }
  })
}

/** Weights are stored to a tenth of a gram: 1 oz is 28.349523125 g. */
function toTenths(grams: number): number {
  return Math.round(grams * TENTHS) / TENTHS
}

function toVariantProvenance(
  variants: readonly Variant[],
  found: readonly CoffeeVariant[],
): Record<string, Provenance> {
  const entries = variants.flatMap(({ externalId, ...stated }, at) => {
    const own = found[at]
    return [
      ['weightGrams', stated.weightGrams === null ? own?.weightGrams : null] as const,
      ['packCount', stated.packCount === null ? own?.packCount : null] as const,
      ['grinds', own?.grinds] as const,
    ].flatMap(([name, finding]) =>
      finding ? [[`variants.${externalId}.${name}`, toProvenance(finding)] as const] : [],
    )
  })
  return Object.fromEntries(entries)
}

function toJson(value: unknown): Json {
  return (value ?? null) as Json
}
