// Roast level and roast style. Espresso, filter and omni are uses of a coffee, not levels, and
// `dark chocolate` and `acidity-medium` say nothing about the roast.

import { type Finding, type Span, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, type Match } from '../lexicon.ts'
import type { Token, TokenText } from '../tokens.ts'

export type RoastLevel = 'light' | 'light_medium' | 'medium' | 'medium_dark' | 'dark'
export type RoastStyle = 'espresso' | 'filter' | 'omni'

/**
 * Phrases that state a level by themselves; names of the trade follow the usual scale of roasters.
 */
const NAMED = compileLexicon<RoastLevel>([
  [
    'light',
    `
      nordic roast | cinnamon roast | scandinavian roast | blonde roast | blond roast |
      helle rostung | torrefaction claire | torra clara | tueste claro | tostatura chiara |
      lichte branding | jasno palona | jasno palone | jasne palenie | ljusrost | vaalea paahto |
      浅煎り | 浅烘 | 浅焙 | 浅度烘焙 | ライトロースト | 약배전 | 라이트 로스트 | 라이트로스트
    `,
  ],
  [
    'light_medium',
    '中浅煎り | 中浅烘 | 中浅焙 | 浅中焙 | 浅中烘 | 中浅度烘焙 | 약중배전 | 중약배전 | new england roast',
  ],
  [
    'medium',
    `
      city roast | city + | city + roast | mittlere rostung | torrefaction moyenne | torra media |
      tueste medio | tostatura media | medium branding | srednio palona | srednio palone |
      srednie palenie | mellanrost | 中煎り | 中烘 | 中焙 | 中度烘焙 | ミディアムロースト | ハイロースト | シティロースト | 중배전 |
      미디엄 로스트
    `,
  ],
  [
    'medium_dark',
    `
      vienna roast | viennese roast | full city | full city roast | 中深煎り | 中深烘 | 中深焙 | 中深度烘焙 |
      フルシティロースト | 중강배전 | 강중배전
    `,
  ],
  [
    'dark',
    `
      french roast | italian roast | spanish roast | dunkle rostung | torrefaction foncee |
      torra escura | tueste oscuro | tueste intenso | tostatura scura | donkere branding |
      ciemno palona | ciemno palone | ciemne palenie | morkrost | tumma paahto | 深煎り | 深烘 | 深焙 |
      深度烘焙 | フレンチロースト | イタリアンロースト | 강배전 | 다크 로스트
    `,
  ],
])

/** Words for a level, which need the word roast beside them. */
const LEVELS = compileLexicon<RoastLevel>([
  [
    'light',
    `
      light | extra light | very light | lightly | hell | claire | clair | claro | clara |
      chiara | jasny
    `,
  ],
  [
    'light_medium',
    `
      light medium | medium light | light to medium | medium to light | light/medium | medium/light |
      light - medium | medium - light | lightmedium | srednio jasny | srednio jasna |
      srednio jasne | srednio jasno | jasno sredni | mittel hell | mittelhell | medio claro |
      media clara | medio chiara | mi claire
    `,
  ],
  ['medium', 'medium | mittel | moyenne | medio | media | sredni | mid'],
  [
    'medium_dark',
    `
      medium dark | dark medium | medium to dark | dark to medium | medium/dark | dark/medium | medium - dark |
      mediumdark |
      srednio ciemny | srednio ciemna | srednio ciemne | srednio ciemno | mittel dunkel |
      mitteldunkel | medio oscuro | media escura | medio scura | moyenne foncee | mi foncee
    `,
  ],
  [
    'dark',
    'dark | extra dark | very dark | darkly | dunkel | foncee | fonce | oscuro | scura | ciemny',
  ],
])

/** Names of the trade in a field of roast levels, where the word roast is left out. */
const OWN_NAMES = compileLexicon<RoastLevel>([
  [
    'light',
    `
      nordic | cinnamon | scandinavian | blonde | blond | jasna | jasne | jasno | ライト | 浅 | 라이트
    `,
  ],
  ['light_medium', 'new england'],
  [
    'medium',
    'city | city + | american | srednia | srednie | ミディアム | ハイ | シティ | 中 | 미디엄 | 미디움',
  ],
  [
    'medium_dark',
    'vienna | viennese | full city | full city + | フルシティ | 풀시티 | 미디엄 다크',
  ],
  [
    'dark',
    `
      french | italian | spanish | neapolitan | ciemna | ciemne | ciemno | ダーク | フレンチ |
      イタリアン | 深 | 다크
    `,
  ],
])

const STYLES = compileLexicon<RoastStyle>([
  ['espresso', 'espresso | エスプレッソ | 에스프레소'],
  ['filter', 'filter | drip | przelew | pour over | filtre | filtro | フィルター | 필터'],
  ['omni', 'omni | omniroast | omni roast | all purpose'],
])

