// The price of one product or variation. WooCommerce sends digits without a point, in the number of
// decimals that the shop is set to, and "0" or nothing for a product without a price.

import { countSome } from '../../lib/count-words.ts'
import { minorFromScaled } from '../../core/money.ts'
import type { Price } from '../../core/product.ts'
import type { Prices, SoldRecord } from './records.ts'

type Reason = 'none' | 'unread' | 'no-currency'

/** Counts the reasons why variants have no price. */
export class PriceWarnings {
  readonly #counts = new Map<Reason | 'inexact', number>()
  #example = ''

  add(reason: Reason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }

  addInexact(digits: string, decimals: number, currency: string): void {
    this.#counts.set('inexact', (this.#counts.get('inexact') ?? 0) + 1)
    const shown = digits.length > 20 ? `${digits.length} characters` : `"${digits}"`
    this.#example ||= `${shown} with ${decimals} decimals in ${currency}`
  }

  list(count: number): string[] {
    const texts = {
      none: 'have no price',
      unread: 'are not sent by the shop, so their price is unknown',
      'no-currency': 'have a price without a currency, which is left out',
      inexact: `have a price that is not an amount of money: ${this.#example}`,
    }
    return [...this.#counts].map(([reason, affected]) =>
      countSome(affected, count, 'variant', texts[reason]),
    )
  }
}

/**
 * Returns the price of the variant `id`; its amount is null when the shop states none. `record` is
 * null for a variation that the shop lists but does not send, and `currency` is that of its product.
 * Returns null without a currency.
 */
export function priceOf(
  id: string,
  record: SoldRecord | null,
  productCurrency: string | null,
  warnings: PriceWarnings,
): Price | null {
  const currency = record?.prices?.currency_code ?? productCurrency ?? ''
  if (!/^[A-Z]{3}$/.test(currency)) {
    warnings.add(currency === '' && isUnpriced(record?.prices?.price) ? 'none' : 'no-currency')
    return null
  }
  const amountMinor = amountOf(record, 'price', currency, warnings)
  const regular =
    record?.on_sale === true ? readAmount(record.prices, 'regular_price', currency) : null
  const isReduced = amountMinor !== null && regular !== null && regular > amountMinor
  return {
    variantId: id,
    type: 'list',
    amountMinor,
    currency,
    compareAtMinor: isReduced ? regular : null,
  }
}

function amountOf(
  record: SoldRecord | null,
  member: 'price',
  currency: string,
  warnings: PriceWarnings,
): number | null {
  const digits = record?.prices?.[member]
  if (record === null || isUnpriced(digits)) {
    warnings.add(record === null ? 'unread' : 'none')
    return null
  }
  const amountMinor = readAmount(record.prices, member, currency)
  if (amountMinor === null)
    warnings.addInexact(digits ?? '', record.prices?.currency_minor_unit ?? 2, currency)
  return amountMinor
}

function readAmount(
  prices: Prices | null | undefined,
  member: 'price' | 'regular_price',
  currency: string,
): number | null {
  const digits = prices?.[member]?.trim() ?? ''
  return isUnpriced(digits)
    ? null
    : minorFromScaled(digits, prices?.currency_minor_unit ?? 2, currency)
}

function isUnpriced(digits: string | null | undefined): boolean {
  return /^0*$/.test(digits?.trim() ?? '')
}
