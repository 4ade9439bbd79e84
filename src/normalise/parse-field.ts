// Parses one text of a shop by the field that it stands in: the whole of `shelfsync parse`.

import type { Json } from '../core/json.ts'
import { readCoffee, type CoffeeField } from './coffee/read-coffee.ts'
import { toReadingLine, type Origin } from './coffee/reading-line.ts'
import { parseMoney, type MoneyContext, type MoneyText } from './money.ts'

/** Fields as shops and feeds name them. */
const COFFEE_FIELDS: Readonly<Record<string, CoffeeField>> = {
  product_title: 'title',
  variant_title: 'option',
  option_name: 'option',
  option_value: 'option',
  woo_term: 'option',
  woo_variation_value: 'option',
  tag: 'tag',
  description: 'description',
  grind: 'grind',
  process: 'process',
  roast_level: 'roast',
  variety: 'variety',
  altitude: 'altitude',
  arabica_robusta: 'species',
}

const PRICE_FIELD = 'price_text'

export const PARSE_FIELDS: readonly string[] = [...Object.keys(COFFEE_FIELDS), PRICE_FIELD]

/** One parsed text: each value by its name, null where it is unknown, and where it comes from. */
export interface ParsedField {
  readonly values: Readonly<Record<string, Json>>
  readonly provenance: Readonly<Record<string, Origin>>
}

const NO_PRICE = { amount: null, amount_minor: null, currency: null, price_reason: null }

/** Returns null for a field that is not in `PARSE_FIELDS`. */
export function parseField(
  input: string,
  field: string,
  context: MoneyContext = {},
): ParsedField | null {
  if (field === PRICE_FIELD) return parsePrice(input, context)
  const coffeeField = Object.hasOwn(COFFEE_FIELDS, field) ? COFFEE_FIELDS[field] : undefined
  if (coffeeField === undefined) return null
  const { values, provenance } = toReadingLine(readCoffee(input, coffeeField))
  return { values: { ...values, ...NO_PRICE }, provenance }
}

/** Names of all coffee values, for a text that states a price only. */
const NO_COFFEE: Readonly<Record<string, Json>> = Object.fromEntries(
  Object.keys(toReadingLine(readCoffee('', 'process')).values).map((name) => [name, null]),
)

function parsePrice(input: string, context: MoneyContext): ParsedField {
  const money = parseMoney(input, context)
  return {
    values: {
      ...NO_COFFEE,
      amount: money.decimal,
      amount_minor: money.amountMinor,
      currency: formatCurrency(money),
      price_reason: money.reason,
    },
    provenance:
      money.raw === null || money.decimal === null
        ? {}
        : { amount: { raw: money.raw, rule: 'money/amount', confidence: 1 } },
  }
}

/** A sign that several currencies share keeps a question mark: `$?`. */
function formatCurrency({ currency, sign }: MoneyText): string | null {
  return currency ?? (sign === null ? null : `${sign}?`)
}
