// The offers of an item. The price is that of the featured offer, `isBuyBoxWinner`, which is what
// the product's page shows; the first of several listings may be another one.

import { minorOf } from '../../core/money.ts'
import type { Json } from '../../core/json.ts'
import type { Availability, Price } from '../../core/product.ts'
import { textOf, type Listing, type Money } from './records.ts'

/** Any other word of Amazon, and those that it adds, are unknown. */
const AVAILABILITY: ReadonlyMap<string | null, Availability> = new Map([
  ['AVAILABLE_DATE', 'preorder'],
  ['IN_STOCK', 'in_stock'],
  ['IN_STOCK_SCARCE', 'in_stock'],
  ['LEADTIME', 'in_stock'],
  ['OUT_OF_STOCK', 'out_of_stock'],
  ['PREORDER', 'preorder'],
  ['UNAVAILABLE', 'out_of_stock'],
])
const SUBSCRIPTION = 'SUBSCRIBE_AND_SAVE'

export interface Offers {
  readonly availability: Availability | null
  /** Amazon states that the item cannot be bought. */
  readonly isUnavailable: boolean
  readonly price: Omit<Price, 'variantId'> | null
  readonly attributes: Readonly<Record<string, Json>>
}

export function readOffers(listings: readonly Listing[], warnings: string[]): Offers {
  const winners = listings.filter(({ isBuyBoxWinner }) => isBuyBoxWinner === true)
  const featured = winners.find(({ type }) => type !== SUBSCRIPTION)
  const shown = featured ?? winners[0] ?? listings[0]
  const type = textOf(shown?.availability?.type)
  const availability = AVAILABILITY.get(type) ?? null
  const isSold = availability !== 'out_of_stock'
  return {
    availability,
    isUnavailable: type === 'UNAVAILABLE',
    price: featured !== undefined && isSold ? readPrice(featured, warnings) : null,
    attributes: shown === undefined ? {} : listFacts(shown, listings.length),
  }
}

/** A seller whose price is below the minimum that the manufacturer allows hides it. */
function readPrice(
  { price, violatesMAP }: Listing,
  warnings: string[],
): Omit<Price, 'variantId'> | null {
  if (violatesMAP === true) {
    warnings.push(
      'The price is below the one that the manufacturer allows to be shown: it is hidden',
    )
    return null
  }
  const money = price?.money
  if (money === null || money === undefined) return null
  const { currency, amountMinor } = readMoney(money)
  if (currency === null || amountMinor === null) {
    warnings.push('The price is not an amount of its currency: it is unknown')
    return null
  }
  const basis = price?.savingBasis?.money ?? null
  const before = basis === null ? null : readMoney(basis)
  const isHigher = before?.currency === currency && (before.amountMinor ?? 0) > amountMinor
  return {
    type: 'public',
    amountMinor,
    currency,
    compareAtMinor: isHigher ? (before?.amountMinor ?? null) : null,
  }
}

function readMoney({ amount, currency }: Money): {
  readonly amountMinor: number | null
  readonly currency: string | null
} {
  const code = /^[A-Z]{3}$/.test(currency ?? '') ? (currency ?? null) : null
  const isAmount = typeof amount === 'number' && code !== null
  return { currency: code, amountMinor: isAmount ? minorOf(String(amount), code) : null }
}

function listFacts(listing: Listing, listingCount: number): Record<string, Json> {
  const { availability, condition, dealDetails, loyaltyPoints, merchantInfo, price } = listing
  const basis = price?.savingBasis
  const isHidden = listing.violatesMAP === true
  return withoutNull({
    availability_type: textOf(availability?.type),
    availability_message: textOf(availability?.message),
    min_order_quantity: availability?.minOrderQuantity ?? null,
    max_order_quantity: availability?.maxOrderQuantity ?? null,
    condition: textOf(condition?.value),
    sub_condition: textOf(condition?.subCondition),
    condition_note: textOf(condition?.conditionNote),
    merchant: textOf(merchantInfo?.name),
    merchant_id: textOf(merchantInfo?.id),
    offer_type: textOf(listing.type),
    listings: listingCount,
    loyalty_points: loyaltyPoints?.points ?? null,
    violates_map: isHidden ? true : null,
    saving_basis: isHidden ? null : textOf(basis?.savingBasisType),
    saving_basis_label: isHidden ? null : textOf(basis?.savingBasisTypeLabel),
    savings_percentage: isHidden ? null : (price?.savings?.percentage ?? null),
    unit_price: isHidden ? null : textOf(price?.pricePerUnit?.displayAmount),
    deal: dealDetails ? listDeal(dealDetails) : null,
  })
}

function listDeal(deal: NonNullable<Listing['dealDetails']>): Json {
  return withoutNull({
    access_type: textOf(deal.accessType),
    badge: textOf(deal.badge),
    starts_at: textOf(deal.startTime),
    ends_at: textOf(deal.endTime),
    early_access_ms: deal.earlyAccessDurationInMilliseconds ?? null,
    percent_claimed: deal.percentClaimed ?? null,
  })
}

/** Returns the members with a value. */
export function withoutNull(members: Readonly<Record<string, Json>>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value !== null && (typeof value !== 'number' || Number.isFinite(value)),
    ),
  )
}
