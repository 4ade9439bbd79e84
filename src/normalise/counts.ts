// Finds stated numbers of packs and pieces: `Pack of 3`, `6-Pack`, `10 sachets`, `250 g x 2`.

import type { Span } from './finding.ts'
import { compileLexicon, matchPhrase } from './lexicon.ts'
import { NUMBER_WORDS } from './numbers.ts'
import type { Quantity } from './quantities.ts'
import type { Token } from './tokens.ts'
import { matchUnit } from './units.ts'
import { toWordSet } from './words.ts'

/** A stated number of packs. */
export interface Count extends Span {
  readonly value: number
  /**
   * `times`: multiplies the quantity beside it. `case` and `pack`: a container of that many.
   * `serving`: so many pieces for one cup each. `piece`: so many of anything.
   */
  readonly kind: 'times' | 'case' | 'pack' | 'serving' | 'piece'
}

const COUNT_MAX = 1000

const CONTAINERS = compileLexicon<'case' | 'pack'>([
  ['case', 'case | carton | karton | crate | tray | kiste | caja | cartone'],
  [
    'pack',
    `
      pack | packs | pk | packet | multipack | box | boxes | set | bundle | lot | packung | pckg |
      coffret | boite | estuche | confezione | confezioni | paquete | paquet |
      packungen | opakowanie | opakowania | opakowan | pakken | zestaw |
      セット | 팩 | 세트
    `,
  ],
])

const LINKS = new Set(['of', 'de', 'a', 'mit', 'von', 'da', 'di', 'po', 'with', ':'])

const PIECES = compileLexicon<'serving' | 'piece'>([
  [
    'serving',
    `
      sachet | bag | drip bag | brew bag | coffee bag | pod | capsule | kapsel | kapseln |
      kapsulek | capsula | capsulas | dosette | stick | saszetek | beutel | drip pack | 袋 | 包 |
      包入 | 袋入 | ドリップバッグ | 티백 | 캡슐
    `,
  ],
  [
    'piece',
    `
      count | ct | pc | pcs | piece | sztuk | szt | stuck | stk | unit | uds | ud | unidades |
      pieces | pezzi | pz | can | bottle | filter | filters | papers | sheets | tin | jar | mug |
      pack | 個 | 枚 | 本 | 個入 | 枚入 | 本入 | 개 | 개입 | 입 | 杯分 | шт
    `,
  ],
])

/** Words between the number and its noun: `10 Nespresso compatible capsules`. */
const ADJECTIVES = toWordSet(`
    drip brew coffee cold nespresso compatible aluminium aluminum instant single serve steeped
    filter x
  `)
const ADJECTIVES_MAX = 3

const COUNT_WORDS: ReadonlyMap<string, number> = new Map([
  ...NUMBER_WORDS,
  ['twin', 2],
  ['double', 2],
  ['triple', 3],
  ['duo', 2],
])

/** Lists the stated counts in the order of the text; those beside a quantity multiply it. */
export function findCounts(tokens: readonly Token[], quantities: readonly Quantity[]): Count[] {
  const inQuantity = new Set(quantities.flatMap(({ from, to }) => range(from, to)))
  const counts: Count[] = []
  for (let at = 0; at < tokens.length;) {
    const count = inQuantity.has(at) ? null : matchCount(tokens, at)
    if (count !== null) counts.push(count)
    at = count?.to ?? at + 1
  }
  return counts
}

/**
 * Returns the count that multiplies a quantity: `2 x 250g`, `250g x 2`, `10 bags x 12 g`,
 * `Two 12 oz Bags`.
 */
export function findMultiplier(tokens: readonly Token[], { from, to }: Quantity): Count | null {
  const before = from - 1
  if (isTimes(tokens[before])) {
    const noun = tokens[before - 1]?.kind === 'word' ? 1 : 0
    const value = toCount(tokens, before - 1 - noun)
    if (value !== null) return { kind: 'times', value, from: before - 1 - noun, to: from }
  }
  const word = toWordCount(tokens, before)
  const noun = matchPhrase(tokens, PIECES, to) ?? matchPhrase(tokens, CONTAINERS, to)
  if (word !== null && noun) return { kind: 'times', value: word, from: before, to: noun.to }
  const after = isTimes(tokens[to]) ? toCount(tokens, to + 1) : null
  const isPlain = matchUnit(tokens, to + 2) === null || tokens[to + 2]?.before === '\n'
  return after !== null && isPlain ? { kind: 'times', value: after, from: to, to: to + 2 } : null
}

