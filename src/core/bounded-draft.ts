// Limits of one record. Lists are shortened with a warning, so that 80,000 photos of one product do
// not delay the others. Links that are not safe to show are left out. Numbers are checked, so that one
// that does not fit its column quarantines its record instead of ending the run.

import { SyncError } from './errors.ts'
import type { Json } from './json.ts'
import type { Disagreement, Draft } from './product.ts'
import { isSafeLink } from './safe-links.ts'
import { isTime } from './source-time.ts'

/**
 * Maximum length of each list. Shopify allows 2,048 variants of a product. Elements beyond the
 * limit stay in `raw`.
 */
export const LISTS_MAX = {
  variants: 5_000,
  prices: 20_000,
  disagreements: 1_000,
  claims: 20,
  images: 1_000,
  terms: 1_000,
  options: 100,
  codes: 1_000,
  attributes: 1_000,
  provenance: 20_000,
  warnings: 100,
} as const

/** Maximum number of members of an attribute that is an object: enough for one per variant. */
const MEMBERS_MAX = LISTS_MAX.variants

/** Maximum length of a quotation. */
const QUOTATION_CHARS_MAX = 500
/** Maximum length of the words that state a value. */
const RAW_CHARS_MAX = 300

/** The largest value of an int4 column. */
const INTEGER_MAX = 2 ** 31 - 1

/**
 * Returns the draft, or a copy that fits the catalogue's tables. Takes time in proportion to the
 * size of the draft.
 *
 * @throws SyncError `record/no-id` · `record/invalid` for a number or an expiry time that does not
 * fit its column
 */
export function boundedDraft(draft: Draft): Draft {
  if (draft.externalId === '') throw new SyncError('record/no-id', 'The id of the product is empty')
  const bounded = isWithinBounds(draft) ? draft : shortenedDraft(draft)
  checkNumbers(bounded)
  return bounded
}

/** True for nearly every draft. It copies nothing. */
function isWithinBounds(draft: Draft): boolean {
  const { variants, prices, disagreements, images, terms, warnings, sourceUpdatedAtMs } = draft
  return (
    variants.length <= LISTS_MAX.variants &&
    prices.length <= LISTS_MAX.prices &&
    disagreements.length <= LISTS_MAX.disagreements &&
    disagreements.every(isShort) &&
    images.length <= LISTS_MAX.images &&
    (draft.url === null || isSafeLink(draft.url)) &&
    images.every(({ url }) => isSafeLink(url)) &&
    terms.length <= LISTS_MAX.terms &&
    warnings.length <= LISTS_MAX.warnings &&
    (sourceUpdatedAtMs === null || isTime(sourceUpdatedAtMs)) &&
    variants.every(hasFewOptions) &&
    hasFewCodes(draft.identifiers) &&
    hasFewElements(draft.attributes) &&
    hasShortProvenance(draft.provenance)
  )
}

function hasFewOptions({ options }: Draft['variants'][number]): boolean {
  return hasFewMembers(options, LISTS_MAX.options)
}

function isShort({ claims }: Disagreement): boolean {
  return (
    claims.length <= LISTS_MAX.claims &&
    claims.every(({ quotation }) => quotation.length <= QUOTATION_CHARS_MAX)
  )
}

function hasFewCodes(identifiers: Draft['identifiers']): boolean {
  for (const scheme in identifiers) {
    const codes = identifiers[scheme]
    if (typeof codes === 'object' && codes.length > LISTS_MAX.codes) return false
  }
  return true
}

function hasFewElements(attributes: Draft['attributes']): boolean {
  for (const name in attributes) {
    const value = attributes[name]
    if (typeof value !== 'object' || value === null) continue
    if (Array.isArray(value) && value.length > LISTS_MAX.attributes) return false
    if (!Array.isArray(value) && !hasFewMembers(value, MEMBERS_MAX)) return false
  }
  return true
}

