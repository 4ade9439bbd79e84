// Reads the price of one offer: `price`, or its specifications, which also state crossed-out
// prices, prices without tax, prices of a quantity and prices for members.

import type { Item, Value } from './evidence.ts'
import { readAmount, readCurrency, type Amount, type AmountReason } from './amounts.ts'
import { firstText, itemsOf, textsOf, valuesOf } from './items.ts'
import { toWord } from './vocabulary.ts'

/** One statement of the present price. */
export interface StatedPrice {
  readonly amountMinor: number
  readonly currency: string
  /** The crossed-out price, if it is higher. */
  readonly compareAtMinor: number | null
  readonly quotation: string
  /** The properties that state it: `priceSpecification.price`. */
  readonly property: string
  readonly excludesTax: boolean
  /** Written as visitors see it. */
  readonly isDisplayed: boolean
}

export type NoPriceReason = AmountReason | 'no-price' | 'several-offers' | 'unit-price'

export type PriceReading =
  /** One price, or several that contradict each other. */
  | { readonly kind: 'price'; readonly prices: readonly StatedPrice[] }
  /** The prices of several variants. `highMinor` is null when only the lowest is stated. */
  | {
      readonly kind: 'range'
      readonly lowMinor: number
      readonly highMinor: number | null
      readonly currency: string
      readonly quotation: string
    }
  | {
      readonly kind: 'none'
      readonly reason: NoPriceReason
      readonly currency: string | null
      readonly possible: readonly number[]
      readonly quotation: string
    }

const BOUNDS = { lowprice: 'lowPrice', highprice: 'highPrice' } as const
type BoundName = keyof typeof BOUNDS

/** One amount of an offer with the words around it. */
interface Statement {
  readonly amount: Amount
  readonly quotation: string
  readonly property: string
  readonly use: 'current' | 'earlier'
  readonly includesTax: boolean | null
  readonly isDisplayed: boolean
}

const EARLIER = new Set(['listprice', 'strikethroughprice', 'regularprice'])
const CHARGES = new Set(['deliverychargespecification', 'paymentchargespecification'])
const QUOTED_CHARS_MAX = 120

/** Returns the price of an offer; `currency` applies where the offer states none. */
export function readOfferPrice(offer: Item, currency: string | null): PriceReading {
  const stated = readCurrency(firstText(offer, 'pricecurrency')) ?? currency
  const range = readRange(offer, stated)
  if (range !== null) return range
  const statements = [...readPlain(offer, stated), ...readSpecifications(offer, stated)]
  const current = preferTaxed(statements.filter(({ use }) => use === 'current'))
  const known = current.filter(({ amount }) => amount.amountMinor !== null)
  const [first] = current
  if (known.length === 0) {
    const isPerUnit = first === undefined && itemsOf(offer, 'pricespecification').some(isUnitPrice)
    return { ...toNone(first, stated), ...(isPerUnit && { reason: 'unit-price' }) }
  }
  const earlier = statements.filter(({ use }) => use === 'earlier')
  return { kind: 'price', prices: distinct(known.map((one) => toPrice(one, earlier))) }
}

function toNone(first: Statement | undefined, currency: string | null): PriceReading {
  return {
    kind: 'none',
    reason: first?.amount.reason ?? 'no-price',
    currency: first?.amount.currency ?? currency,
    possible: first?.amount.possible ?? [],
    quotation: first?.quotation ?? '',
  }
}

function toPrice(
  { amount, quotation, property, includesTax, isDisplayed }: Statement,
  earlier: Statement[],
): StatedPrice {
  const { amountMinor, currency } = amount
  const before = earlier
    .filter((one) => one.amount.currency === currency)
    .map((one) => one.amount.amountMinor ?? 0)
  const compareAtMinor = Math.max(0, ...before)
  return {
    amountMinor: amountMinor ?? 0,
    currency: currency ?? '',
    compareAtMinor: compareAtMinor > (amountMinor ?? 0) ? compareAtMinor : null,
    quotation,
    property,
    excludesTax: includesTax === false,
    isDisplayed,
  }
}

function distinct(prices: readonly StatedPrice[]): StatedPrice[] {
  const byAmount = new Map<string, StatedPrice>()
  for (const price of prices) {
    const key = `${price.amountMinor} ${price.currency}`
    if (!byAmount.has(key)) byAmount.set(key, price)
  }
  return [...byAmount.values()]
}

/** A price without tax is another price, which counts only when no other is stated. */
function preferTaxed(statements: readonly Statement[]): readonly Statement[] {
  const known = statements.filter(({ amount }) => amount.amountMinor !== null)
  for (const wanted of [true, null]) {
    const found = known.filter(({ includesTax }) => includesTax === wanted)
    // A plain price beside one that includes tax is compared with it.
    if (found.length > 0)
      return wanted === true ? known.filter(({ includesTax }) => includesTax !== false) : found
  }
  return statements
}

