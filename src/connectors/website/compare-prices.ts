// Compares the statements of a page about the price of each variant. Equal statements are a price.
// Different ones are a disagreement, which a person decides.

import { decimalsOf } from '../../core/money.ts'
import type { Disagreement, Price, PriceClaim, Provenance } from '../../core/product.ts'
import { NOTATIONS, type Notation } from './main-product.ts'
import type { NoPriceReason, PriceReading, StatedPrice } from './offer-prices.ts'
import type { Sale } from './sales.ts'
import { SaleFinder } from './variant-ids.ts'

/** One description of the product with what it offers. */
export interface CopySales {
  readonly source: Notation
  /** Distinguishes descriptions in one notation: `block 2`. */
  readonly place: string | null
  readonly sales: readonly Sale[]
}

interface PlacedReading {
  readonly source: Notation
  readonly place: string | null
  readonly reading: PriceReading
}

interface PlacedPrice extends StatedPrice {
  readonly source: Notation
  readonly place: string | null
}

/** The result for one variant: a price, possibly with an unknown amount, or a disagreement. */
export interface Verdict {
  readonly price: Price | null
  readonly disagreement: Disagreement | null
  readonly provenance: Provenance | null
  /** Why the amount is unknown. */
  readonly reason: NoPriceReason | 'range' | null
  readonly excludesTax: boolean
}

const TYPE = 'list'
const PLAIN = { property: '', excludesTax: false, isDisplayed: false }

/** The confidence in a price that only this notation states. */
const CONFIDENCE: Readonly<Record<Notation, number>> = {
  'json-ld': 0.95,
  microdata: 0.9,
  rdfa: 0.9,
  opengraph: 0.8,
}
/** Two notations rarely have the same error. */
const AGREED = 0.99

/**
 * Judges the price of each sale of `base` by those of the other descriptions; `ids` are those of the
 * sales of `base`.
 */
export function comparePrices(
  base: CopySales,
  others: readonly CopySales[],
  ids: readonly string[],
): Verdict[] {
  const own = base.sales.map(({ price }): PlacedReading[] => [
    { source: base.source, place: base.place, reading: price },
  ])
  const general: PlacedReading[] = []
  const finder = new SaleFinder(base.sales)
  for (const copy of others)
    for (const sale of copy.sales) {
      const statement = { source: copy.source, place: copy.place, reading: sale.price }
      const place = finder.find(sale, copy.sales)
      if (place >= 0) own[place]?.push(statement)
      else general.push(statement)
    }
  for (const statement of general) addGeneral(statement, own)
  return own.map((readings, index) => judge(readings, ids[index] ?? ''))
}

/** A statement about the whole product holds if it is the price of one of several variants. */
function addGeneral(statement: PlacedReading, own: PlacedReading[][]): void {
  const { reading } = statement
  if (reading.kind === 'none') return
  const stated = own.flatMap(([first]) =>
    first?.reading.kind === 'price' ? first.reading.prices : [],
  )
  const isShared =
    reading.kind === 'price' &&
    stated.some((one) => reading.prices.some((other) => isEqual(one, other)))
  if (!isShared) for (const readings of own) readings.push(statement)
}

function judge(readings: readonly PlacedReading[], variantId: string): Verdict {
  const [first] = readings
  const blocked = first === undefined ? null : findBlock(first.reading)
  const prices = blocked === null ? listPrices(readings) : []
  const [best] = prices
  if (best === undefined || first === undefined)
    return toUnpriced(first?.reading ?? null, blocked, variantId)
  const others = prices.filter((price) => !isEqual(price, best))
  if (others.length > 0) return toDisagreement(prices, variantId)
  const sources = [...new Set(prices.map(({ source }) => source))]
  return {
    price: {
      variantId,
      type: TYPE,
      amountMinor: best.amountMinor,
      currency: best.currency,
      compareAtMinor:
        prices.find(({ compareAtMinor }) => compareAtMinor !== null)?.compareAtMinor ?? null,
    },
    disagreement: null,
    provenance: {
      // Without the amount, because a new price would change the product, too.
      raw: best.property,
      rule: sources.length > 1 ? 'price-agreed' : 'price-stated',
      confidence: sources.length > 1 ? AGREED : CONFIDENCE[best.source],
      place: sources.join(', '),
    },
    reason: null,
    excludesTax: best.excludesTax,
  }
}

