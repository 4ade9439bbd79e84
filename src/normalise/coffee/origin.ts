// Origin: country, region, estate and altitude.

import { coveredTokens, type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, matchPhrase, type LexiconEntry } from '../lexicon.ts'
import { toNumber } from '../numbers.ts'
import { quoteTokens, type Token, type TokenText } from '../tokens.ts'
import { COFFEE_COUNTRIES } from './places.ts'
import { toWordSet } from '../words.ts'

interface Region {
  readonly name: string
  readonly country: string
}

const COUNTRIES = compileLexicon(
  COFFEE_COUNTRIES.map(({ code, names }): LexiconEntry<string> => [code, names]),
)

const REGIONS = compileLexicon(
  COFFEE_COUNTRIES.flatMap(({ code, regions }) =>
    regions.map((region): LexiconEntry<Region> => {
      const [name = '', spellings = ''] = region.split(':')
      return [{ name: name.trim(), country: code }, spellings]
    }),
  ),
)

/** `South Indian filter`, `Mexican chocolate`: a country that is not an origin. */
const NOT_ORIGIN = compileLexicon([
  [
    true,
    `
      south indian | indian filter | thai tea | chinese tea | cuban style | vietnamese style |
      vietnamese phin | mexican chocolate | hawaiian shirt | malabar house
    `,
  ],
])

/** Words before a country that make it an origin in running text: not `Made in India`. */
const ORIGIN_LABELS = compileLexicon([
  [
    true,
    'origin | region | country | from | grown in | farm in | estate in | farms in | highlands of',
  ],
])
const LABEL_WORDS_MAX = 4

/**
 * Returns the only country that a text names, as an ISO 3166-1 code, or that of its region. In
 * running text, a country needs a label, because it may be that of the shop.
 */
export function findCountry(text: TokenText, needsLabel = false): Finding<string> | null {
  const { tokens } = text
  const excluded = coveredTokens(findPhrases(tokens, NOT_ORIGIN))
  const countries = findPhrases(tokens, COUNTRIES).filter(
    ({ from }) => !excluded.has(from) && (!needsLabel || isLabelled(tokens, from)),
  )
  const regions = findPhrases(tokens, REGIONS).map(({ value, ...span }) => ({
    value: value.country,
    ...span,
  }))
  const [first] = countries.length > 0 ? countries : regions
  if (first === undefined || [...countries, ...regions].some(({ value }) => value !== first.value))
    return null
  const isNamed = countries.length > 0
  return toFinding(text, first.value, {
    ...first,
    rule: isNamed ? 'country/name' : 'country/region',
    confidence: isNamed ? 1 : 0.9,
  })
}

function isLabelled(tokens: readonly Token[], at: number): boolean {
  const from = Math.max(0, at - LABEL_WORDS_MAX)
  return findPhrases(tokens, ORIGIN_LABELS, { from, to: at }).length > 0
}

/** Returns the first region that a text names. */
export function findRegion(text: TokenText): Finding<string> | null {
  const [first] = findPhrases(text.tokens, REGIONS)
  return first
    ? toFinding(text, first.value.name, { ...first, rule: 'region/name', confidence: 0.9 })
    : null
}

/** Estates that titles name without the word. */
const KNOWN_ESTATES = compileLexicon([
  ['Kerehaklu', 'kerehaklu'],
  ['Ratnagiri', 'ratnagiri'],
  ['Attikan', 'attikan'],
  ['Balanoor', 'balanoor'],
  ['Baarbara', 'baarbara | barbara estate'],
  ['Badra', 'badra'],
  ['Harley', 'harley'],
  ['Hoysala', 'hoysala'],
  ['Kalledevarapura', 'kalledevarapura'],
  ['Riverdale', 'riverdale'],
  ['Salawara', 'salawara'],
  ['Seethargundu', 'seethargundu'],
  ['Sethuraman', 'sethuraman'],
  ['Thogarihunkal', 'thogarihunkal'],
  ['Moganad', 'moganad'],
  ['Mooleh Manay', 'mooleh manay'],
  ['Poabs', 'poabs'],
  ['Hacienda La Esmeralda', 'hacienda la esmeralda | la esmeralda'],
])

const ESTATE_WORDS = new Set(['estate', 'estates', 'plantation', 'plantations'])
const ESTATE_PREFIXES = new Set(['finca', 'fazenda', 'hacienda'])
/** Words before `estate` that are not its name. */
const NOT_ESTATE = toWordSet('single family small real the of our from each one an a this every')
const NAME_WORDS_MAX = 4

/** Returns the name of the estate without the word: `Riverdale Estate` is Riverdale. */
export function findEstate(text: TokenText): Finding<string> | null {
  const { tokens } = text
  const places = coveredTokens([...findPhrases(tokens, COUNTRIES), ...findPhrases(tokens, REGIONS)])
  for (let at = 0; at < tokens.length; at++) {
    const word = tokens[at]?.text ?? ''
    const from = ESTATE_WORDS.has(word) ? findNameStart(tokens, at, places) : at
    if (from < at)
      return toFinding(text, quoteTokens(text, from, at), {
        from,
        to: at + 1,
        rule: 'estate/word',
        confidence: 0.9,
      })
    const to = ESTATE_PREFIXES.has(word) ? findNameEnd(tokens, at + 1) : at
    if (to > at + 1)
      return toFinding(text, quoteTokens(text, at, to), {
        from: at,
        to,
        rule: 'estate/prefix',
        confidence: 0.8,
      })
  }
  const [known] = findPhrases(tokens, KNOWN_ESTATES)
  return known
    ? toFinding(text, known.value, { ...known, rule: 'estate/known', confidence: 0.9 })
    : null
}

