// Finds stated masses and volumes: a number with a unit, except where the words around it say that
// it is a dose, a capacity, a concentration, a range or a unit price.

import { isCurrencyWord } from './currencies.ts'
import type { Span } from './finding.ts'
import { compileLexicon, matchPhrase } from './lexicon.ts'
import { matchNumber, NUMBER_WORDS, type NumberMatch } from './numbers.ts'
import type { Token } from './tokens.ts'
import { matchUnit, type Unit } from './units.ts'

/** A stated amount of goods, in grams or millilitres. */
export interface Quantity extends Span {
  readonly unit: Unit
  readonly size: number
  readonly isBracketed: boolean
  /** 0.6 where the rule had to join `2 50` to `250`. */
  readonly confidence: number
}

/**
 * No pack in a shop is heavier: a larger number has a decimal separator that reads as thousands.
 */
const SIZE_MAX = 100_000
/** Doses of a brewing recipe are smaller. */
const DOSE_MAX = 80

/** Words after a quantity that make it a capacity. */
const VESSELS = compileLexicon([
  [
    true,
    `
      cup | mug | tumbler | glass | glasses | flask | kettle | jug | carafe | server | pitcher |
      thermos | bowl | bottle | teapot | tasse | becher | tasses | taza | tazza | kubek |
      canister | basket | portafilter | scale
    `,
  ],
])

/** Words after a small quantity that make it a dose. */
const DOSES = compileLexicon([
  [
    true,
    `
      in | out | dose | doses | yield | shot | of water | water | basket | serving | per | ratio |
      coffee to | of coffee to | ground | brewed | max | of caffeine | caffeine
    `,
  ],
])

/** Words before a quantity that make it a dose, a capacity or a limit. */
const LIMITS = compileLexicon([
  [
    true,
    `
      dose | dosage | use | add | serving size | per | every | up to | max | capacity | holds |
      hold | with | yield | over | above | from only | within | accuracy | precision
    `,
  ],
])
const LIMIT_WORDS_MAX = 2

/** Divisors of a concentration: `2.5 g / cup`, `60 g/l`. */
const DIVISORS = compileLexicon([
  [true, 'cup | l | litre | liter | ml | serving | shot | tasse | day | m2 | portion'],
])

/** Joined numbers must be a usual size: `2 50g` is 250 g, but `2 500g` may be two packs. */
const JOINED_SIZES = new Set([100, 150, 200, 250, 300, 350, 400, 500, 750, 1000])

/** Lists the quantities of a text in its order. Looks at a fixed number of tokens around each. */
export function findQuantities(tokens: readonly Token[]): Quantity[] {
  const quantities: Quantity[] = []
  let depth = 0
  for (let at = 0; at < tokens.length;) {
    depth = nextDepth(depth, tokens[at])
    const quantity = matchQuantity(tokens, at, depth > 0)
    if (quantity !== null) addQuantity(quantities, quantity)
    at = quantity?.to ?? at + 1
  }
  return quantities
}

function nextDepth(depth: number, token: Token | undefined): number {
  if (token?.text === '(' || token?.text === '[') return depth + 1
  return token?.text === ')' || token?.text === ']' ? Math.max(0, depth - 1) : depth
}

/** `1 lb 4 oz` is one quantity. */
function addQuantity(quantities: Quantity[], quantity: Quantity): void {
  const last = quantities.at(-1)
  const isOunces = last?.to === quantity.from && quantity.unit.symbol === 'oz'
  if (last && isOunces && last.unit.symbol === 'lb')
    quantities[quantities.length - 1] = {
      ...last,
      to: quantity.to,
      size: last.size + quantity.size,
    }
  else quantities.push(quantity)
}

function matchQuantity(
  tokens: readonly Token[],
  at: number,
  isBracketed: boolean,
): Quantity | null {
  const number = matchNumber(tokens, at) ?? matchNumberWord(tokens, at)
  if (number === null || isPartOfCode(tokens, at)) return null
  const stated = matchUnit(tokens, number.to)
  if (stated === null || tokens[number.to]?.before === '\n') return null
  const { unit, to } = stated
  const joined = joinDigits(tokens, at)
  const size = (joined ?? bound(number, tokens, unit)) * unit.size
  const span = { from: joined === null ? at : at - 1, to }
  if (!(size > 0 && size <= SIZE_MAX) || isGuarded(tokens, span, size)) return null
  return { ...span, unit, size, isBracketed, confidence: joined === null ? 1 : 0.6 }
}

