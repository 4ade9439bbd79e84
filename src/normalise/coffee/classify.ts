// Decides first whether a text names coffee, and which kind of product it is. Most of a coffee
// shop's catalogue is not coffee, and names of processes and varieties appear on chocolate and
// T-shirts.

import { findCounts } from '../counts.ts'
import { type Evidence, type Finding, toFinding } from '../finding.ts'
import { findPhrases, type Match } from '../lexicon.ts'
import { findQuantities } from '../quantities.ts'
import type { Token, TokenText } from '../tokens.ts'
import { findDate, findNamedEvent } from './events.ts'
import { findGrinds } from './grind.ts'
import { KIND_LEXICON, MAYBE_IN_NAMES, type KindSignal, type ProductKind } from './kinds.ts'
import { findCountry, findRegion } from './origin.ts'
import { findProcess } from './process.ts'
import { findVarieties } from './varieties.ts'

/** The kind of a product; `isCoffee` is null where the text names no kind. */
export interface Classification {
  readonly isCoffee: boolean | null
  readonly kind: ProductKind | null
}

/** A variant or an option states the form of a coffee that is named elsewhere. */
export type ClassifiedField = 'title' | 'option' | 'text'

/** Returns the kind with the words that decided it, or null if no word does. */
export function classify(text: TokenText, field: ClassifiedField): Finding<Classification> | null {
  const signals = findPhrases(text.tokens, KIND_LEXICON)
  if (field === 'text') return classifyText(text, signals)
  if (field === 'option')
    return (
      classifyDecisive(text, signals) ??
      classifyOption(text, signals) ??
      toCourse(text, findDate(text.tokens)) ??
      classifyMultipack(text)
    )
  return (
    classifyDecisive(text, signals) ??
    toCourse(text, findNamedEvent(text.tokens)) ??
    classifyGoods(text, signals) ??
    toCourse(text, findDate(text.tokens)) ??
    classifyMultipack(text)
  )
}

/** Running text mentions cups and chocolate: only a recipe for tea decides. */
function classifyText(text: TokenText, signals: readonly Signal[]): Finding<Classification> | null {
  const tea = signals.find(({ value }) => value.group === 'goods' && value.kind === 'tea')
  const isAboutTea =
    tea && !signals.some(({ value }) => value.group === 'coffee' || value.group === 'form')
  return isAboutTea
    ? toClassification(
        text,
        { isCoffee: false, kind: 'tea' },
        { ...tea, rule: 'kind/tea', confidence: 0.7 },
      )
    : null
}

type Signal = Match<KindSignal>

/** A subscription or a gift may contain coffee; only a word for coffee says what it contains. */
function isCoffeeInside(kind: ProductKind, hasWord: boolean): boolean | null {
  if (kind === 'subscription') return hasWord ? true : null
  return kind === 'gift' && hasWord ? null : false
}

function classifyDecisive(
  text: TokenText,
  signals: readonly Signal[],
): Finding<Classification> | null {
  const decisive = signals.find(({ value }) => value.group === 'decisive')
  if (!decisive || decisive.value.group !== 'decisive') return null
  const { kind } = decisive.value
  const isCoffee = isCoffeeInside(kind, hasStrongWord(signals))
  return toClassification(
    text,
    { isCoffee, kind },
    { ...decisive, rule: 'kind/name', confidence: 0.9 },
  )
}

/**
 * Goods win over words for coffee, unless they belong to its name: `Chocolate Bomb Espresso Blend`.
 */
function classifyGoods(
  text: TokenText,
  signals: readonly Signal[],
): Finding<Classification> | null {
  const process = findProcess(text, 'title')
  const goods = signals.filter(
    (signal) => signal.value.group === 'goods' && !(process && isHoney(text.tokens, signal)),
  )
  const all = goods.filter((good) => !mayBeInName(text.tokens, good))
  const sure = all.find(({ value }) => value.group === 'goods' && value.kind === 'supply') ?? all[0]
  const good = sure ?? (isAboutCoffee(text, signals, goods) ? undefined : goods.at(-1))
  if (good && good.value.group === 'goods' && !isBrewingAdvice(text.tokens, good))
    return toClassification(
      text,
      { isCoffee: false, kind: good.value.kind },
      { ...good, rule: 'kind/goods', confidence: sure ? 0.9 : 0.7 },
    )
  return classifyCoffee(text, signals)
}

function classifyCoffee(
  text: TokenText,
  signals: readonly Signal[],
): Finding<Classification> | null {
  const form = signals.find(({ value }) => value.group === 'form')
  if (form && form.value.group === 'form')
    return toClassification(
      text,
      { isCoffee: true, kind: form.value.kind },
      { ...form, rule: 'kind/form', confidence: 1 },
    )
  const word = signals.find(({ value }) => value.group === 'coffee' && value.strength === 'strong')
  if (word)
    return toClassification(
      text,
      { isCoffee: true, kind: 'roasted' },
      { ...word, rule: 'kind/coffee-word', confidence: 0.9 },
    )
  return classifyAttributes(text)
}