const ROAST = compileLexicon([
  [
    true,
    `
      roast | roasted | roasting | rostung | gerostet | rostgrad | torrefaction | torrefie |
      torra | tueste | tostado | tostatura | branding | palenie | palona | rost | 焙煎度 | 焙煎 | 烘焙 |
      로스팅 | 배전도
    `,
  ],
])

/** Words between `roast` and its level: `Roast level: medium`. */
const LINKS = new Set([
  'level',
  'degree',
  'profile',
  'type',
  ':',
  '-',
  '=',
  '|',
  'for',
  'is',
  'to',
  'style',
])
const LINKS_MAX = 2

/** `own` is a field of roast levels, which needs one word only. */
export type RoastField = 'own' | 'tag' | 'text'

/** Returns the only roast level that a text states. */
export function findRoastLevel(text: TokenText, field: RoastField): Finding<RoastLevel> | null {
  const { tokens } = text
  const named = [
    ...findPhrases(tokens, NAMED),
    ...(field === 'own' && findPhrases(tokens, NAMED).length === 0
      ? findPhrases(tokens, OWN_NAMES)
      : []),
  ]
  const levels = findPhrases(tokens, LEVELS)
  const stated =
    field === 'own'
      ? levels
      : levels.filter((level) => isAtRoast(tokens, level) || isWholeTag(field, tokens, level))
  const found = [...named, ...stated]
  const [first, second] = found
  if (first && second && field === 'own' && found.length === 2) {
    const between = BETWEEN.get(`${first.value} ${second.value}`)
    const span = { from: first.from, to: second.to }
    if (between !== undefined && isRange(tokens, first, second))
      return toFinding(text, between, { ...span, rule: 'roast/range', confidence: 0.9 })
  }
  if (first === undefined || found.some(({ value }) => value !== first.value)) return null
  const rule = named.length > 0 ? 'roast/name' : 'roast/level'
  return toFinding(text, first.value, { ...withRoast(tokens, first), rule, confidence: 1 })
}

/** `Jasne/średnie`: two neighbours of the scale name the step between them. */
const BETWEEN: ReadonlyMap<string, RoastLevel> = new Map([
  ['light medium', 'light_medium'],
  ['medium light', 'light_medium'],
  ['medium dark', 'medium_dark'],
  ['dark medium', 'medium_dark'],
])

function isRange(tokens: readonly Token[], first: Span, second: Span): boolean {
  const link = tokens[first.to]
  if (second.from === first.to) return link?.before === '-' || link?.before === ' '
  return second.from === first.to + 1 && RANGE_WORDS.has(link?.text ?? '')
}

const RANGE_WORDS = new Set(['/', '-', 'to', 'do', 'bis', 'a', '~'])

/** Returns the roast styles that a text states, in its order. */
export function findRoastStyles(
  text: TokenText,
  field: RoastField,
): Finding<readonly RoastStyle[]> | null {
  const { tokens } = text
  const styles = findPhrases(tokens, STYLES).filter(
    (style) => field === 'own' || isAtRoast(tokens, style) || style.value === 'omni',
  )
  const [first, last] = [styles[0], styles.at(-1)]
  if (first === undefined || last === undefined) return null
  const span = { from: withRoast(tokens, first).from, to: withRoast(tokens, last).to }
  const values = [...new Set(styles.map(({ value }) => value))]
  return toFinding(text, values, { ...span, rule: 'roast/style', confidence: 1 })
}

/** `medium-dark` as a whole tag; one word alone may be the size of a shirt. */
function isWholeTag(
  field: RoastField,
  tokens: readonly Token[],
  level: Match<RoastLevel>,
): boolean {
  return field === 'tag' && level.to - level.from === tokens.length && tokens.length > 1
}

function isAtRoast(tokens: readonly Token[], match: Match<unknown>): boolean {
  const span = withRoast(tokens, match)
  return span.from < match.from || span.to > match.to
}

/** Widens a match by the word roast beside it, with the words between them. */
function withRoast(tokens: readonly Token[], match: Match<unknown>): { from: number; to: number } {
  const after = findPhrases(tokens, ROAST, { from: match.to, to: match.to + 1 })[0]
  if (after) return { from: match.from, to: after.to }
  for (let at = match.from - 1, links = 0; at >= 0; at--) {
    const [before] = findPhrases(tokens, ROAST, { from: at, to: match.from })
    if (before?.from === at) return { from: before.from, to: match.to }
    if (!LINKS.has(tokens[at]?.text ?? '') || ++links > LINKS_MAX) break
  }
  return match
}
