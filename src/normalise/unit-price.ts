// Price per unit of measure. The reference quantity is a policy of the market, and an unknown
// content has no unit price.

import type { Content } from './packs.ts'

/** The reference quantities of a market, in grams and millilitres. */
export interface UnitPricePolicy {
  readonly massGrams: number
  readonly volumeMl: number
}

export interface UnitPrice {
  /** In the minor unit of the price, rounded half up. */
  readonly amountMinor: number
  readonly per: string
}

const PER_KILO: UnitPricePolicy = { massGrams: 1000, volumeMl: 1000 }
const PER_HUNDRED: UnitPricePolicy = { massGrams: 100, volumeMl: 100 }

/**
 * Policies by country (ISO 3166-1). Germany: 1 kg or 1 l for packed goods (PAngV 2022 section 5,
 * https://www.gesetze-im-internet.de/pangv_2022/__5.html). Australia: 100 g or 100 ml for most
 * groceries (https://www.accc.gov.au/consumers/pricing/unit-prices). Other countries use 1 kg and
 * 1 l, as directive 98/6/EC does.
 */
const POLICIES: Readonly<Record<string, UnitPricePolicy>> = { AU: PER_HUNDRED, DE: PER_KILO }

export function unitPricePolicyOf(country: string): UnitPricePolicy {
  return POLICIES[country] ?? PER_KILO
}

/** Returns the price of the reference quantity, or null if the content is unknown. */
export function unitPriceOf(
  amountMinor: number,
  content: Pick<Content, 'dimension' | 'totalSize'> | null,
  policy: UnitPricePolicy,
): UnitPrice | null {
  if (content === null || !(content.totalSize > 0)) return null
  const isMass = content.dimension === 'mass'
  const reference = isMass ? policy.massGrams : policy.volumeMl
  const price = Math.round((amountMinor * reference) / content.totalSize)
  return Number.isSafeInteger(price)
    ? { amountMinor: price, per: formatReference(reference, isMass) }
    : null
}

function formatReference(size: number, isMass: boolean): string {
  if (size >= 1000) return `${size / 1000} ${isMass ? 'kg' : 'l'}`
  return `${size} ${isMass ? 'g' : 'ml'}`
}
