// Species and their shares: `80% Arabica 20% Robusta`. Shares count only if they add up to 100.

import { coverSpans, type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, type Match } from '../lexicon.ts'
import { toNumber } from '../numbers.ts'
import type { Token, TokenText } from '../tokens.ts'

/** Chicory is not a species of coffee, but a part of many blends in India and France. */
export type Species = 'arabica' | 'robusta' | 'liberica' | 'excelsa' | 'coffee' | 'chicory'

/** One species, shares in percent, or the species of a blend without stated shares. */
export type SpeciesContent =
  | Species
  | Readonly<Partial<Record<Species, number>>>
  | readonly Species[]

const SPECIES = compileLexicon<Species>([
  [
    'arabica',
    'arabica | arabicas | arabika | アラビカ | アラビカ種 | 아라비카 | 阿拉比卡 | арабика',
  ],
  [
    'robusta',
    'robusta | robustas | canephora | fine robusta | conilon | ロブスタ | 로부스타 | 罗布斯塔 | робуста',
  ],
  ['liberica', 'liberica | barako'],
  ['excelsa', 'excelsa'],
  ['chicory', 'chicory | chicoree | zichorie | cichorie'],
])
const WITH_COFFEE = compileLexicon<Species>([
  ['coffee', 'coffee'],
  ['chicory', 'chicory | chicoree | zichorie'],
])

interface Share {
  readonly percent: number
  readonly species: Match<Species>
  readonly from: number
  readonly to: number
}

/** Field names such as `arabica_robusta` give the species of `60/40`. */
export function findSpecies(
  text: TokenText,
  order: readonly Species[] = [],
): Finding<SpeciesContent> | null {
  const { tokens } = text
  const named = findPhrases(tokens, SPECIES).filter((species) => !isNegated(tokens, species))
  if (named.length === 0) return findListedShares(text, order)
  const hasSpecies = named.some(({ value }) => value !== 'chicory')
  const shares = findShares(tokens, hasSpecies ? named : findPhrases(tokens, WITH_COFFEE))
  if (shares.length > 1 && sumOf(shares) === 100) return toShareFinding(text, shares)
  return hasSpecies ? toNameFinding(text, named, shares) : null
}

/** The names alone; `50% Robusta` says that there is another species, but not which one. */
function toNameFinding(
  text: TokenText,
  named: readonly Match<Species>[],
  shares: readonly Share[],
): Finding<SpeciesContent> | null {
  const [name, ...others] = new Set(named.map(({ value }) => value))
  const isPartial = shares.length > 0 && sumOf(shares) !== 100
  if (name === undefined || (isPartial && others.length === 0)) return null
  return toFinding(text, others.length === 0 ? name : [name, ...others], {
    ...coverSpans([...named, ...shares]),
    rule: 'species/name',
    confidence: shares.length > 0 ? 1 : 0.9,
  })
}

function toShareFinding(text: TokenText, shares: readonly Share[]): Finding<SpeciesContent> {
  const content = Object.fromEntries(shares.map(({ species, percent }) => [species.value, percent]))
  return toFinding(text, content, { ...coverSpans(shares), rule: 'species/shares', confidence: 1 })
}

/** `60/40` and `60:40` in a field of that name; `100` alone is all of the first species. */
function findListedShares(
  text: TokenText,
  order: readonly Species[],
): Finding<SpeciesContent> | null {
  const numbers = text.tokens.flatMap(({ kind, text: digits }, at) =>
    kind === 'number' ? [{ value: toNumber(digits) ?? 0, at }] : [],
  )
  if (order.length === 0 || numbers.length === 0 || numbers.length > order.length) return null
  if (numbers.reduce((sum, { value }) => sum + value, 0) !== 100) return null
  const stated = order.flatMap((name, index): [Species, number][] => {
    const percent = numbers[index]?.value ?? 0
    return percent > 0 ? [[name, percent]] : []
  })
  const [only] = stated
  const content = stated.length === 1 && only ? only[0] : Object.fromEntries(stated)
  const span = { from: numbers[0]?.at ?? 0, to: (numbers.at(-1)?.at ?? 0) + 1 }
  return toFinding(text, content, { ...span, rule: 'species/field', confidence: 1 })
}

/** Pairs numbers with species: all before, `80% Arabica`, or all behind, `Arabica 80%`. */
function findShares(tokens: readonly Token[], species: readonly Match<Species>[]): Share[] {
  const before = species.flatMap((one) => toShare(tokens, one, findPercentBefore(tokens, one)))
  const after = species.flatMap((one) => toShare(tokens, one, findPercentAfter(tokens, one)))
  const listed = before.length > 0 || after.length > 0 ? [] : findRatio(tokens, species)
  return [before, after, listed].find((shares) => sumOf(shares) === 100) ?? before
}

function toShare(
  tokens: readonly Token[],
  species: Match<Species>,
  place: { readonly number: number; readonly from: number; readonly to: number } | null,
): Share[] {
  const percent = place && toNumber(tokens[place.number]?.text ?? '')
  if (!place || percent === null || !(percent > 0 && percent <= 100)) return []
  return [
    {
      percent,
      species,
      from: Math.min(place.from, species.from),
      to: Math.max(place.to, species.to),
    },
  ]
}

function findPercentBefore(
  tokens: readonly Token[],
  { from }: Match<Species>,
): ReturnType<typeof percentAt> {
  return percentAt(tokens, from - 2) ?? percentAt(tokens, from - 3)
}

function findPercentAfter(
  tokens: readonly Token[],
  { to }: Match<Species>,
): ReturnType<typeof percentAt> {
  const skipped = [':', '(', '-', '=', '~'].includes(tokens[to]?.text ?? '') ? 1 : 0
  return percentAt(tokens, to + skipped)
}

function percentAt(
  tokens: readonly Token[],
  at: number,
): { readonly number: number; readonly from: number; readonly to: number } | null {
  const isPercent = tokens[at]?.kind === 'number' && tokens[at + 1]?.text === '%'
  return isPercent ? { number: at, from: at, to: at + 2 } : null
}

/** `Arabica/Robusta 70/30` and `60:40 Arabica Robusta`: as many numbers as species, in one row. */
function findRatio(tokens: readonly Token[], species: readonly Match<Species>[]): Share[] {
  if (species.length < 2) return []
  for (let at = 0; at < tokens.length; at++) {
    const numbers = species.map((_, index) => at + index * 2)
    const isRow = numbers.every(
      (number, index) =>
        tokens[number]?.kind === 'number' && (index === 0 || isDivider(tokens[number - 1])),
    )
    if (!isRow) continue
    const shares = species.flatMap((one, index) => {
      const number = numbers[index] ?? 0
      return toShare(tokens, one, { number, from: number, to: number + 1 })
    })
    if (sumOf(shares) === 100) return shares
  }
  return []
}

function isDivider(token: Token | undefined): boolean {
  return token?.text === '/' || token?.text === ':' || token?.text === '-'
}

function sumOf(shares: readonly Share[]): number {
  return shares.reduce((sum, { percent }) => sum + percent, 0)
}

/** `no robusta`, `robusta-free`. */
function isNegated(tokens: readonly Token[], { from, to }: Match<Species>): boolean {
  const before = tokens[from - 1]?.text ?? ''
  return (
    ['no', 'without', 'zero', 'ohne', 'sans', 'sin', 'bez'].includes(before) ||
    tokens[to]?.text === 'free'
  )
}