function isTimes(token: Token | undefined): boolean {
  return token?.text === 'x' || token?.text === '*' || token?.text === 'х'
}

function matchCount(tokens: readonly Token[], at: number): Count | null {
  return matchContainerOf(tokens, at) ?? matchCounted(tokens, at) ?? matchTimes(tokens, at)
}

/** `x10` behind a name; `100x70` are sizes. */
function matchTimes(tokens: readonly Token[], at: number): Count | null {
  const isLast = tokens[at + 2] === undefined || tokens[at + 2]?.kind === 'symbol'
  const isMeasure = tokens[at - 1]?.kind === 'number' || tokens[at + 1]?.before !== ''
  const value = isTimes(tokens[at]) && isLast && !isMeasure ? toCount(tokens, at + 1) : null
  return value === null ? null : { kind: 'piece', value, from: at, to: at + 2 }
}

/**
 * `Pack of 3`, `Lot de 3`, `Box: 10`; the number must not belong to a unit, as in `Box of 250g`.
 */
function matchContainerOf(tokens: readonly Token[], at: number): Count | null {
  const container = matchPhrase(tokens, CONTAINERS, at)
  if (!container || !LINKS.has(tokens[container.to]?.text ?? '')) return null
  const number = container.to + 1
  const value = toCount(tokens, number) ?? toWordCount(tokens, number)
  if (value === null || matchUnit(tokens, number + 1) !== null) return null
  if (isTimes(tokens[number + 1]) && tokens[number + 2]?.kind === 'number') return null
  return { kind: container.value, value, from: at, to: number + 1 }
}

/** `6-Pack`, `3er-Pack`, `twin pack`, `10 drip bags`, `45 pcs`. */
function matchCounted(tokens: readonly Token[], at: number): Count | null {
  const value = toCount(tokens, at) ?? toWordCount(tokens, at)
  if (value === null || isOrdinal(tokens, at) || isShare(tokens, at)) return null
  let noun = at + 1
  if (tokens[noun]?.text === 'er') noun++
  for (let skipped = 0; skipped <= ADJECTIVES_MAX; skipped++, noun++) {
    if (tokens[noun]?.before === '\n') return null
    const container = matchPhrase(tokens, CONTAINERS, noun)
    if (container) return { kind: container.value, value, from: at, to: container.to }
    const piece = tokens[at]?.kind === 'number' ? matchPhrase(tokens, PIECES, noun) : null
    if (piece) return { kind: piece.value, value, from: at, to: piece.to }
    if (!ADJECTIVES.has(tokens[noun]?.text ?? '')) return null
  }
  return null
}

/** `#62`, `No. 5`, `V60`: part of a name. */
function isOrdinal(tokens: readonly Token[], at: number): boolean {
  const previous = tokens[at - 1]
  if (previous === undefined) return false
  if (previous.text === '#' || previous.text === 'no' || previous.text === 'lot') return true
  return previous.kind === 'word' && /^[a-z]/.test(previous.text) && tokens[at]?.before !== ' '
}

/** `80-20 filter coffee`, `70:30`: the shares of a blend. */
function isShare(tokens: readonly Token[], at: number): boolean {
  const isTight = tokens[at]?.before === '-'
  const isDivided = isTight || [':', '/', '-'].includes(tokens[at - 1]?.text ?? '')
  const other = tokens[isTight ? at - 1 : at - 2]
  const sum = Number(other?.text) + Number(tokens[at]?.text)
  return isDivided && other?.kind === 'number' && sum === 100
}

function toCount(tokens: readonly Token[], at: number): number | null {
  const token = tokens[at]
  if (token?.kind !== 'number' || !/^\d{1,4}$/.test(token.text)) return null
  const value = Number(token.text)
  return value >= 1 && value <= COUNT_MAX ? value : null
}

function toWordCount(tokens: readonly Token[], at: number): number | null {
  return COUNT_WORDS.get(tokens[at]?.text ?? '') ?? null
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}
