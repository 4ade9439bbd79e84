// Converts one product of `/products.json` into a draft. Its amounts have no currency, so the
// currency is a setting. `grams` is the shipping weight, not the net weight: it becomes an
// attribute, and `weightGrams` is null.

import { countSome } from '../../lib/count-words.ts'
import { SyncError } from '../../core/errors.ts'
import { toInvalidRecord } from '../../core/invalid-record.ts'
import type { Json } from '../../core/json.ts'
import type { Draft, Price, Variant } from '../../core/product.ts'
import { isObject } from '../../lib/objects.ts'
import { minorOf } from '../../core/money.ts'
import { parseGtin } from '../../normalise/gtin.ts'
import { toImages } from '../../normalise/images.ts'
import { instantOf } from './instants.ts'
import {
  findFault,
  isProductRecord,
  readId,
  type ProductRecord,
  type VariantRecord,
} from './records.ts'

const QUOTED_CHARS_MAX = 40

/** The title and the first option of the only variant of a product without options. */
const PLACEHOLDER = 'Default Title'

/**
 * The numbers of variants to which the list may be cut silently. A product may have 2,048 variants
 * since 2025-10-15 (https://shopify.dev/changelog).
 */
const SUSPICIOUS_COUNTS = [100, 250]

/** Returns the id exactly as it was sent, or null without a valid one. */
export function identify(record: unknown): string | null {
  return isObject(record) ? readId(record.id) : null
}

/** Pure. @throws SyncError `record/no-id` · `record/invalid` with the path of the first error */
export function normalise(
  record: unknown,
  { url: shop, currency }: { readonly url: string; readonly currency: string },
): Draft {
  const product = parseProduct(record)
  const warnings: string[] = []
  const variants = distinctVariants(product, warnings)
  if (SUSPICIOUS_COUNTS.includes(variants.length))
    warnings.push(`Exactly ${variants.length} variants: the supplier may have omitted others`)
  const handle = textOf(product.handle)
  if (handle === null) warnings.push('No handle, so the address of the product page is unknown')
  const hidden = isHidden(product)
  if (hidden) warnings.push('This product is a hidden copy created by an app: it counts as a draft')
  return {
    externalId: String(product.id),
    status: hidden ? 'draft' : 'active',
    title: textOf(product.title),
    description: textOf(product.body_html),
    brand: textOf(product.vendor),
    manufacturer: null,
    url: handle === null ? null : `${shop}/products/${encodeURIComponent(handle.toWellFormed())}`,
    identifiers: {},
    attributes: attributesOf(product, variants),
    sourceUpdatedAtMs: instantOf(product.updated_at, warnings),
    successorId: null,
    expiresAtMs: null,
    variants: toVariants(variants, product),
    prices: toPrices(variants, currency, warnings),
    disagreements: [],
    images: toImages(product.images ?? [], shop, textOf, warnings),
    terms: [],
    provenance: {},
    warnings,
  }
}

function parseProduct(record: unknown): ProductRecord {
  if (isProductRecord(record)) return record
  const hasId = isObject(record) && record.id != null
  if (!hasId) throw new SyncError('record/no-id', 'The product has no id')
  throw toInvalidRecord(findFault(record))
}

function distinctVariants(
  { variants }: ProductRecord,
  warnings: string[],
): readonly VariantRecord[] {
  const distinct = firstOfEach(variants)
  const repeated = variants.length - distinct.length
  if (repeated > 0)
    warnings.push(`${repeated} variants repeat the id of another: the first of each is kept`)
  if (variants.length === 0) warnings.push('No variants, so the product cannot be bought')
  return distinct
}

function firstOfEach(variants: readonly VariantRecord[]): readonly VariantRecord[] {
  if (variants.length < 2) return variants
  const byId = new Map<string, VariantRecord>()
  // Backwards, so that the first of several variants is the one that remains, in the last place.
  for (const variant of variants.toReversed()) byId.set(String(variant.id), variant)
  return byId.size === variants.length ? variants : [...byId.values()].reverse()
}

function toVariants(variants: readonly VariantRecord[], product: ProductRecord): Variant[] {
  const names = optionNamesOf(product)
  return variants.map((variant) => toVariant(variant, names))
}

function toVariant(variant: VariantRecord, optionNames: readonly (string | null)[]): Variant {
  const { available } = variant
  return {
    externalId: String(variant.id),
    title: variant.title === PLACEHOLDER ? null : textOf(variant.title),
    sku: textOf(variant.sku),
    gtin: gtinOf(variant.barcode),
    options: optionsOf(variant, optionNames),
    weightGrams: null,
    packCount: null,
    availability: typeof available === 'boolean' ? (available ? 'in_stock' : 'out_of_stock') : null,
  }
}

