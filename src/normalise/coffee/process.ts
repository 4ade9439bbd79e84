// Processing: the base (washed, natural, honey …) and what was done besides. A modifier such as
// anaerobic names the process; its base stands beside it.

import { coveredTokens, coverSpans, type Finding, type Span, toFinding } from '../finding.ts'
import { findPhrases, matchPhrase, type Match } from '../lexicon.ts'
import type { Token, TokenText } from '../tokens.ts'
import { findCountry, findRegion } from './origin.ts'
import {
  BASES,
  COFFEE_WORDS,
  DECAF_METHODS,
  DRYING,
  FERMENTATION,
  INOCULATION,
  JOINERS,
  MODIFIERS,
  NOT_AFTER,
  NOT_BEFORE,
  OWN_MODIFIERS,
  PROCESS_WORDS,
  TRADE_NAMES,
  type ProcessBase,
  type ProcessModifier,
  type DecafMethod,
} from './process-words.ts'
import { findVarieties } from './varieties.ts'

export interface Process {
  /** The modifier, or the base, or several bases; a decaf method only without either. */
  readonly name: ProcessBase | ProcessModifier | `decaf:${DecafMethod}` | readonly ProcessBase[]
  readonly base: ProcessBase | null
  readonly inoculated: 'yeast' | 'koji' | null
  readonly decafMethod: DecafMethod | null
}

/** A field of processes, a tag, the title or option of a product, or running text. */
export type ProcessField = 'own' | 'tag' | 'title' | 'text'

/** Returns the process that a text states. */
export function findProcess(text: TokenText, field: ProcessField): Finding<Process> | null {
  const { tokens } = text
  const isOwn = field === 'own'
  const all = findPhrases(tokens, BASES)
  const context = { field, isCoffee: field === 'title' && namesCoffee(text) }
  const bases = all.filter((base) => isOwn || isBase(tokens, base, context))
  const implied = [...findPhrases(tokens, TRADE_NAMES), ...findPhrases(tokens, DRYING)]
  const drying = bases.length === 0 ? implied : []
  const taken = coveredTokens(bases)
  const named = findPhrases(tokens, MODIFIERS).filter(
    (modifier) => !taken.has(modifier.from) && isModifier(tokens, modifier, field),
  )
  if (isOwn || context.isCoffee) named.push(...findShortNames(text, isOwn))
  const isUnnamed = named.length === 0 && bases.length === 0 && field !== 'text'
  const modifiers = isUnnamed ? findUnnamed(tokens, isOwn) : named
  const decaf = findDecafMethod(tokens, isOwn)
  const stated = [...bases, ...drying, ...modifiers, ...(decaf ? [decaf] : [])]
  if (stated.length === 0) return null
  if (modifiers.length === 0 && areAlternatives(tokens, bases)) return null
  const names = distinct([...bases, ...drying])
  const modifier = chooseModifier(modifiers)
  const process = toProcess(names, modifier, decaf?.value ?? null)
  if (process === null) return null
  const [deciding] =
    modifier === null ? stated : modifiers.filter(({ value }) => value === modifier)
  // Running text may speak of a process again, many sentences later.
  const main = field === 'text' && deciding ? [deciding] : stated
  const inoculation = findPhrases(tokens, INOCULATION).find(
    (one) => field !== 'text' || isNear(one, main[0]),
  )
  const spans = inoculation ? [...main, inoculation] : main
  return toFinding(
    text,
    { ...process, inoculated: inoculation?.value ?? null },
    {
      ...coverSpans(spans),
      rule: modifier ? 'process/modifier' : names.length > 0 ? 'process/base' : 'process/decaf',
      confidence: isOwn ? 1 : 0.9,
    },
  )
}

/** `Natural CM`; in a title, `cm` in small letters or behind a number is a length. */
function findShortNames({ raw, tokens }: TokenText, isOwn: boolean): Match<ProcessModifier>[] {
  return findPhrases(tokens, OWN_MODIFIERS).filter(({ value, from }) => {
    const [before, name] = [tokens[from - 1], tokens[from]]
    const isName = raw.slice(name?.start, name?.end) === 'CM' && before?.kind !== 'number'
    return value === 'carbonic_maceration' && (isOwn || isName)
  })
}

function findUnnamed(tokens: readonly Token[], isOwn: boolean): Match<ProcessModifier>[] {
  const short = isOwn ? findPhrases(tokens, OWN_MODIFIERS) : []
  return short.length > 0 ? short : findPhrases(tokens, FERMENTATION)
}

function toProcess(
  names: readonly ProcessBase[],
  modifier: ProcessModifier | null,
  decafMethod: DecafMethod | null,
): Omit<Process, 'inoculated'> | null {
  const [base = null, ...others] = names
  const single = others.length === 0 ? base : null
  if (modifier !== null) return { name: modifier, base: single, decafMethod }
  if (base !== null) return { name: others.length > 0 ? names : base, base: single, decafMethod }
  return decafMethod === null ? null : { name: `decaf:${decafMethod}`, base: null, decafMethod }
}

/** Words between a process and the yeast that belongs to it. */
const NEAR_WORDS = 24

