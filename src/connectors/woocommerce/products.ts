// Converts one product of the Store API into a draft. The weight of a product is that of its parcel
// and has the unit of the shop's settings: it becomes an attribute, and `weightGrams` is null.

import type { Json } from '../../core/json.ts'
import type { Draft, Price, Term } from '../../core/product.ts'
import { isObject } from '../../lib/objects.ts'
import { toImages, toWebAddress } from '../../normalise/images.ts'
import type { WoocommerceSettings } from './settings.ts'
import { priceOf, PriceWarnings } from './prices.ts'
import { checkRecord, ProductRecord, readId, type Term as TermRecord } from './records.ts'
import { textOf } from './texts.ts'
import { toSales, toVariant } from './variants.ts'

/** Returns the id exactly as it was sent, or null without a valid one. */
export function identify(record: unknown): string | null {
  return isObject(record) ? readId(record.id) : null
}

/** Pure. @throws SyncError `record/no-id` · `record/invalid` with the path of the first error */
export function normalise(record: unknown, { url: shop }: Pick<WoocommerceSettings, 'url'>): Draft {
  const product = checkRecord(ProductRecord, record)
  const warnings: string[] = []
  const sales = toSales(product, warnings)
  const permalink = toWebAddress(product.permalink, shop)
  if (permalink === null) warnings.push('The address of the product page is unknown')
  return {
    externalId: String(product.id),
    status: 'active',
    title: textOf(product.name),
    description: htmlOf(product.description) ?? htmlOf(product.short_description),
    brand: textOf(product.brands?.[0]?.name),
    manufacturer: null,
    url: permalink,
    identifiers: {},
    attributes: attributesOf(product),
    sourceUpdatedAtMs: null,
    successorId: null,
    expiresAtMs: null,
    variants: sales.map(toVariant),
    prices: toPrices(sales, product, warnings),
    disagreements: [],
    images: toImages(product.images ?? [], shop, textOf, warnings),
    terms: [...toTerms('category', product.categories), ...toTerms('brand', product.brands)],
    provenance: {},
    warnings,
  }
}

function toPrices(
  sales: ReturnType<typeof toSales>,
  product: ProductRecord,
  warnings: string[],
): Price[] {
  const reasons = new PriceWarnings()
  const prices = sales.flatMap(({ id, record }) => {
    const price = priceOf(id, record, product.prices?.currency_code ?? null, reasons)
    return price === null ? [] : [price]
  })
  warnings.push(...reasons.list(sales.length))
  return prices
}

function toTerms(kind: 'category' | 'brand', records: ProductRecord['brands']): Term[] {
  const terms = new Map<string, Term>()
  for (const record of records ?? []) {
    const externalId = readId(record.id)
    const name = textOf(record.name)
    if (externalId !== null && name !== null && !terms.has(externalId))
      terms.set(externalId, { kind, externalId, name, parentId: null, attributes: {} })
  }
  return [...terms.values()]
}

function attributesOf(product: ProductRecord): Record<string, Json> {
  const { type, slug, tags, attributes, formatted_weight, description } = product
  const facts: Record<string, Json> = {
    type: textOf(type),
    slug: textOf(slug),
    tags: namesOf(tags),
  }
  const stated = (attributes ?? []).flatMap(({ name, terms }) => {
    const label = textOf(name)
    return label === null ? [] : [[label, namesOf(terms)] as const]
  })
  if (stated.length > 0) facts.attributes = Object.fromEntries(stated)
  const weight = textOf(formatted_weight)
  if (weight !== null && /\d/.test(weight)) facts.shipping_weight = weight
  const short = htmlOf(product.short_description)
  if (short !== null && htmlOf(description) !== null) facts.short_description = short
  return facts
}

function namesOf(terms: readonly TermRecord[] | null | undefined): string[] {
  return (terms ?? []).map(({ name }) => textOf(name)).filter((name) => name !== null)
}

function htmlOf(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? null : trimmed
}