/** A price of the page is not that of this variant if the variants have different ones. */
function findBlock(reading: PriceReading): Verdict['reason'] {
  if (reading.kind === 'range') return 'range'
  return reading.kind === 'none' && reading.reason === 'several-offers' ? reading.reason : null
}

/** Lists the statements, the most reliable first. */
function listPrices(readings: readonly PlacedReading[]): PlacedPrice[] {
  const sorted = readings.toSorted(
    (a, b) => NOTATIONS.indexOf(a.source) - NOTATIONS.indexOf(b.source),
  )
  const prices = sorted.flatMap(({ source, place, reading }) =>
    reading.kind === 'price' ? reading.prices.map((price) => ({ ...price, source, place })) : [],
  )
  const taxed = prices.filter(({ excludesTax }) => !excludesTax)
  const exact = (taxed.length > 0 ? taxed : prices).filter(
    (price, _, all) => !isRounded(price, all),
  )
  const [best] = exact
  const possible = readings.flatMap(({ reading }) =>
    reading.kind === 'none' ? reading.possible : [],
  )
  // An ambiguous notation that excludes the other statement leaves the price open.
  if (best === undefined || (possible.length > 0 && !possible.includes(best.amountMinor))) return []
  const bounds = sorted.flatMap((statement) => boundOf(statement, best))
  return [...exact, ...bounds]
}

/** True for a price that is displayed without decimals, beside the exact one: `13 €` for 12.90. */
function isRounded(price: StatedPrice, all: readonly StatedPrice[]): boolean {
  const unit = 10 ** decimalsOf(price.currency)
  return (
    price.isDisplayed &&
    price.amountMinor % unit === 0 &&
    all.some(
      ({ amountMinor, currency }) =>
        currency === price.currency &&
        amountMinor % unit !== 0 &&
        Math.round(amountMinor / unit) * unit === price.amountMinor,
    )
  )
}

/** Returns the bound of a range that excludes the price, as a statement. */
function boundOf({ reading, ...from }: PlacedReading, price: StatedPrice): PlacedPrice[] {
  if (reading.kind !== 'range') return []
  const { lowMinor, highMinor, currency, quotation } = reading
  const isBelow = price.amountMinor < lowMinor
  const isWithin = !isBelow && (highMinor === null || price.amountMinor <= highMinor)
  if (isWithin && currency === price.currency) return []
  const amountMinor = isBelow ? lowMinor : (highMinor ?? lowMinor)
  return [{ amountMinor, currency, compareAtMinor: null, quotation, ...from, ...PLAIN }]
}

function toUnpriced(
  reading: PriceReading | null,
  blocked: Verdict['reason'],
  variantId: string,
): Verdict {
  const stated = reading?.kind === 'none' ? reading.reason : 'no-price'
  const currency = reading === null || reading.kind === 'price' ? null : reading.currency
  return {
    price:
      currency === null
        ? null
        : { variantId, type: TYPE, amountMinor: null, currency, compareAtMinor: null },
    disagreement: null,
    provenance: null,
    reason: blocked ?? stated,
    excludesTax: false,
  }
}

function toDisagreement(prices: readonly PlacedPrice[], variantId: string): Verdict {
  const claims = new Map<string, PriceClaim>()
  for (const { source, place, quotation, amountMinor, currency } of prices) {
    const key = `${source} ${amountMinor} ${currency}`
    const words = place === null ? quotation : `${place}, ${quotation}`
    if (!claims.has(key)) claims.set(key, { source, quotation: words, amountMinor, currency })
  }
  return {
    price: null,
    disagreement: { variantId, priceType: TYPE, claims: [...claims.values()] },
    provenance: null,
    reason: null,
    excludesTax: false,
  }
}

function isEqual(a: StatedPrice, b: StatedPrice): boolean {
  return a.amountMinor === b.amountMinor && a.currency === b.currency
}