function hasShortProvenance(provenance: Draft['provenance']): boolean {
  let count = 0
  for (const path in provenance) {
    if ((provenance[path]?.raw.length ?? 0) > RAW_CHARS_MAX) return false
    count++
  }
  return count <= LISTS_MAX.provenance
}

function hasFewMembers(members: object, max: number): boolean {
  let count = 0
  for (const _ in members) count++
  return count <= max
}

/** Returns a copy with shortened lists and with a warning for each of them. */
function shortenedDraft(draft: Draft): Draft {
  const warnings: string[] = []
  const variants = first(draft.variants, LISTS_MAX.variants, 'variants', warnings)
  const prices = first(keptOf(draft, draft.prices, variants), LISTS_MAX.prices, 'prices', warnings)
  const disagreements = keptOf(draft, draft.disagreements, variants)
  return {
    ...draft,
    sourceUpdatedAtMs: timeOf(draft.sourceUpdatedAtMs, warnings),
    variants: variants.map((variant) => withOptions(variant, warnings)),
    prices,
    disagreements: first(
      disagreements,
      LISTS_MAX.disagreements,
      'disagreements about a price',
      warnings,
    ).map((disagreement) => withShortClaims(disagreement, warnings)),
    url: safeLinkOf(draft.url, warnings),
    images: first(safeImagesOf(draft.images, warnings), LISTS_MAX.images, 'images', warnings),
    terms: first(draft.terms, LISTS_MAX.terms, 'terms', warnings),
    identifiers: mapMembers(draft.identifiers, (codes, name) =>
      typeof codes === 'string' ? codes : first(codes, LISTS_MAX.codes, name, warnings),
    ),
    attributes: mapMembers(draft.attributes, (value, name) => attributeOf(value, name, warnings)),
    provenance: provenanceOf(draft.provenance, warnings),
    // The members are shortened in this order, so their warnings are complete here.
    warnings: warningsOf([...warnings, ...draft.warnings]),
  }
}

/** The link itself stays in `raw`. */
function safeLinkOf(url: string | null, warnings: string[]): string | null {
  if (url === null || isSafeLink(url)) return url
  warnings.push('the address of the product is not a safe link of the web: it counts as unknown')
  return null
}

function safeImagesOf(images: Draft['images'], warnings: string[]): Draft['images'] {
  const safe = images.filter(({ url }) => isSafeLink(url))
  const others = images.length - safe.length
  if (others > 0) warnings.push(`images: ${others} without a safe link of the web are left out`)
  return safe
}

function first<T>(list: readonly T[], max: number, what: string, warnings: string[]): readonly T[] {
  if (list.length <= max) return list
  warnings.push(`${what}: ${list.length}, of which the first ${max} are kept`)
  return list.slice(0, max)
}

/** Returns the elements that belong to the remaining variants. */
function keptOf<Item extends { readonly variantId: string }>(
  draft: Draft,
  items: readonly Item[],
  variants: Draft['variants'],
): readonly Item[] {
  if (variants.length === draft.variants.length) return items
  const kept = new Set(variants.map(({ externalId }) => externalId))
  return items.filter(({ variantId }) => kept.has(variantId))
}

/** Shortens quotations without a warning, because the record keeps the whole text. */
function withShortClaims(disagreement: Disagreement, warnings: string[]): Disagreement {
  const { claims, variantId, priceType } = disagreement
  const what = `claims about the ${priceType} price of the variant ${variantId}`
  return {
    ...disagreement,
    claims: first(claims, LISTS_MAX.claims, what, warnings).map((claim) => ({
      ...claim,
      quotation: beginningOf(claim.quotation, QUOTATION_CHARS_MAX),
    })),
  }
}

function withOptions(
  variant: Draft['variants'][number],
  warnings: string[],
): Draft['variants'][number] {
  const options = Object.entries(variant.options)
  if (options.length <= LISTS_MAX.options) return variant
  return {
    ...variant,
    options: Object.fromEntries(
      first(options, LISTS_MAX.options, `options of the variant ${variant.externalId}`, warnings),
    ),
  }
}