/** An owner may use the barcode for other numbers. */
function gtinOf(barcode: unknown): string | null {
  return parseGtin(textOf(barcode) ?? '')?.digits ?? null
}

/** Returns the names of `option1` to `option3`, or null for an option without a name. */
function optionNamesOf({ options }: ProductRecord): (string | null)[] {
  const list = options ?? []
  const byPosition = new Map(list.map((option) => [positionOf(option), option]))
  // Positions are used only if they number the whole list; otherwise its order counts. Some lists
  // count from 0.
  const first = byPosition.has(0) ? 0 : 1
  const isNumbered =
    byPosition.size === list.length && list.every((_, at) => byPosition.has(first + at))
  return [0, 1, 2].map((at) => textOf((isNumbered ? byPosition.get(first + at) : list[at])?.name))
}

function positionOf({ position }: { readonly position?: unknown }): unknown {
  return typeof position === 'string' && /^\d{1,9}$/.test(position) ? Number(position) : position
}

/**
 * Reads the options from `option1` to `option3`. The title, which joins the values with ` / `, is
 * ambiguous, because values may contain slashes.
 */
function optionsOf(
  { option1, option2, option3 }: VariantRecord,
  names: readonly (string | null)[],
): Record<string, string> {
  // A map, because an option may be called `__proto__` or `constructor`.
  const named = new Map<string, string>()
  for (const [index, value] of [option1, option2, option3].entries()) {
    const text = textOf(value)
    const stated = names[index] ?? null
    if (text === null || (text === PLACEHOLDER && (stated === null || stated === 'Title'))) continue
    const name = stated ?? `Option ${index + 1}`
    named.set(named.has(name) ? `${name} (${index + 1})` : name, text)
  }
  return Object.fromEntries(named)
}

function toPrices(
  variants: readonly VariantRecord[],
  currency: string,
  warnings: string[],
): Price[] {
  const prices = variants.map((variant, index): Price => {
    const amountMinor = amountOf(variant.price, currency, ['variants', index, 'price'])
    const compareAt = amountOf(variant.compare_at_price, currency, [
      'variants',
      index,
      'compare_at_price',
    ])
    const reduced = amountMinor !== null && compareAt !== null && compareAt > amountMinor
    return {
      variantId: String(variant.id),
      type: 'list',
      amountMinor,
      currency,
      compareAtMinor: reduced ? compareAt : null,
    }
  })
  const free = prices.filter(({ amountMinor }) => amountMinor === 0).length
  if (free > 0) warnings.push(countSome(free, prices.length, 'variant', 'have the price 0'))
  const unpriced = prices.filter(({ amountMinor }) => amountMinor === null).length
  if (unpriced > 0) warnings.push(countSome(unpriced, prices.length, 'variant', 'have no price'))
  return prices
}

function amountOf(
  decimal: string | null | undefined,
  currency: string,
  path: readonly PropertyKey[],
): number | null {
  const text = textOf(decimal)
  if (text === null) return null
  const amountMinor = minorOf(text, currency)
  if (amountMinor === null)
    throw toInvalidRecord({
      path,
      message: `${text.length > QUOTED_CHARS_MAX ? `a text of ${text.length} characters` : `"${text}"`} is not an amount of ${currency}`,
    })
  return amountMinor
}

function attributesOf(
  product: ProductRecord,
  variants: readonly VariantRecord[],
): Record<string, Json> {
  const { product_type, tags, published_at, created_at } = product
  const attributes: Record<string, Json> = {
    handle: textOf(product.handle),
    product_type: textOf(product_type),
    tags: tags ?? [],
    published_at: textOf(published_at),
    created_at: textOf(created_at),
  }
  const shipping = shippingOf(variants)
  if (shipping !== null) attributes.shipping_grams = shipping
  return attributes
}

/** Returns the shipping weights by variant, or null when none is stated. */
function shippingOf(variants: readonly VariantRecord[]): Record<string, number> | null {
  let shipping: Record<string, number> | null = null
  for (const { id, grams } of variants) {
    if (typeof grams !== 'number' || !(grams > 0) || !Number.isFinite(grams)) continue
    shipping ??= {}
    shipping[String(id)] = grams
  }
  return shipping
}

/** Subscription and bundle apps keep copies of real products in the public list. */
function isHidden({ product_type, tags }: ProductRecord): boolean {
  return (
    /(^|_)hidden(_product)?$/i.test(product_type ?? '') ||
    (tags ?? []).some((tag) => /^hide-?product$/i.test(tag.trim()))
  )
}

function textOf(value: unknown): string | null {
  const trimmed = typeof value === 'string' ? value.trim() : ''
  return trimmed === '' ? null : trimmed
}