/** `Half Pound`, `Five Pound Bag`, `quarter kilo`: the unit follows, at most after `a`. */
function matchNumberWord(tokens: readonly Token[], from: number): NumberMatch | null {
  const value = AMOUNT_WORDS.get(tokens[from]?.text ?? '')
  if (value === undefined) return null
  const to = tokens[from + 1]?.text === 'a' ? from + 2 : from + 1
  return { value, from, to }
}

const AMOUNT_WORDS: ReadonlyMap<string, number> = new Map([
  ...NUMBER_WORDS,
  ['one', 1],
  ['half', 0.5],
  ['半', 0.5],
  ['halbes', 0.5],
  ['demi', 0.5],
  ['medio', 0.5],
  ['media', 0.5],
  ['mezzo', 0.5],
  ['pol', 0.5],
  ['quarter', 0.25],
])

/** `1.000 kg` is one kilogram: read as thousands, it would be no pack. */
function bound({ value, from }: NumberMatch, tokens: readonly Token[], unit: Unit): number {
  const text = tokens[from]?.text ?? ''
  const isImplausible = value * unit.size > SIZE_MAX && /^\d+[.,]\d{3}$/.test(text)
  return isImplausible ? Number(text.replace(',', '.')) : value
}

/** `SL28`, `V60` and `#62` are names; `2x250g`, `重量250g` and `Kenya-250g` are not. */
function isPartOfCode(tokens: readonly Token[], at: number): boolean {
  const previous = tokens[at - 1]
  if (previous === undefined || tokens[at]?.before !== '') return false
  if (previous.text === '#') return true
  const isLatinWord = previous.kind === 'word' && /^[a-z]/.test(previous.text)
  return isLatinWord && !(previous.text === 'x' && tokens[at - 2]?.kind === 'number')
}

/** Some shops write `2 50G`, others `1 000 g`. */
function joinDigits(tokens: readonly Token[], at: number): number | null {
  const [left, right] = [tokens[at - 1], tokens[at]]
  if (left?.kind !== 'number' || right?.kind !== 'number' || right.before !== ' ') return null
  const joined = `${left.text}${right.text}`
  const isSplit = /^\d\d{2,3}$/.test(joined) && left.text.length === 1
  return isSplit && JOINED_SIZES.has(Number(joined)) ? Number(joined) : null
}

function isGuarded(tokens: readonly Token[], span: Span, size: number): boolean {
  return (
    isRange(tokens, span.from) ||
    (UNIT_PRICE_SIZES.has(size) && isUnitPrice(tokens, span.from)) ||
    isConcentration(tokens, span.to) ||
    isLimited(tokens, span.from) ||
    isOnLine(tokens, span.to, VESSELS) ||
    (size <= DOSE_MAX && isOnLine(tokens, span.to, DOSES))
  )
}

function isOnLine(tokens: readonly Token[], at: number, lexicon: typeof VESSELS): boolean {
  return tokens[at]?.before !== '\n' && matchPhrase(tokens, lexicon, at) !== null
}

/** `18-20 g` and `18 - 20 g`: the ends of a range are close to each other. */
function isRange(tokens: readonly Token[], at: number): boolean {
  const isTight = tokens[at]?.before === '-'
  const low = isTight ? tokens[at - 1] : tokens[at - 1]?.text === '-' ? tokens[at - 2] : undefined
  if (low?.kind !== 'number') return false
  const ratio = Number(tokens[at]?.text) / Number(low.text)
  return isTight || (ratio > 1 && ratio < 2)
}

/** The quantities of unit prices: 1 g, 10 g, 100 g, 1 kg, 1 oz and 1 lb. */
const UNIT_PRICE_SIZES = new Set([1, 10, 100, 1000, 28.349523125, 453.59237])

/** `€ 12 / 100 g`, `Rs 40 per 100g`; `₹395 / 250g` is the price and the size of a pack. */
function isUnitPrice(tokens: readonly Token[], at: number): boolean {
  if (tokens[at - 1]?.text !== '/') return false
  return [2, 3, 4].some((back) => isCurrencyWord(tokens[at - back]?.text ?? ''))
}

function isConcentration(tokens: readonly Token[], at: number): boolean {
  const divisor = tokens[at]?.text === '/' && tokens[at + 1]
  return Boolean(divisor) && matchPhrase(tokens, DIVISORS, at + 1) !== null
}

function isLimited(tokens: readonly Token[], at: number): boolean {
  for (let from = Math.max(0, at - LIMIT_WORDS_MAX - 1); from < at; from++) {
    const limit = matchPhrase(tokens, LIMITS, from)
    const between = limit ? tokens.slice(limit.to, at) : []
    if (limit && limit.to <= at && between.every(({ text }) => text === ':' || text === 'is'))
      return true
  }
  return false
}