/** A variety, a process or an origin names a coffee where nothing else is named. */
function classifyAttributes(text: TokenText): Finding<Classification> | null {
  const attribute =
    findVarieties(text, false) ??
    findProcess(text, 'title') ??
    findCountry(text) ??
    findRegion(text)
  return (
    attribute && {
      value: { isCoffee: true, kind: 'roasted' },
      raw: attribute.raw,
      rule: 'kind/attribute',
      confidence: 0.7,
    }
  )
}

/** In an option, a brewer is a grind, and a grind means coffee. */
function classifyOption(
  text: TokenText,
  signals: readonly Signal[],
): Finding<Classification> | null {
  const grinds = findGrinds(text, 'option')
  const good = signals.find(({ value }) => value.group === 'goods')
  if (grinds) {
    const isWhole = grinds.value.length === 1 && grinds.value[0] === 'whole'
    const form = FORM_OF_GRIND[grinds.value[0] ?? ''] ?? (isWhole ? 'beans' : 'ground')
    return { ...grinds, value: { isCoffee: true, kind: form }, rule: 'kind/grind', confidence: 0.9 }
  }
  if (good) return classifyGoods(text, signals)
  return classifyCoffee(text, signals)
}

const FORM_OF_GRIND: Readonly<Record<string, ProductKind>> = {
  drip_bag: 'drip_bag',
  brew_bag: 'brew_bag',
  capsule: 'capsule',
}

function toCourse(text: TokenText, event: Evidence | null): Finding<Classification> | null {
  return event && toClassification(text, { isCoffee: false, kind: 'course' }, event)
}

/** Numbers of cans and bottles that are sold together. */
const MULTIPACKS = new Set([4, 6, 8, 12, 16, 24])

/** `6-Pack` without a weight is how drinks are sold; bags of coffee come as `Pack of 2`. */
function classifyMultipack(text: TokenText): Finding<Classification> | null {
  const { tokens } = text
  const quantities = findQuantities(tokens)
  if (quantities.some(({ unit }) => unit.dimension === 'mass')) return null
  const pack = findCounts(tokens, quantities).find(
    ({ kind, value, from }) =>
      kind === 'pack' && MULTIPACKS.has(value) && tokens[from]?.kind === 'number',
  )
  if (!pack) return null
  const evidence = { ...pack, rule: 'kind/multipack', confidence: 0.5 }
  return toClassification(text, { isCoffee: false, kind: 'drink' }, evidence)
}

function hasStrongWord(signals: readonly Signal[]): boolean {
  return signals.some(
    ({ value }) =>
      value.group === 'form' || (value.group === 'coffee' && value.strength === 'strong'),
  )
}

function isAboutCoffee(
  text: TokenText,
  signals: readonly Signal[],
  goods: readonly Signal[],
): boolean {
  if (hasHead(text.tokens, signals, goods)) return false
  if (hasStrongWord(signals)) return true
  return signals.some(({ value }) => value.group === 'coffee') && classifyAttributes(text) !== null
}

/**
 * The last noun of an English name is its head: `Espresso Cups`, `Single Origin Dark Chocolate`.
 * After `blend`, `roast` or `beans`, the name of the coffee is complete.
 */
function hasHead(
  tokens: readonly Token[],
  signals: readonly Signal[],
  goods: readonly Signal[],
): boolean {
  const isGood = new Set(goods)
  const lastCoffee = signals.findLastIndex(
    ({ value }) => value.group === 'coffee' || value.group === 'form',
  )
  return signals.some((good, index) => {
    if (!isGood.has(good)) return false
    if (COMPANY.has(tokens[skipShare(tokens, good.to)]?.text ?? '')) return true
    const before = signals[index - 1]
    if (before?.to !== good.from || before.value.group !== 'coffee') return false
    const isComplete = COMPLETE.has(tokens[before.to - 1]?.text ?? '')
    return !isComplete && tokens[good.from]?.before !== '\n' && lastCoffee < index
  })
}

/** `Dark Chocolate 70% with …`: the place after a share. */
function skipShare(tokens: readonly Token[], at: number): number {
  if (tokens[at]?.kind !== 'number') return at
  return tokens[at + 1]?.text === '%' ? at + 2 : at + 1
}

/** `Dark Chocolate with Coffee`, `Canister for Coffee`. */
const COMPANY = new Set([
  'with',
  'mit',
  'con',
  'au',
  'aux',
  'z',
  'for',
  'fur',
  'para',
  'per',
  'dla',
])

const COMPLETE = new Set(['blend', 'roast', 'roasted', 'beans', 'bean', 'estate', 'lot'])

/** Honey is food, unless it is the process of a coffee. */
function isHoney(tokens: readonly Token[], { from, to }: Signal): boolean {
  return to - from === 1 && tokens[from]?.text === 'honey'
}

function mayBeInName(tokens: readonly Token[], { from, to }: Signal): boolean {
  const words = tokens.slice(from, to).map(({ text }) => text)
  return MAYBE_IN_NAMES.has(words.join('-'))
}

/** `Coffee for French press`: the brewer is advice. */
function isBrewingAdvice(tokens: readonly Token[], { from, value }: Signal): boolean {
  const isGear = value.group === 'goods' && value.kind === 'gear'
  return isGear && [1, 2].some((back) => tokens[from - back]?.text === 'for')
}

function toClassification(
  text: TokenText,
  value: Classification,
  evidence: Evidence,
): Finding<Classification> {
  return toFinding(text, value, evidence)
}
