// Reads a price as a shop displays it. A part that the text leaves open (a `$` of which country,
// two prices, a separator with two readings) is null, with the reason.

import { decimalsOf, minorOf } from '../core/money.ts'
import { CURRENCY_LEXICON, TAX_WORDS, type CurrencySign } from './currencies.ts'
import { findPhrases, type Match } from './lexicon.ts'
import { quoteTokens, readTokens, type Token, type TokenText } from './tokens.ts'
import { matchUnit } from './units.ts'

export type MoneyReason =
  | 'no-amount'
  | 'negative'
  | 'several-amounts'
  | 'ambiguous-separator'
  | 'unknown-currency'
  | 'too-precise'

export interface MoneyText {
  /** In the minor unit of `currency`. Null with a reason. */
  readonly amountMinor: number | null
  /** The amount as a plain decimal, also while the currency is unknown: `1144000`. */
  readonly decimal: string | null
  /** ISO 4217. */
  readonly currency: string | null
  /** The sign or code beside the amount, also if several currencies share it: `$`. */
  readonly sign: string | null
  /** The part of the input with the amount and its currency. */
  readonly raw: string | null
  readonly reason: MoneyReason | null
}

/** Facts about the shop; the text of a price wins over it. */
export interface MoneyContext {
  /** ISO 4217. */
  readonly currency?: string
  /** The shop's decimal separator, which settles `1.250`. */
  readonly decimalSeparator?: '.' | ','
}

interface Amount {
  /** Digits with separators. */
  readonly text: string
  readonly from: number
  readonly to: number
  readonly sign: Match<CurrencySign> | null
  readonly isNegative: boolean
  readonly isBracketed: boolean
  /** `39,60 €/kg`: it counts only without the price of the goods. */
  readonly isUnitPrice: boolean
}

/**
 * Reads the only price of a text. A second amount in brackets and another currency is a
 * conversion.
 */
export function parseMoney(raw: string, context: MoneyContext = {}): MoneyText {
  const text = readTokens(raw)
  const found = findAmounts(text.tokens)
  const signed = found.filter(({ sign }) => sign !== null)
  const priced = signed.length > 0 ? signed : found
  const whole = priced.filter(({ isUnitPrice }) => !isUnitPrice)
  const amounts = whole.length > 0 ? whole : priced
  const [amount, ...rest] = amounts
  if (amount === undefined) return unknown('no-amount')
  const others = rest.filter((other) => !isConversion(amount, other) && !isRepeated(amount, other))
  const money = toMoney(text, amount, context)
  return others.length > 0
    ? { ...money, amountMinor: null, decimal: null, reason: 'several-amounts' }
    : money
}

function isConversion(amount: Amount, other: Amount): boolean {
  return other.isBracketed && amount.sign?.value.sign !== other.sign?.value.sign
}

function isRepeated(amount: Amount, other: Amount): boolean {
  return amount.text === other.text && amount.sign?.value.sign === other.sign?.value.sign
}

function toMoney(text: TokenText, amount: Amount, context: MoneyContext): MoneyText {
  const sign = amount.sign?.value ?? null
  const currency = sign?.currency ?? findTaxCurrency(text, sign?.sign) ?? context.currency ?? null
  const span = [amount.from, amount.to, ...(amount.sign ? [amount.sign.from, amount.sign.to] : [])]
  const known = {
    currency,
    sign: sign?.sign ?? null,
    raw: quoteTokens(text, Math.min(...span), Math.max(...span)),
  }
  const decimal = toDecimal(amount.text, { ...context, ...(currency !== null && { currency }) })
  const fail = (reason: MoneyReason): MoneyText => ({
    ...known,
    amountMinor: null,
    decimal,
    reason,
  })
  if (amount.isNegative) return { ...fail('negative'), decimal: null }
  if (decimal === null) return fail('ambiguous-separator')
  if (currency === null) return fail('unknown-currency')
  const amountMinor = minorOf(decimal, currency)
  return amountMinor === null
    ? fail('too-precise')
    : { ...known, amountMinor, decimal, reason: null }
}

/** `¥1,980 (税込)`: the words for the tax are those of one of the countries that share the sign. */
function findTaxCurrency({ tokens }: TokenText, sign: string | undefined): string | null {
  const [word] = findPhrases(tokens, TAX_WORDS)
  return word?.value.sign === sign ? (word?.value.currency ?? null) : null
}

function unknown(reason: MoneyReason): MoneyText {
  return { amountMinor: null, decimal: null, currency: null, sign: null, raw: null, reason }
}

