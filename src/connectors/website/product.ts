// Turns the evidence of a page into a product, or says why it shows none.

import type { NewDraft, NewVariant } from '../../core/define-connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { isObject } from '../../lib/objects.ts'
import { toShownAddress } from './addresses.ts'
import type { Verdict } from './compare-prices.ts'
import { findCategories, findDescription, findImages, findName } from './details.ts'
import type { Item, PageEvidence } from './evidence.ts'
import { firstText, itemsOf } from './items.ts'
import { findMainProduct, type Copy } from './main-product.ts'
import { findPageId, findPageUrl } from './page-addresses.ts'
import { judgeSales } from './judged-sales.ts'
import type { Sale } from './sales.ts'
import { listLeftOut, listPriceWarnings, listWarnings } from './page-warnings.ts'

export interface PageSettings {
  /** ISO 4217, for pages that state no currency; null leaves such a price out. */
  readonly currency?: string | null | undefined
}

/** Returns the reason why a page shows no product, as a sentence, or null when it shows one. */
export function explainNoProduct(evidence: PageEvidence): string | null {
  return findMainProduct(evidence).reason
}

/**
 * Returns the id of the product of a page: its canonical address, or null without a valid one. Two
 * pages with one canonical address are one product.
 */
export function identifyPage(evidence: unknown): string | null {
  if (!isObject(evidence) || typeof evidence.url !== 'string') return null
  const { url, canonical } = evidence
  return findPageId({ url, canonical: typeof canonical === 'string' ? canonical : null })
}

/**
 * Converts the evidence into a draft. Pure.
 *
 * @throws SyncError `record/invalid` when the page shows no product, with the reason
 */
export function readProduct(evidence: PageEvidence, settings: PageSettings): NewDraft {
  const externalId = findPageId(evidence)
  const { copies, reason } = findMainProduct(evidence)
  if (externalId === null) throw new SyncError('record/no-id', 'The page has no valid address')
  if (copies === null) throw new SyncError('record/invalid', reason)
  const { sales, ids, verdicts, leftOut } = judgeSales(
    copies,
    externalId,
    settings.currency ?? null,
  )
  const title =
    findName(
      copies.filter(({ source }) => source !== 'opengraph'),
      'name',
    ) ??
    evidence.heading ??
    findName(copies, 'name') ??
    evidence.title
  return {
    externalId,
    status: isDiscontinued(sales) ? 'unavailable' : 'active',
    title,
    description: findDescription(copies),
    brand: findName(copies, 'brand'),
    manufacturer: findName(copies, 'manufacturer'),
    url: toShownAddress(findPageUrl(evidence)),
    identifiers: identifiersOf(copies),
    attributes: attributesOf(evidence, copies, sales, ids),
    variants: sales.map((sale, index) => toVariant(sale, ids[index] ?? externalId, title)),
    prices: verdicts.flatMap(({ price }) => price ?? []),
    disagreements: verdicts.flatMap(({ disagreement }) => disagreement ?? []),
    images: findImages(copies, externalId),
    terms: findCategories(evidence, copies, title),
    provenance: provenanceOf(verdicts, ids),
    warnings: [
      ...listPriceWarnings(verdicts),
      ...listLeftOut(leftOut),
      ...listWarnings(evidence, copies, sales),
    ],
  }
}

function isDiscontinued(sales: readonly Sale[]): boolean {
  return sales.length > 0 && sales.every(({ availability }) => availability === 'discontinued')
}

function toVariant(sale: Sale, externalId: string, productTitle: string | null): NewVariant {
  const { keys, options, availability } = sale
  const values = Object.values(options)
  const title = values.length > 0 ? values.join(' / ') : toVariantTitle(sale.title, productTitle)
  return { externalId, title, sku: keys.sku, gtin: keys.gtin, options, availability }
}

/** `Ruby - 250 g` is the variant `250 g` of Ruby. */
function toVariantTitle(name: string | null, product: string | null): string | null {
  if (name === null || product === null || !name.startsWith(product)) return name
  const rest = name.slice(product.length)
  if (rest !== '' && !/^[\s\-–—:,|/(]/.test(rest)) return name
  const title = rest.replace(/^[\s\-–—:,|/]+/, '').replace(/^\((.*)\)$/, '$1')
  return title === '' ? null : title
}

function identifiersOf(copies: readonly Copy[]): Record<string, string> {
  const codes = {
    product_group: findName(copies, 'productgroupid'),
    mpn: findName(copies, 'mpn'),
    isbn: findName(copies, 'isbn'),
  }
  return Object.fromEntries(
    Object.entries(codes).filter((one): one is [string, string] => one[1] !== null),
  )
}

function attributesOf(
  { lang }: PageEvidence,
  copies: readonly Copy[],
  sales: readonly Sale[],
  ids: readonly string[],
): Record<string, Json> {
  const [first] = copies
  const condition = first === undefined ? null : conditionOf(first.item)
  const weights = sales.flatMap(({ weight }, index) =>
    weight === null ? [] : [[ids[index] ?? '', weight] as const],
  )
  return {
    ...(lang !== null && { language: lang }),
    ...(condition !== null && { condition }),
    ...(weights.length > 0 && { stated_weight: toAttribute(weights) }),
  }
}

/** One text, or one for each variant. */
function toAttribute(values: readonly (readonly [id: string, value: string])[]): Json {
  const [first] = values
  const isOne = first !== undefined && values.every(([, value]) => value === first[1])
  return isOne ? first[1] : Object.fromEntries(values)
}

/** `used`, `refurbished` or `damaged`; a new product has none. */
function conditionOf(item: Item): string | null {
  const offers = itemsOf(item, 'offers')
  const stated = [item, ...offers].flatMap((one) => firstText(one, 'itemcondition') ?? [])
  const words = stated.map((text) => /used|refurbished|damaged/i.exec(text)?.[0].toLowerCase())
  return words.find((word) => word !== undefined) ?? null
}

function provenanceOf(
  verdicts: readonly Verdict[],
  ids: readonly string[],
): Record<string, NonNullable<Verdict['provenance']>> {
  return Object.fromEntries(
    verdicts.flatMap(({ provenance }, index) =>
      provenance === null ? [] : [[`prices.${ids[index] ?? ''}`, provenance] as const],
    ),
  )
}
