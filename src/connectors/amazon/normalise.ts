// Converts an archived line into a draft. The policy of the source limits how long it may be shown;
// an ASIN may be kept, so an item that Amazon no longer shows keeps nothing else.

import { checkValue, formatProblems } from '../../core/check-value.ts'
import { toDraft } from '../../core/define-connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Draft, Image } from '../../core/product.ts'
import { isObject } from '../../lib/objects.ts'
import { parseGtin } from '../../normalise/gtin.ts'
import { readCategories } from './categories.ts'
import { readOffers, withoutNull, type Offers } from './offers.ts'
import { AmazonRecord, ASIN, displayOf, displaysOf, textOf, type Item } from './records.ts'

/** Why `customer_reviews` is null. */
const NO_REVIEWS = 'The Creators API does not return them, and its licence forbids their use'

const NO_OFFERS: Offers = { availability: null, isUnavailable: false, price: null, attributes: {} }

/** Returns the ASIN, or null without a valid one. */
export function identify(record: unknown): string | null {
  const asin = isObject(record) ? record['asin'] : null
  return typeof asin === 'string' && ASIN.test(asin) ? asin : null
}

/** Pure. @throws SyncError `record/no-id` · `record/invalid` with the path of the first error */
export function normalise(record: unknown): Draft {
  if (identify(record) === null) throw new SyncError('record/no-id', 'The item has no ASIN')
  const { data, problems } = checkValue(AmazonRecord, record)
  if (problems !== null) throw new SyncError('record/invalid', formatProblems(problems))
  return data.item === null ? toUnavailable(data) : toProduct(data, data.item)
}

function toUnavailable({ asin, refusal }: AmazonRecord): Draft {
  const { code, message } = refusal ?? { code: 'Unknown', message: 'Amazon has sent no item' }
  return toDraft({
    externalId: asin,
    status: 'unavailable',
    identifiers: { asin },
    attributes: { unavailable_reason: code },
    warnings: [`Amazon does not return this item (${code}): ${message}`],
  })
}

function toProduct({ asin }: AmazonRecord, item: Item): Draft {
  const { itemInfo, offersV2, browseNodeInfo } = item
  const warnings: string[] = []
  const listings = offersV2?.listings ?? []
  const offers = listings.length === 0 ? NO_OFFERS : readOffers(listings, warnings)
  const { availability, price } = offers
  const codes = listCodes(item)
  const gtins = [...codes.ean, ...codes.upc].map(parseGtin)
  const gtin = gtins.find((one) => one?.use === 'product' || one?.use === 'book')?.digits ?? null
  // `description` is null: the API has none. `weightGrams` too: `itemDimensions.weight` may include
  // the packaging.
  return toDraft({
    externalId: asin,
    status: offers.isUnavailable ? 'unavailable' : 'active',
    title: displayOf(itemInfo?.title),
    brand: displayOf(itemInfo?.byLineInfo?.brand),
    manufacturer: displayOf(itemInfo?.byLineInfo?.manufacturer),
    // It carries the associate tag and must not be changed.
    url: textOf(item.detailPageURL),
    identifiers: toIdentifiers(asin, item, codes),
    attributes: { ...listAttributes(item), ...offers.attributes },
    variants: [{ externalId: asin, gtin, availability }],
    prices: price === null ? [] : [price],
    images: toImages(item),
    terms: readCategories(browseNodeInfo?.browseNodes ?? []),
    warnings,
  })
}

type Codes = Readonly<Record<'ean' | 'upc' | 'isbn', readonly string[]>>

function listCodes({ itemInfo }: Item): Codes {
  const { eans, upcs, isbns } = itemInfo?.externalIds ?? {}
  return { ean: displaysOf(eans), upc: displaysOf(upcs), isbn: displaysOf(isbns) }
}

function toIdentifiers(asin: string, { itemInfo }: Item, codes: Codes): Draft['identifiers'] {
  const part = displayOf(itemInfo?.manufactureInfo?.itemPartNumber)
  const lists = Object.entries(codes).flatMap(([scheme, list]) => {
    const [first] = list
    return first === undefined ? [] : [[scheme, list.length === 1 ? first : list] as const]
  })
  return { asin, ...Object.fromEntries(lists), ...(part === null ? {} : { part_number: part }) }
}

/** The primary image first; of each image its largest size. */
function toImages({ images }: Item): Image[] {
  const urls = [images?.primary, ...(images?.variants ?? [])]
    .map((sizes) => {
      const { hiRes, highRes, large, medium, small } = sizes ?? {}
      const found = [hiRes, highRes, large, medium, small].map((picture) => textOf(picture?.url))
      return found.find((url) => url !== null) ?? null
    })
    .filter((url) => url !== null)
  return [...new Set(urls)].map((url, position) => ({ url, alt: null, position }))
}

function listAttributes(item: Item): Record<string, Json> {
  const { itemInfo, browseNodeInfo } = item
  const { byLineInfo, classifications, contentInfo, manufactureInfo } = itemInfo ?? {}
  const { productInfo, technicalInfo } = itemInfo ?? {}
  const contributors = (byLineInfo?.contributors ?? []).map(({ name, role }) =>
    withoutNull({ name: textOf(name), role: textOf(role) }),
  )
  const languages = (contentInfo?.languages?.displayValues ?? []).map(({ displayValue, type }) =>
    withoutNull({ name: textOf(displayValue), type: textOf(type) }),
  )
  const facts = withoutNull({
    parent_asin: textOf(item.parentASIN),
    features: listOrNull(displaysOf(itemInfo?.features)),
    contributors: listOrNull(contributors),
    binding: displayOf(classifications?.binding),
    product_group: displayOf(classifications?.productGroup),
    edition: displayOf(contentInfo?.edition),
    languages: listOrNull(languages),
    pages: displayOf(contentInfo?.pagesCount),
    publication_date: displayOf(contentInfo?.publicationDate),
    audience_rating: displayOf(itemInfo?.contentRating?.audienceRating),
    model: displayOf(manufactureInfo?.model),
    warranty: displayOf(manufactureInfo?.warranty),
    color: displayOf(productInfo?.color),
    size: displayOf(productInfo?.size),
    adult_product: displayOf(productInfo?.isAdultProduct),
    release_date: displayOf(productInfo?.releaseDate),
    unit_count: displayOf(productInfo?.unitCount),
    dimensions: listDimensions(item),
    formats: listOrNull(displaysOf(technicalInfo?.formats)),
    energy_efficiency_class: displayOf(technicalInfo?.energyEfficiencyClass),
    trade_in: itemInfo?.tradeInInfo?.isEligibleForTradeIn ?? null,
    sales_rank: browseNodeInfo?.websiteSalesRank?.salesRank ?? null,
  })
  return { ...facts, customer_reviews: null, customer_reviews_reason: NO_REVIEWS }
}

/** Such as `{ "weight": "0.04 pounds" }`. */
function listDimensions({ itemInfo }: Item): Json {
  const sides = Object.entries(itemInfo?.productInfo?.itemDimensions ?? {})
  const stated = sides.flatMap(([side, value]) => {
    const text = displayOf(value)
    const unit = textOf(value?.unit)
    return text === null ? [] : [[side, unit === null ? text : `${text} ${unit}`] as const]
  })
  return stated.length === 0 ? null : Object.fromEntries(stated)
}

function listOrNull(list: readonly Json[]): Json {
  return list.length === 0 ? null : [...list]
}
