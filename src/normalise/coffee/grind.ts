// Grind: what the coffee is ground for. One option may name several (`Cold Brew / Channi`).

import { type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, type Match } from '../lexicon.ts'
import type { Token, TokenText } from '../tokens.ts'
import { BREW_BAG, CAPSULE, DRIP_BAG, WHOLE_BEAN } from './form-words.ts'

export type Grind =
  | 'whole'
  | 'espresso'
  | 'moka_pot'
  | 'filter'
  | 'drip'
  | 'pour_over'
  | 'chemex'
  | 'aeropress'
  | 'french_press'
  | 'cold_brew'
  | 'turkish'
  | 'south_indian_filter'
  | 'channi'
  | 'syphon'
  | 'percolator'
  | 'drip_bag'
  | 'brew_bag'
  | 'capsule'
  | 'other'

const GRINDS = compileLexicon<Grind>([
  [
    'whole',
    `
      ${WHOLE_BEAN} | whole | beans | bohnen | grains | grano | grani | graos | ziarno | bonen |
      bona | chicchi | ziarna | w ziarnach | entier | entiers | entera | entero | koffieboon | koffiebonen | bonor | bonner | papu | pavut | zrnkova | zrno | szemes | boabe | cekirdek |
      豆 | 原豆
    `,
  ],
  [
    'espresso',
    `
      espresso | home espresso | commercial espresso | espresso machine | espresso grind |
      espressomaschine | siebtrager | siebtragermaschine | pod ekspres | portafilter | picopresso | ekspres cisnieniowy |
      ekspres kolbowy | エスプレッソ | 에스프레소 | 意式
    `,
  ],
  [
    'moka_pot',
    `
      moka pot | mokapot | moka | mocha pot | mochapot | stove top | stovetop |
      stove top espresso | bialetti | herdkanne | herdkannchen | mokakanne | perkolator | kawiarka | cafetiere italienne |
      cafetera italiana | mokka | mokkakanne | espressokocher |
      espressokanne | kawiarki | kawiarke | pod kawiarke | percolateur italien | macchinetta | caffettiera | マキネッタ | 모카포트 | 摩卡壶
    `,
  ],
  [
    'filter',
    `
      filter | filter machine | filter grind | filterkaffee | filtre | filtro | filtr | przelew |
      przelewowa | przelewowy | ekspres przelewowy | filtermaschine | フィルター |
      필터
    `,
  ],
  [
    'drip',
    `
      drip | drip machine | drip coffee maker | coffee maker | filter coffee maker |
      filter coffee machine | auto drip | コーヒーメーカー | 커피메이커 | drip filter | automatic drip |
      batch brew | ドリップ | 드립
    `,
  ],
  [
    'pour_over',
    `
      pour over | pourover | dripper | pod dripper | drippera | pod v60 | v 60 | v60 | pour over v60 | pourover v60 | pour over v 60 |
      pourover v 60 | kalita | kalita wave | hand drip | handfilter | drip pourover | ハンドドリップ |
      핸드드립 | 手冲
    `,
  ],
  ['chemex', 'chemex | pod chemex | ケメックス | 케멕스'],
  [
    'aeropress',
    `
      aeropress | aero press | pod aeropress | regular aeropress | inverted aeropress | aeropress inverted |
      aeropress regular | エアロプレス | 에어로프레스 | 爱乐压
    `,
  ],
  [
    'french_press',
    `
      french press | frenchpress | pod french press | piston | cafetiere | plunger | presskanne | stempelkanne | stempelkande | pressokanne | drukpot | zaparzacz tlokowy |
      praska | press pot |
      prensa francesa | cafetera de embolo | embolo | cafetera francesa | presse francaise | フレンチプレス | 프렌치프레스 | 프렌치 프레스 | 法压壶
    `,
  ],
  [
    'cold_brew',
    'cold brew | dutch coffee | 더치 | coldbrew | cold drip | コールドブリュー | 水出し | 콜드브루 | 冷萃',
  ],
  ['turkish', 'turkish | turkish coffee | ibrik | cezve | turkisch | トルコ'],
  [
    'south_indian_filter',
    `
      south indian filter | south india filter | south indian filter coffee | south indian coffee filter | south indian |
      filter coffee ( south indian | filter ( south indian |
      filter coffee - south indian | filter coffee south indian | indian filter | indian coffee filter |
      kaapi | filter kaapi | madras filter | mysore filter
    `,
  ],
  ['channi', 'channi | chani'],
  ['syphon', 'syphon | siphon | vacuum pot | サイフォン | 사이폰'],
  ['percolator', 'percolator'],
  ['filter', 'coffee filter | paper filter'],
  ['drip_bag', `${DRIP_BAG} | sachet`],
  ['brew_bag', `${BREW_BAG} | coffee bag`],
  ['capsule', 'capsule | pod | nespresso | kapsel | kapseln | capsula | カプセル | 캡슐'],
  [
    'other',
    `
      ground | ground coffee | pre ground | coarse | coarse grind | fine | fine grind |
      medium grind | very fine | extra fine | very coarse | extra coarse | medium fine |
      medium coarse | gemahlen | fein | grob | mittelfein | mittelgrob | moulu |
      molido | macinato | mielona | moido | malt | 粉 |
      中挽き | 細挽き | 粗挽き | 中細挽き | 極細挽き | 挽き | 중간 | 분쇄 | 研磨
    `,
  ],
])