function attributeOf(value: Json, name: string, warnings: string[]): Json {
  if (Array.isArray(value))
    return value.length <= LISTS_MAX.attributes
      ? value
      : [...first(value, LISTS_MAX.attributes, name, warnings)]
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value)
  return members.length <= MEMBERS_MAX
    ? value
    : Object.fromEntries(first(members, MEMBERS_MAX, name, warnings))
}

/** Shortens the words without a warning, because the record keeps the whole text. */
function provenanceOf(provenance: Draft['provenance'], warnings: string[]): Draft['provenance'] {
  if (hasShortProvenance(provenance)) return provenance
  const entries = Object.entries(provenance)
  const kept = first(entries, LISTS_MAX.provenance, 'provenance', warnings)
  return Object.fromEntries(
    kept.map(([path, { raw, ...rest }]) => [path, { raw: shortenWords(raw), ...rest }]),
  )
}

function shortenWords(raw: string): string {
  return raw.length <= RAW_CHARS_MAX ? raw : `${beginningOf(raw, RAW_CHARS_MAX - 1)}…`
}

/** Cuts no pair of surrogates, because Postgres stores no half of one. */
function beginningOf(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : text.slice(0, charsMax).replace(/[\ud800-\udbff]$/, '')
}

/** Returns `members` itself when no member has changed, which saves a copy of most records. */
function mapMembers<T>(
  members: Readonly<Record<string, T>>,
  map: (member: T, name: string) => T,
): Readonly<Record<string, T>> {
  const changed = Object.entries(members).flatMap(([name, member]) => {
    const mapped = map(member, name)
    return mapped === member ? [] : [[name, mapped] as const]
  })
  return changed.length === 0 ? members : { ...members, ...Object.fromEntries(changed) }
}

/** Shortens the list of warnings; the last one then counts the omitted ones. */
function warningsOf(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= LISTS_MAX.warnings) return warnings
  const shown = warnings.slice(0, LISTS_MAX.warnings - 1)
  return [...shown, `${warnings.length - shown.length} more warnings`]
}

function timeOf(epochMs: number | null, warnings: string[]): number | null {
  if (epochMs === null || isTime(epochMs)) return epochMs
  warnings.push(`the time of change, ${epochMs} ms, is not a valid time: it counts as unknown`)
  return null
}

function checkNumbers(draft: Draft): void {
  const { variants, prices, disagreements, images, expiresAtMs } = draft
  for (const { packCount, weightGrams } of variants) {
    checkWhole('the pack count', packCount, INTEGER_MAX)
    if (weightGrams !== null && !(weightGrams >= 0 && weightGrams <= Number.MAX_SAFE_INTEGER))
      throw refusal('the weight', weightGrams, 'a number of grams')
  }
  for (const { amountMinor, compareAtMinor } of prices) {
    checkWhole('the price', amountMinor, Number.MAX_SAFE_INTEGER)
    checkWhole('the crossed-out price', compareAtMinor, Number.MAX_SAFE_INTEGER)
  }
  for (const { claims } of disagreements)
    for (const { amountMinor } of claims)
      checkWhole('a price in disagreement', amountMinor, Number.MAX_SAFE_INTEGER)
  for (const { position } of images) checkWhole('the position of an image', position, INTEGER_MAX)
  // A product whose licence ends at an unknown time could be shown without limit.
  if (expiresAtMs !== null && !isTime(expiresAtMs))
    throw refusal('the end of the licence', expiresAtMs, 'a time')
}

function checkWhole(what: string, value: number | null, max: number): void {
  if (value !== null && !(Number.isInteger(value) && value >= 0 && value <= max))
    throw refusal(what, value, `a whole number from 0 to ${max}`)
}

function refusal(what: string, value: number, expected: string): SyncError {
  return new SyncError('record/invalid', `${what} is ${value} where ${expected} is expected`)
}