/** `AggregateOffer`: the prices of several offers, which is the price of one only if all are equal. */
function readRange(offer: Item, currency: string | null): PriceReading | null {
  const low = readNamed(offer, 'lowprice', currency)
  const high = readNamed(offer, 'highprice', currency)
  if (low === null) return null
  const { amountMinor: lowMinor, currency: known } = low.amount
  if (lowMinor === null || known === null) return toNone(low, currency)
  const highMinor = high?.amount.amountMinor ?? null
  const quotation = high === null ? low.quotation : `${low.quotation}, ${high.quotation}`
  if (highMinor !== null ? highMinor === lowMinor : firstText(offer, 'offercount') === '1')
    return { kind: 'price', prices: [toPrice({ ...low, quotation }, [])] }
  return { kind: 'range', lowMinor, highMinor, currency: known, quotation }
}

function readNamed(offer: Item, name: BoundName, currency: string | null): Statement | null {
  const [structured] = textScalars(offer, name)
  const value = structured ?? textScalars(offer, `${name}text`)[0]
  if (value === undefined) return null
  return {
    amount: readAmount(value, currency, structured === undefined),
    quotation: quote(BOUNDS[name], value),
    property: BOUNDS[name],
    use: 'current',
    includesTax: null,
    isDisplayed: structured === undefined,
  }
}

/** Visible text repeats the structured value in microdata, so it counts only without one. */
function readPlain(offer: Item, currency: string | null): Statement[] {
  const structured = textScalars(offer, 'price')
  const isDisplayed = structured.length === 0
  const values = isDisplayed ? textScalars(offer, 'pricetext') : structured
  const earlier = textScalars(offer, 'earlierprice').map((value): Statement => ({
    ...toStatement(offer, 'price', value, { currency, isDisplayed }),
    use: 'earlier',
  }))
  return [
    ...values.map((value) => toStatement(offer, 'price', value, { currency, isDisplayed })),
    ...earlier,
  ]
}

function readSpecifications(offer: Item, currency: string | null): Statement[] {
  const specifications = [...itemsOf(offer, 'pricespecification'), ...itemsOf(offer, 'price')]
  const usable = specifications.filter((one) => !isForOthers(one))
  return usable.flatMap((one): Statement[] => {
    const [value] = [...textScalars(one, 'price'), ...textScalars(one, 'value')]
    if (value === undefined) return []
    const stated = readCurrency(firstText(one, 'pricecurrency', 'currency')) ?? currency
    const statement = toStatement(one, 'priceSpecification.price', value, {
      currency: stated,
      isDisplayed: false,
    })
    const taxed = valuesOf(one, 'valueaddedtaxincluded')[0]
    return [
      {
        ...statement,
        use: isEarlier(one, usable.length) ? 'earlier' : 'current',
        includesTax: taxed === undefined ? null : isTrue(taxed),
      },
    ]
  })
}

function isTrue(value: Value): boolean {
  return value === true || (typeof value === 'string' && /^(?:.*\/)?true$/i.test(value))
}

function isEarlier(specification: Item, count: number): boolean {
  const types = textsOf(specification, 'pricetype').map(lastWord)
  if (types.includes('regularprice')) return count > 1
  return types.some((type) => EARLIER.has(type))
}

/** Charges, recommended prices, and prices of a quantity, a subscription or a group of buyers. */
function isForOthers(specification: Item): boolean {
  const { types } = specification
  const minimum = itemsOf(specification, 'eligiblequantity').flatMap((one) =>
    textsOf(one, 'minvalue', 'value').map(Number),
  )
  return (
    types.some((type) => CHARGES.has(type)) ||
    textsOf(specification, 'pricetype').some((type) =>
      /^(?:msrp|srp|minimumadvertisedprice|invoiceprice)$/.test(lastWord(type)),
    ) ||
    minimum.some((count) => count > 1) ||
    isUnitPrice(specification) ||
    valuesOf(specification, 'billingduration', 'billingincrement', 'validformembertier').length >
      0 ||
    textsOf(specification, 'eligiblecustomertype').some((one) => /business/i.test(one))
  )
}

/**
 * A reference quantity with a reference value is the content of the product
 * (https://developers.google.com/search/docs/appearance/structured-data/merchant-listing). Alone, it
 * is the unit of a unit price.
 */
function isUnitPrice(specification: Item): boolean {
  return itemsOf(specification, 'referencequantity').some(
    (quantity) => valuesOf(quantity, 'valuereference').length === 0,
  )
}

function lastWord(term: string): string {
  return toWord(term).split(/[/#]/).at(-1) ?? ''
}

function toStatement(
  item: Item,
  name: string,
  value: string | number,
  { currency, isDisplayed }: { readonly currency: string | null; readonly isDisplayed: boolean },
): Statement {
  const stated = firstText(item, 'pricecurrency')
  return {
    amount: readAmount(value, currency, isDisplayed),
    property: name,
    quotation: [
      quote(name, value),
      ...(stated === null ? [] : [quote('priceCurrency', stated)]),
    ].join(', '),
    use: 'current',
    includesTax: null,
    isDisplayed,
  }
}

/** `price: "12.00"`: a text in quotation marks, a number without. */
function quote(name: string, value: string | number): string {
  return `${name}: ${JSON.stringify(value).slice(0, QUOTED_CHARS_MAX)}`
}

function textScalars(item: Item, name: string): (string | number)[] {
  return valuesOf(item, name).filter(
    (value) => typeof value === 'string' || typeof value === 'number',
  )
}