const DETAILS = compileLexicon([
  ['inverted', 'inverted'],
  ['very fine', 'very fine | 極細挽き'],
  ['extra fine', 'extra fine'],
  ['very coarse', 'very coarse'],
  ['extra coarse', 'extra coarse'],
  ['medium fine', 'medium fine | mittelfein | 中細挽き'],
  ['medium coarse', 'medium coarse | mittelgrob | 中粗挽き'],
  ['coarse', 'coarse | coarse grind | grob | grossiere | gruesa | grubo | 粗挽き'],
  ['fine', 'fine | fine grind | fein | fina | drobno | 細挽き'],
  ['medium', 'medium grind | mittel gemahlen | mittlerer mahlgrad | molienda media | 中挽き'],
])

/** In titles, brewers are mostly goods or advice: only these phrases state the form of the coffee. */
const IN_TITLES = compileLexicon<Grind>([
  ['whole', `${WHOLE_BEAN} | beans | bohnen`],
  ['drip_bag', DRIP_BAG],
  ['brew_bag', BREW_BAG],
  ['capsule', CAPSULE],
  ['other', 'ground coffee | pre ground | gemahlen | moulu | molido | macinato | mielona'],
])

export type GrindField = 'option' | 'title'

/** A pack of several such small units holds drip bags, in grams. */
const DRIP_BAG_SIZE = { min: 8, max: 15, countMin: 5 }

export function isDripBagSize(unitGrams: number, count: number): boolean {
  return (
    count >= DRIP_BAG_SIZE.countMin &&
    unitGrams >= DRIP_BAG_SIZE.min &&
    unitGrams <= DRIP_BAG_SIZE.max
  )
}

/** Returns the grinds that a text states, in its order, each once. */
export function findGrinds(text: TokenText, field: GrindField): Finding<readonly Grind[]> | null {
  const { tokens } = text
  const matches = withoutGeneral(findPhrases(tokens, field === 'title' ? IN_TITLES : GRINDS))
  const [first, last] = [matches[0], matches.at(-1)]
  if (first === undefined || last === undefined) return null
  return toFinding(text, [...new Set(matches.map(({ value }) => value))], {
    from: first.from,
    to: last.to,
    rule: field === 'option' ? 'grind/option' : 'grind/title',
    confidence: field === 'option' ? 1 : 0.9,
  })
}

/** Returns the fineness or the manner beside a grind: `coarse`, `inverted`. */
export function findGrindDetail(tokens: readonly Token[]): string | null {
  return findPhrases(tokens, DETAILS)[0]?.value ?? null
}

/** `Pourtable Pourover` is a drip bag: a form of pack wins over a manner of brewing. */
function withoutGeneral(matches: readonly Match<Grind>[]): readonly Match<Grind>[] {
  const forms = matches.filter(
    ({ value }) => value === 'drip_bag' || value === 'brew_bag' || value === 'capsule',
  )
  if (forms.length > 0) return forms
  const named = matches.filter(({ value }) => value !== 'other')
  return named.length > 0 ? named : matches
}