function findAmounts(tokens: readonly Token[]): Amount[] {
  const signs = findPhrases(tokens, CURRENCY_LEXICON)
  const byStart = new Map(signs.map((sign) => [sign.from, sign]))
  const byEnd = new Map(signs.map((sign) => [sign.to, sign]))
  const taken = new Set<Match<CurrencySign>>()
  const amounts: Amount[] = []
  let isBracketed = false
  for (let at = 0; at < tokens.length;) {
    const token = tokens[at]
    if (token?.text === '(') isBracketed = true
    if (token?.text === ')') isBracketed = false
    const digits = token?.kind === 'number' ? joinGroups(tokens, at) : null
    if (digits === null || !isAmount(tokens, at, digits.to)) {
      at = digits?.to ?? at + 1
      continue
    }
    const before = byEnd.get(skipDots(tokens, at))
    const beside = [
      before,
      byStart.get(skipDash(tokens, digits.to)),
      before && byEnd.get(before.from),
    ]
    const free = beside.filter((one) => one !== undefined).filter((one) => !taken.has(one))
    // `$18.00 AUD`: the code settles the sign.
    const sign = free.find(({ value }) => value.currency !== null) ?? free[0] ?? null
    for (const one of free) taken.add(one)
    const isNegative = isMinus(tokens, at) || (sign !== null && isMinus(tokens, sign.from))
    const isUnitPrice = isPerUnit(tokens, Math.max(digits.to, sign?.to ?? 0))
    amounts.push({ ...digits, from: at, sign, isNegative, isBracketed, isUnitPrice })
    at = digits.to
  }
  return amounts
}

/** `Rs. 250`: a dot after an abbreviated currency. */
function skipDots(tokens: readonly Token[], at: number): number {
  return tokens[at - 1]?.text === '.' || tokens[at - 1]?.text === ':' ? at - 1 : at
}

/** `25,- kr`, `25.- Fr`, `395/- Rs`: no cents. */
function skipDash(tokens: readonly Token[], at: number): number {
  const isDash = tokens[at + 1]?.text === '-' && [',', '.', '/'].includes(tokens[at]?.text ?? '')
  return isDash ? at + 2 : at
}

/** `1 299,00`: groups of three digits after spaces are one number. */
function joinGroups(tokens: readonly Token[], from: number): { text: string; to: number } {
  let text = tokens[from]?.text ?? ''
  let to = from + 1
  if (/^\d{1,3}$/.test(text))
    for (let next = tokens[to]; next && isGroup(next); next = tokens[to]) {
      text += next.text
      to++
      if (/\D/.test(next.text)) break
    }
  return { text, to }
}

function isGroup({ kind, text, before }: Token): boolean {
  return kind === 'number' && before === ' ' && /^\d{3}(?:[.,]\d{1,2})?$/.test(text)
}

function isPerUnit(tokens: readonly Token[], at: number): boolean {
  const isPer = tokens[at]?.text === '/' || tokens[at]?.text === 'per'
  return isPer && (matchUnit(tokens, at + 1) ?? matchUnit(tokens, at + 2)) !== null
}

/** A percentage or a weight is not an amount of money. */
function isAmount(tokens: readonly Token[], from: number, to: number): boolean {
  return (
    tokens[to]?.text !== '%' && tokens[from - 1]?.text !== '#' && matchUnit(tokens, to) === null
  )
}

function isMinus(tokens: readonly Token[], at: number): boolean {
  const minus = tokens[at - 1]
  return minus?.text === '-' && tokens[at]?.before === '' && (at === 1 || minus.before !== '')
}

/**
 * `1.299,00` → `1299.00`, `1,00,000` → `100000`, `24.990` → `24990`. A single separator before
 * three digits separates thousands, unless the currency has three decimals; then it is ambiguous,
 * except for the decimal point of `1.250`.
 */
export function toDecimal(
  digits: string,
  { currency, decimalSeparator }: MoneyContext = {},
): string | null {
  const parts = digits.split(/[.,']/)
  const signs = digits.replaceAll(/\d/g, '')
  const last = parts.at(-1) ?? ''
  const whole = parts.slice(0, -1)
  if (signs === '') return digits
  const lastSign = signs.at(-1) ?? ''
  const isMixed = new Set(signs).size > 1
  if (isMixed)
    return signs.indexOf(lastSign) === signs.length - 1 && isGrouped(whole, signs)
      ? join(whole, last)
      : null
  if (signs.length > 1) return isGrouped(parts, lastSign) ? parts.join('') : null
  if (last.length !== 3 || parts[0] === '0') return lastSign === "'" ? null : join(whole, last)
  if (decimalSeparator !== undefined && lastSign !== "'")
    return lastSign === decimalSeparator ? join(whole, last) : parts.join('')
  if (currency === undefined || decimalsOf(currency) !== 3)
    return isGrouped(parts, lastSign) ? parts.join('') : join(whole, last)
  return lastSign === '.' ? join(whole, last) : null
}

function join(whole: readonly string[], fraction: string): string {
  return `${whole.join('')}.${fraction}`
}

/** Groups of three, or of two as in India (`1,00,000`), with three digits in the last one. */
function isGrouped([first = '', ...groups]: readonly string[], signs: string): boolean {
  if (groups.length === 0) return true
  const isThousands = groups.every((group) => group.length === 3)
  const isIndian =
    signs.startsWith(',') &&
    groups.at(-1)?.length === 3 &&
    groups.slice(0, -1).every((group) => group.length === 2)
  return first.length >= 1 && first.length <= 3 && (isThousands || isIndian)
}