function findNameStart(tokens: readonly Token[], at: number, places: ReadonlySet<number>): number {
  let from = at
  while (from > 0 && at - from < NAME_WORDS_MAX && isNameWord(tokens[from - 1])) {
    if (tokens[from]?.before === '\n') break
    // A name of a place before the name of the estate; an estate may also bear the name of a place.
    if (places.has(from - 1) && from < at) break
    from--
  }
  return from
}

function findNameEnd(tokens: readonly Token[], from: number): number {
  let to = from
  while (to - from < NAME_WORDS_MAX - 1 && isNameWord(tokens[to]) && tokens[to]?.before === ' ')
    to++
  return to
}

function isNameWord(token: Token | undefined): boolean {
  return token?.kind === 'word' && token.text.length > 1 && !NOT_ESTATE.has(token.text)
}

/** Altitude in metres above sea level; one figure gives both ends. */
export interface Altitude {
  readonly min: number
  readonly max: number
}

const METRES_PER_FOOT = 0.3048
/** Coffee grows from the sea shore of Hawaii to 2,800 m in Yemen and Ecuador. */
const ALTITUDE = { min: 100, max: 3000 }
/** `100 m` in a title may be anything; above this, metres are an altitude. */
const TITLE_MIN = 600

const LENGTH_UNITS = compileLexicon<{ readonly metres: number; readonly isAltitude: boolean }>([
  [
    { metres: 1, isAltitude: true },
    `
      masl | m a s l | msnm | m s n m | mts | npm | meters above sea level |
      metres above sea level | metres asl | meters asl | m asl | m u m | m n p m | m ü m |
      m ü nn
    `,
  ],
  [
    { metres: 1, isAltitude: false },
    'm | mt | mtr | mtrs | metre | meter | metros | metri | メートル | 미터 | 米 | ｍ',
  ],
  [{ metres: METRES_PER_FOOT, isAltitude: true }, 'ft asl | feet asl | feet above sea level'],
  [{ metres: METRES_PER_FOOT, isAltitude: false }, 'ft | feet | foot'],
])

const ALTITUDE_LABELS = compileLexicon([
  [
    true,
    `
      altitude | elevation | altura | altitud | altitudine | hohe | anbauhohe | hoehe | wysokosc |
      標高 | 海拔 | 고도 | grown at
    `,
  ],
])

const RANGE_WORDS = new Set(['-', '/', 'to', 'a', '~', '〜', 'and', 'bis', 'do', '至', 'up'])

/** Returns the altitude that a text states. Both `1,600` and `1.600` are thousands here. */
export function findAltitude(text: TokenText, isOwn: boolean): Finding<Altitude> | null {
  const { tokens } = text
  for (let at = 0; at < tokens.length; at++) {
    const low = readHeight(tokens, at)
    if (low === null) continue
    const second = matchSecond(tokens, low.to)
    const unit = matchPhrase(tokens, LENGTH_UNITS, second?.to ?? low.to)
    if (!isOwn && !isStated(tokens, at, unit?.value ?? null, low.value)) continue
    const metres = unit?.value.metres ?? 1
    const ends = [low.value, second?.value ?? low.value].map((value) => Math.round(value * metres))
    const [min, max] = [Math.min(...ends), Math.max(...ends)]
    if (min < ALTITUDE.min || max > ALTITUDE.max) continue
    const to = unit?.to ?? second?.to ?? low.to
    return toFinding(
      text,
      { min, max },
      { from: at, to, rule: 'altitude/metres', confidence: unit ? 1 : 0.8 },
    )
  }
  return null
}

interface Height {
  readonly value: number
  readonly to: number
}

function readHeight(tokens: readonly Token[], at: number): Height | null {
  const token = tokens[at]
  if (token?.kind !== 'number') return null
  const hundreds = tokens[at + 1]
  // `1 700 m`: a space separates thousands.
  if (/^[12]$/.test(token.text) && hundreds?.before === ' ' && /^\d{3}$/.test(hundreds.text))
    return { value: Number(token.text + hundreds.text), to: at + 2 }
  const value = /^\d{1,2}[.,']\d{3}$/.test(token.text)
    ? Number(token.text.replace(/\D/, ''))
    : toNumber(token.text)
  return value !== null && value >= ALTITUDE.min ? { value, to: at + 1 } : null
}

/** `1,600 - 1.850`, `1250/2100`, `1600m to 1800m`. */
function matchSecond(tokens: readonly Token[], at: number): Height | null {
  const unit = matchPhrase(tokens, LENGTH_UNITS, at)
  const from = unit?.to ?? at
  if (tokens[from]?.before === '-') return readHeight(tokens, from)
  return RANGE_WORDS.has(tokens[from]?.text ?? '') ? readHeight(tokens, from + 1) : null
}

function isStated(
  tokens: readonly Token[],
  at: number,
  unit: { readonly isAltitude: boolean } | null,
  value: number,
): boolean {
  if (unit?.isAltitude === true) return true
  for (let back = at - 1; back >= 0 && back >= at - 4; back--)
    if (matchPhrase(tokens, ALTITUDE_LABELS, back) !== null) return true
  return unit !== null && value >= TITLE_MIN && tokens[at]?.before !== '-'
}
