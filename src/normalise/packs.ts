// Combines the stated weights and counts of a title or an option into one pack: the content of a
// unit, the number of units, and the total. A contradiction stays unknown, with the reason.

import { findCounts, findMultiplier, type Count } from './counts.ts'
import { type Finding, type Span, toFinding } from './finding.ts'
import { compileLexicon, matchPhrase } from './lexicon.ts'
import { findQuantities, type Quantity } from './quantities.ts'
import { quoteTokens, type Token, type TokenText } from './tokens.ts'
import { toWordSet } from './words.ts'

/** The content of a pack, in grams or millilitres. */
export interface Content {
  readonly dimension: 'mass' | 'volume'
  readonly unitSize: number
  readonly totalSize: number
}

export interface Pack {
  readonly content: Finding<Content> | null
  /** Null when no number of units is stated. */
  readonly count: Finding<number> | null
  /** The reason of an unknown content. */
  readonly reason: 'not-stated' | 'several-weights' | null
}

export interface PackPolicy {
  /**
   * In running text, most weights are recipes: only those after a label such as `Net weight`
   * count.
   */
  readonly labelledOnly: boolean
  /** True if the text names bags for cold brew, which hold several servings. */
  readonly isBrewBag?: boolean
}

/** Names of trade for one size differ: 12 oz and 340 g, 1 lb and 450 g. */
const SAME_SIZE_TOLERANCE = 0.03
/** `2 lb (1kg)`: shops round the other system generously; the metric figure is the printed one. */
const CONVERTED_TOLERANCE = 0.15
/** Content of a capsule, a stick or a drip bag, in grams. */
const SERVING = { min: 4.5, max: 20 }
/** A bag for cold brew holds less than the smallest bag of coffee, which has 100 g. */
const BREW_BAG_MAX = 99

const LABELS = compileLexicon([
  [
    true,
    `
      net weight | net wt | net wt. | wt. | weight | bag size | pack size | package size | size | contents |
      net quantity | quantity | inhalt | fullmenge | nettogewicht | gewicht | poids net | poids |
      contenu | peso neto | peso netto | peso | contenido | waga | masa netto | 内容量 | 重量 | 净含量 |
      규격 | 중량
    `,
  ],
])
const LABEL_TOKENS_MAX = 6

/** Reads the pack that a text states. */
export function parsePack(text: TokenText, policy: PackPolicy = { labelledOnly: false }): Pack {
  const { tokens } = text
  const all = findQuantities(tokens)
  const stated = policy.labelledOnly ? all.filter((one) => isLabelled(tokens, one)) : all
  const masses = stated.filter(({ unit }) => unit.dimension === 'mass')
  const quantities = masses.length > 0 ? masses : stated
  const counts = policy.labelledOnly ? [] : withoutOne(findCounts(tokens, all))
  return combine(text, quantities, counts, policy.isBrewBag ? BREW_BAG_MAX : SERVING.max)
}

/** `1 box (10 pods)`: one of something says less than the other number. */
function withoutOne(counts: readonly Count[]): readonly Count[] {
  const several = counts.filter(({ value }) => value > 1)
  return several.length > 0 ? several : counts
}

function isLabelled(tokens: readonly Token[], { from }: Quantity): boolean {
  for (let at = from - 1; at >= 0 && at >= from - LABEL_TOKENS_MAX; at--) {
    const label = matchPhrase(tokens, LABELS, at)
    if (label && label.to <= from) return true
    if (tokens[at]?.text === '.' && tokens[at - 1]?.text !== 'wt') return false
  }
  return false
}

function combine(
  text: TokenText,
  quantities: readonly Quantity[],
  counts: readonly Count[],
  partMax: number,
): Pack {
  const times = findTimes(text.tokens, quantities) ?? findSum(text.tokens, quantities)
  if (times !== null) return times === 'several' ? unknown(text, counts) : multiply(text, times)
  const count = counts.find(({ kind }) => kind !== 'piece') ?? counts[0] ?? null
  const [size, other, ...more] = mergeSizes(quantities)
  if (size === undefined || more.length > 0)
    return unknown(text, counts, size === undefined ? 'not-stated' : 'several-weights')
  if (other === undefined) return count ? share(text, size, count, partMax) : single(text, size)
  const [small, large] = size.size < other.size ? [size, other] : [other, size]
  const isTotal = count !== null && isSame(small.size * count.value, large.size)
  return isTotal ? toShare(text, large, count, 'pack/total-and-unit') : unknown(text, counts)
}

interface Times {
  readonly quantity: Quantity
  readonly multiplier: Count
}

/** The multiplied quantity of `2 x 250g`; `several` when two of them differ. */
function findTimes(
  tokens: readonly Token[],
  quantities: readonly Quantity[],
): Times | 'several' | null {
  const found = quantities.flatMap((quantity): Times[] => {
    const multiplier = findMultiplier(tokens, quantity)
    return multiplier ? [{ quantity, multiplier }] : []
  })
  const [first, ...rest] = found
  if (first === undefined) return null
  const isOne = rest.every(({ quantity, multiplier }) =>
    isSame(quantity.size * multiplier.value, first.quantity.size * first.multiplier.value),
  )
  return isOne ? first : 'several'
}

