// The things that one description of a product offers for sale: its variants, or the product itself.

import type { Availability } from '../../core/product.ts'
import { parseGtin } from '../../normalise/gtin.ts'
import { toPageAddress } from './addresses.ts'
import { readAvailability } from './availability.ts'
import type { Item } from './evidence.ts'
import { firstText, hasType, itemsOf, NO_VALUES, textsOf, toName } from './items.ts'
import { readOfferPrice, type PriceReading } from './offer-prices.ts'
import { PRODUCT_TYPES } from './vocabulary.ts'

/** Codes that can tell one variant from another, the most stable first. */
export const KEY_NAMES = ['url', 'sku', 'gtin', 'mpn', 'options', 'name'] as const
export type Keys = Readonly<Record<(typeof KEY_NAMES)[number], string | null>>

/** One thing for sale. */
export interface Sale {
  readonly keys: Keys
  readonly title: string | null
  readonly options: Readonly<Record<string, string>>
  readonly availability: Availability | null
  readonly weight: string | null
  readonly price: PriceReading
  readonly isExpired: boolean
  /** True if the page distinguishes it from the product, although it may be the only one. */
  readonly isVariant: boolean
}

export interface SaleContext {
  /** The address of the page, which identifies no variant. */
  readonly page: string
  /** For offers without a currency. */
  readonly currency: string | null
  /** Texts have entities: true in JSON-LD. */
  readonly isEncoded: boolean
}

const NO_OFFER: PriceReading = {
  kind: 'none',
  reason: 'no-price',
  currency: null,
  possible: [],
  quotation: '',
}

const OPTIONS = ['size', 'color', 'colour', 'pattern', 'material']

/** Lists what a description offers, at least one sale. */
export function listSales(product: Item, context: SaleContext): Sale[] {
  const variants = itemsOf(product, 'hasvariant', 'model').filter(isOffered)
  const offers = listOffers(product)
  // Variants without offers have the price of their group.
  if (variants.length > 0)
    return variants.map((variant) => {
      const own = listOffers(variant)
      return toSale(variant, own.length > 0 ? own : offers.map(withoutKeys), context)
    })
  const groups = groupOffers(offers, context)
  if (groups.length > 1) return groups.map((group) => toSale(joinOffer(group[0]), group, context))
  const sale = toSale(product, offers, context)
  const [offer] = offers
  // An only offer with its own address or code keeps its id when the others return.
  const own =
    offers.length === 1 && offer !== undefined ? keysOf(joinOffer(offer), {}, context) : null
  const isVariant = own !== null && isDistinct(own, keysOf(product, {}, context), context)
  return [{ ...sale, keys: isVariant ? joinKeys([own, sale.keys]) : sale.keys, isVariant }]
}

/** True if an offer has an address such as `?variant=1`, or a code that its product does not have. */
function isDistinct(own: Keys, product: Keys, { page }: SaleContext): boolean {
  const hasChoice = own.url !== null && new URL(own.url).search !== new URL(page).search
  const codes = new Set([product.sku, product.gtin, product.mpn])
  return hasChoice || [own.sku, own.gtin, own.mpn].some((code) => !codes.has(code) && code !== null)
}

/** The offer of a group has the codes of the group. */
function withoutKeys(offer: Item): Item {
  return { ...offer, properties: { ...offer.properties, url: [], sku: [], gtin: [], mpn: [] } }
}

/** False for a variant with a separate page, of which only the address is stated here. */
export function isOffered(variant: Item): boolean {
  return (
    itemsOf(variant, 'offers').length > 0 || textsOf(variant, 'sku', 'gtin', 'gtin13').length > 0
  )
}

/** Returns the offers in an item; those in an `AggregateOffer` have its currency. */
function listOffers(item: Item): Item[] {
  const stated = itemsOf(item, 'offers', 'offer')
  const flat = stated.flatMap((offer) => {
    const inner = itemsOf(offer, 'offers').filter((one) => !hasType(one, PRODUCT_TYPES))
    return inner.length === 0 ? [offer] : inner.map((one) => inherit(one, offer, 'pricecurrency'))
  })
  // Some microdata states the price in the product itself.
  const isBare = flat.length === 0 && textsOf(item, 'price', 'pricetext', 'lowprice').length > 0
  return isBare ? [item] : flat
}

function inherit(item: Item, from: Item, name: string): Item {
  const own = item.properties[name] ?? NO_VALUES
  return own.length > 0
    ? item
    : { ...item, properties: { ...item.properties, [name]: from.properties[name] ?? NO_VALUES } }
}

/** The offer, with the facts of the product that it offers. */
function joinOffer(offer: Item | undefined): Item {
  if (offer === undefined) return { types: [], id: null, properties: {} }
  const [offered] = itemsOf(offer, 'itemoffered')
  return offered === undefined
    ? offer
    : { ...offer, properties: { ...offer.properties, ...offered.properties } }
}

