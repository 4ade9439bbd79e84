// Reads an amount of structured data. A point is a decimal point there, unless that is impossible;
// a text that has another notation is read like a displayed price.

import { decimalsOf, minorOf } from '../../core/money.ts'
import { parseMoney, type MoneyReason } from '../../normalise/money.ts'

export type AmountReason = MoneyReason | 'unpriced' | 'other-currency'

export interface Amount {
  /** In the minor unit of `currency`, above 0. Null with a reason. */
  readonly amountMinor: number | null
  /** ISO 4217. */
  readonly currency: string | null
  readonly reason: AmountReason | null
  /** The readings of an ambiguous notation, from which another source may choose. */
  readonly possible: readonly number[]
}

/** `1.250` is 1.25 or 1250. */
const THREE_DIGITS = /^([1-9]\d{0,2})\.(\d{3})$/

/**
 * Reads the amount in `value`; `currency` is that of the offer, or null. `isDisplayed` is true for a
 * text that visitors see.
 */
export function readAmount(
  value: string | number,
  currency: string | null,
  isDisplayed: boolean,
): Amount {
  const text = String(value).trim()
  if (currency !== null && !isDisplayed && /^\d+(?:\.\d+)?$/.test(text))
    return readDecimal(text, currency, typeof value === 'number')
  // `1e+30`, `-5`
  if (typeof value === 'number' && !/^\d+(?:\.\d+)?$/.test(text))
    return unknown(value < 0 ? 'negative' : 'no-amount', currency)
  const money = parseMoney(text, currency === null ? {} : { currency })
  if (money.currency !== null && currency !== null && money.currency !== currency)
    return unknown('other-currency', currency)
  if (money.amountMinor === 0) return unknown('unpriced', money.currency)
  // Without a currency, the amount is only a decimal.
  if (/^0+(?:\.0+)?$/.test(money.decimal ?? '')) return unknown('unpriced', money.currency)
  return { ...money, possible: [] }
}

/** Returns the currency of a code or a sign, or null: `eur`, `€`; `$` belongs to several. */
export function readCurrency(text: string | null): string | null {
  return text === null || text.length > 20 ? null : parseMoney(`1 ${text}`).currency
}

function readDecimal(text: string, currency: string, isNumber: boolean): Amount {
  if (/^0+(?:\.0+)?$/.test(text)) return unknown('unpriced', currency)
  const amountMinor = minorOf(text, currency) ?? roundFloat(text, currency)
  const thousands = THREE_DIGITS.exec(text)
  if (isNumber || thousands === null || decimalsOf(currency) > 2)
    return amountMinor === null ? unknown('too-precise', currency) : known(amountMinor, currency)
  const whole = minorOf(`${thousands[1]}${thousands[2]}`, currency)
  // `24.990` in CLP and `2.449` in ARS have too many decimals for their currency.
  if (amountMinor === null)
    return whole === null ? unknown('too-precise', currency) : known(whole, currency)
  const possible = whole === null ? [amountMinor] : [amountMinor, whole]
  return { ...unknown('ambiguous-separator', currency), possible }
}

/** `19.989999999999998` is 19.99: the shop calculates with floats. */
function roundFloat(text: string, currency: string): number | null {
  if ((text.split('.')[1] ?? '').length < 9) return null
  const scaled = Number(text) * 10 ** decimalsOf(currency)
  const rounded = Math.round(scaled)
  return Number.isSafeInteger(rounded) && Math.abs(scaled - rounded) < 1e-4 ? rounded : null
}

function known(amountMinor: number, currency: string): Amount {
  return { amountMinor, currency, reason: null, possible: [] }
}

function unknown(reason: AmountReason, currency: string | null): Amount {
  return { amountMinor: null, currency, reason, possible: [] }
}