/** `1kg + 1kg` is two of one kilogram. */
function findSum(tokens: readonly Token[], quantities: readonly Quantity[]): Times | null {
  const [first, ...rest] = quantities
  if (first === undefined || rest.length === 0) return null
  const isSum = rest.every(
    ({ from, size }, at) =>
      size === first.size && tokens[from - 1]?.text === '+' && quantities[at]?.to === from - 1,
  )
  const span = { from: first.from, to: rest.at(-1)?.to ?? first.to }
  return isSum
    ? { quantity: first, multiplier: { kind: 'times', value: quantities.length, ...span } }
    : null
}

/** Groups quantities of one size, and keeps the metric one of each group. */
function mergeSizes(quantities: readonly Quantity[]): Quantity[] {
  const sizes: Quantity[] = []
  for (const quantity of quantities) {
    const at = sizes.findIndex(
      (size) => isSame(size.size, quantity.size) || isConverted(size, quantity),
    )
    const known = sizes[at]
    if (known === undefined) sizes.push(quantity)
    else if (known.unit.system === 'customary' && quantity.unit.system === 'metric')
      sizes[at] = quantity
    if (sizes.length > 2) break
  }
  return sizes
}

function isSame(one: number, other: number): boolean {
  return Math.abs(one - other) <= SAME_SIZE_TOLERANCE * Math.max(one, other)
}

function isConverted(one: Quantity, other: Quantity): boolean {
  if (one.unit.system === other.unit.system || !(one.isBracketed || other.isBracketed)) return false
  return Math.abs(one.size - other.size) <= CONVERTED_TOLERANCE * Math.max(one.size, other.size)
}

function multiply(text: TokenText, { quantity, multiplier }: Times): Pack {
  const span = {
    from: Math.min(quantity.from, multiplier.from),
    to: Math.max(quantity.to, multiplier.to),
  }
  return toPack(text, { quantity, count: multiplier, unitSize: quantity.size, span }, [
    'pack/count-times-unit',
    quantity.confidence,
  ])
}

function single(text: TokenText, quantity: Quantity): Pack {
  return toPack(text, { quantity, count: null, unitSize: quantity.size, span: quantity }, [
    'pack/weight',
    quantity.confidence,
  ])
}

/**
 * A weight beside a count is the total or that of one unit: `[Box of 6] (84g)` is six drip bags of
 * 14 g, `Case of 12 (340g)` is twelve bags of 340 g. It is a total where only the share is the
 * content of a serving, or of a bag for cold brew in a text that names such bags.
 */
function share(text: TokenText, quantity: Quantity, count: Count, partMax: number): Pack {
  const mayBeTotal = count.kind !== 'case' && !isEach(text.tokens, quantity, count)
  const holdsParts = [SERVING.max, partMax].some((max) => isDivided(quantity.size, count, max))
  const rule = mayBeTotal && holdsParts ? 'pack/total-of-servings' : 'pack/unit-of-count'
  return toShare(text, quantity, count, rule)
}

/** True if the weight exceeds the content of one part and its share does not. */
function isDivided(size: number, { kind, value }: Count, max: number): boolean {
  const part = size / value
  return part >= SERVING.min && part <= max && size > max && (kind === 'serving' || size < 10 * max)
}

function toShare(
  text: TokenText,
  quantity: Quantity,
  count: Count,
  rule: 'pack/total-and-unit' | 'pack/total-of-servings' | 'pack/unit-of-count',
): Pack {
  const unitSize = rule === 'pack/unit-of-count' ? quantity.size : quantity.size / count.value
  const span = { from: Math.min(quantity.from, count.from), to: Math.max(quantity.to, count.to) }
  const confidence = rule === 'pack/total-and-unit' ? 1 : 0.7
  return toPack(text, { quantity, count, unitSize, span }, [rule, confidence])
}

/** `10 bags of 250g`, `100g each`: the words say that the weight is that of one unit. */
function isEach(tokens: readonly Token[], quantity: Quantity, count: Count): boolean {
  const isOf = count.to === quantity.from - 1 && OF.has(tokens[count.to]?.text ?? '')
  return isOf || EACH.has(tokens[quantity.to]?.text ?? '')
}

const OF = toWordSet('of de a von da di po')
const EACH = toWordSet('each per apiece je jeweils chacun cada ciascuno kazda')

interface PackParts {
  readonly quantity: Quantity
  readonly count: Count | null
  readonly unitSize: number
  readonly span: Span
}

function toPack(
  text: TokenText,
  { quantity, count, unitSize, span }: PackParts,
  [rule, confidence]: readonly [string, number],
): Pack {
  const content = {
    dimension: quantity.unit.dimension,
    unitSize,
    totalSize: unitSize * (count?.value ?? 1),
  }
  return {
    content: toFinding(text, content, { ...span, rule, confidence }),
    count: count && toCountFinding(text, count),
    reason: null,
  }
}

function unknown(
  text: TokenText,
  counts: readonly Count[],
  reason: Pack['reason'] = 'several-weights',
): Pack {
  const count = counts.find(({ kind }) => kind !== 'piece') ?? counts[0]
  return { content: null, count: count ? toCountFinding(text, count) : null, reason }
}

function toCountFinding(text: TokenText, count: Count): Finding<number> {
  return {
    value: count.value,
    raw: quoteTokens(text, count.from, count.to),
    rule: `count/${count.kind}`,
    confidence: count.kind === 'piece' ? 0.7 : 1,
  }
}