/** Groups offers by their own codes. Offers without one belong to the same thing. */
function groupOffers(offers: readonly Item[], context: SaleContext): Item[][] {
  const groups = Map.groupBy(offers, (offer) => {
    const { url, sku, gtin, mpn } = keysOf(joinOffer(offer), {}, context)
    return url ?? sku ?? gtin ?? mpn ?? ''
  })
  return [...groups.values()]
}

function toSale(item: Item, offers: readonly Item[], context: SaleContext): Sale {
  const options = optionsOf(item, context)
  // Shops put the code of a variant into its only offer.
  const stated = offers.length === 1 ? [item, ...offers.map(joinOffer)] : [item]
  const keys = joinKeys(stated.map((one) => keysOf(one, options, context)))
  return {
    keys,
    title: keys.name,
    options,
    availability: readAvailability(
      [item, ...offers].flatMap((one) => textsOf(one, 'availability')),
    ),
    weight: weightOf(item),
    price: joinPrices(
      offers.map((offer) => readOfferPrice(offer, context.currency)),
      context.currency,
    ),
    isExpired: offers.some(({ properties }) => properties.expired !== undefined),
    isVariant: true,
  }
}

/** Returns the first value of each key. */
function joinKeys(all: readonly Keys[]): Keys {
  const entries = KEY_NAMES.map(
    (name) =>
      [name, all.map((keys) => keys[name]).find((value) => value !== null) ?? null] as const,
  )
  return Object.fromEntries(entries) as Keys
}

/**
 * The price of several offers of one thing: a price only if all of them agree. Of offers in several
 * currencies, those in `currency` count.
 */
function joinPrices(readings: readonly PriceReading[], currency: string | null): PriceReading {
  const [first] = readings
  if (first === undefined) return NO_OFFER
  if (readings.length === 1) return first
  const stated = readings.flatMap((one) => (one.kind === 'price' ? one.prices : []))
  const preferred = stated.filter((one) => one.currency === currency)
  const prices = preferred.length > 0 ? preferred : stated
  const range = readings.find((one) => one.kind === 'range')
  const [price] = prices
  if (price === undefined) return range ?? first
  const isOne = prices.every(
    (one) => one.amountMinor === price.amountMinor && one.currency === price.currency,
  )
  if (isOne) return range ?? { kind: 'price', prices: [price] }
  return {
    kind: 'none',
    reason: 'several-offers',
    currency: prices.every((one) => one.currency === price.currency) ? price.currency : null,
    possible: [],
    quotation: prices
      .map(({ quotation }) => quotation)
      .join(' | ')
      .slice(0, 300),
  }
}

function keysOf(item: Item, options: Readonly<Record<string, string>>, context: SaleContext): Keys {
  const address = firstText(item, 'url')
  const url = address === null ? null : toPageAddress(address, context.page)
  const named = Object.entries(options).map(([name, value]) => `${name}=${value}`)
  return {
    url: url === context.page ? null : url,
    sku: firstText(item, 'sku'),
    gtin: gtinOf(item),
    mpn: firstText(item, 'mpn'),
    options: named.length > 0 ? named.join('|').toLowerCase() : null,
    name: toName(firstText(item, 'name'), context.isEncoded),
  }
}

/** Returns the first GTIN with a valid check digit. */
export function gtinOf(item: Item): string | null {
  const stated = textsOf(item, 'gtin', 'gtin13', 'gtin14', 'gtin12', 'gtin8', 'isbn')
  for (const text of stated) {
    const gtin = parseGtin(text)
    if (gtin !== null) return gtin.digits
  }
  return null
}

/** `size` and `color`, and the named properties of a variant. */
function optionsOf(item: Item, { isEncoded }: SaleContext): Record<string, string> {
  // A map, because an option may be called `__proto__` or `constructor`.
  const options = new Map<string, string>()
  for (const name of OPTIONS) {
    const [inner] = itemsOf(item, name)
    const value = toName(
      firstText(item, name) ?? (inner ? firstText(inner, 'name', 'value') : null),
      isEncoded,
    )
    if (value !== null) options.set(name, value)
  }
  for (const property of itemsOf(item, 'additionalproperty')) {
    const name = toName(firstText(property, 'name'), isEncoded)
    const value = toName(firstText(property, 'value'), isEncoded)
    if (name !== null && value !== null) options.set(name, value)
  }
  return Object.fromEntries(options)
}

/** `250 g`, as it is stated: shops give the weight of the parcel here. */
function weightOf(item: Item): string | null {
  const [quantity] = itemsOf(item, 'weight')
  if (quantity === undefined) return firstText(item, 'weight')
  const value = firstText(quantity, 'value')
  const unit = firstText(quantity, 'unittext', 'unitcode')
  return value === null
    ? null
    : unit === null
      ? value
      : `${value} ${UNITS.get(unit.toUpperCase()) ?? unit}`
}

/** Codes of UN/ECE Recommendation 20. */
const UNITS = new Map([
  ['GRM', 'g'],
  ['KGM', 'kg'],
  ['ONZ', 'oz'],
  ['LBR', 'lb'],
  ['MGM', 'mg'],
])