function isNear(one: Span, other: Span | undefined): boolean {
  return other !== undefined && Math.max(one.from - other.to, other.from - one.to) <= NEAR_WORDS
}

/** `the washed or the unwashed method`: the text leaves open which one it is. */
function areAlternatives(tokens: readonly Token[], bases: readonly Match<ProcessBase>[]): boolean {
  return bases.some((base, at) => {
    const next = bases[at + 1]
    if (next === undefined || next.value === base.value) return false
    const between = tokens.slice(base.to, next.from)
    return between.length <= CONTEXT_WORDS && between.some(({ text }) => ALTERNATIVE.has(text))
  })
}

const ALTERNATIVE = new Set(['or', 'oder', 'ou', 'o', 'lub'])

/** Bases that are ordinary words, in running text and, for honey, also in titles. */
const ORDINARY: Readonly<Record<ProcessField, ReadonlySet<ProcessBase>>> = {
  own: new Set(),
  tag: new Set(),
  title: new Set(['honey']),
  text: new Set(['honey', 'natural', 'washed']),
}

interface BaseContext {
  readonly field: ProcessField
  /** True when a title names coffee by another word. */
  readonly isCoffee: boolean
}

/** A word counts unless the words beside it make it an ordinary one. */
function isBase(
  tokens: readonly Token[],
  base: Match<ProcessBase>,
  { field, isCoffee }: BaseContext,
): boolean {
  const [before, after] = [tokens[base.from - 1], tokens[base.to]]
  const isWord = base.to - base.from === 1
  const isOrdinary = base.value === 'honey' || base.value === 'natural'
  if (isOrdinary && before && NOT_BEFORE.has(before.text)) return false
  if (after && NOT_AFTER.has(after.text)) return isJoined(tokens, base)
  if (field === 'tag') return !(base.value === 'honey' && isWord)
  return !isWord || !ORDINARY[field].has(base.value) || isCoffee || isAboutProcess(tokens, base)
}

/** Words from a base to the word that explains it: `the natural method`, `Process : Honey`. */
const CONTEXT_WORDS = 4

function isCoffeeWord(token: Token | undefined): boolean {
  return token?.text === 'coffee' || token?.text === 'coffees'
}

/** `a washed coffee`, `a washed Ethiopian coffee`. */
function isAboutProcess(
  tokens: readonly Token[],
  { value, from, to }: Match<ProcessBase>,
): boolean {
  if (isCoffeeWord(tokens[to]) || (value === 'washed' && isCoffeeWord(tokens[to + 1]))) return true
  const [before, after] = [
    Math.max(0, from - CONTEXT_WORDS),
    Math.min(tokens.length, to + CONTEXT_WORDS),
  ]
  return (
    findPhrases(tokens, PROCESS_WORDS, { from: before, to: from }).length > 0 ||
    findPhrases(tokens, PROCESS_WORDS, { from: to, to: after }).length > 0
  )
}

/** A variety, an origin or a word such as espresso names coffee. */
function namesCoffee(text: TokenText): boolean {
  return (
    findPhrases(text.tokens, COFFEE_WORDS).length > 0 ||
    findVarieties(text, false) !== null ||
    findCountry(text) !== null ||
    findRegion(text) !== null
  )
}

/** In running text, `infused` and `lactic` describe a taste unless a process follows. */
function isModifier(
  tokens: readonly Token[],
  { value, to }: Match<ProcessModifier>,
  field: ProcessField,
): boolean {
  if (field !== 'text' || value !== 'experimental') return true
  return (
    findPhrases(tokens, PROCESS_WORDS, { from: to, to: Math.min(tokens.length, to + 1) }).length > 0
  )
}

/** `honey and natural`: the word after the joiner is a base as well. */
function isJoined(tokens: readonly Token[], { to }: Match<ProcessBase>): boolean {
  return JOINERS.has(tokens[to]?.text ?? '') && matchPhrase(tokens, BASES, to + 1) !== null
}

/** The most specific modifier names the process. */
const MODIFIER_ORDER: readonly ProcessModifier[] = [
  'carbonic_maceration',
  'double_fermented',
  'anaerobic',
  'experimental',
]

function chooseModifier(modifiers: readonly Match<ProcessModifier>[]): ProcessModifier | null {
  return MODIFIER_ORDER.find((name) => modifiers.some(({ value }) => value === name)) ?? null
}

/** Outside of a field of processes, `sugarcane` and `EA` count only beside a word for decaf. */
function findDecafMethod(tokens: readonly Token[], isOwn: boolean): Match<DecafMethod> | null {
  const methods = findPhrases(tokens, DECAF_METHODS)
  const method = methods[0] ?? null
  if (method === null || isOwn) return method
  const needsDecaf = method.value === 'ethyl_acetate' || method.value === 'co2'
  return !needsDecaf ||
    tokens.some(({ text }) => text.startsWith('dec') && /^deca?f|^descaf/.test(text))
    ? method
    : null
}

function distinct(matches: readonly Match<ProcessBase>[]): ProcessBase[] {
  return [...new Set(matches.map(({ value }) => value))]
}
