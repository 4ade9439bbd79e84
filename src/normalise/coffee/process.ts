// Processing: the base (washed, natural, honey …) and what was done besides. A modifier such as
// anaerobic names the process; its base stands beside it.

import { coverSpans, type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, matchPhrase, type Match } from '../lexicon.ts'
import type { Token, TokenText } from '../tokens.ts'
import { toWordSet } from '../words.ts'

export type ProcessBase =
  | 'washed'
  | 'natural'
  | 'honey'
  | 'pulped_natural'
  | 'wet_hulled'
  | 'monsooned'
  | 'other'
export type ProcessModifier =
  | 'carbonic_maceration'
  | 'anaerobic'
  | 'double_fermented'
  | 'experimental'
export type DecafMethod =
  | 'ethyl_acetate'
  | 'swiss_water'
  | 'mountain_water'
  | 'co2'
  | 'methylene_chloride'

export interface Process {
  /** The modifier, or the base, or several bases; a decaf method only without either. */
  readonly name: ProcessBase | ProcessModifier | `decaf:${DecafMethod}` | readonly ProcessBase[]
  readonly base: ProcessBase | null
  readonly inoculated: 'yeast' | 'koji' | null
  readonly decafMethod: DecafMethod | null
}

const BASES = compileLexicon<ProcessBase>([
  [
    'washed',
    `
      washed | fully washed | full washed | double washed | kenya washed | wet process |
      wet processed | wet processing | lavado | lavada | gewaschen | lave | lavee | lavato |
      myta | myty | mokra | obrobka mokra | na mokro | vasket | tvattad | pesty | wassen | 水洗 |
      水洗式 | ウォッシュド | ウオッシュド | フルウォッシュド | 워시드 | 수세식
    `,
  ],
  [
    'natural',
    `
      natural | naturals | naturel | naturelle | naturale | naturalna | naturalny |
      obrobka sucha | na sucho | trockenaufbereitet | seco | unwashed | dry process |
      dry processed | dry processing | bonde | 日晒 | 自然乾燥 | ナチュラル | 내추럴 | 네추럴
    `,
  ],
  [
    'honey',
    `
      honey | yellow honey | red honey | black honey | white honey | gold honey | golden honey |
      honey process | honey processed | miel | miodowa | miodowy | 蜜处理 | 蜜處理 | 黄蜜 | 红蜜 | 黑蜜 | 白蜜 |
      ハニー | 허니
    `,
  ],
  [
    'pulped_natural',
    `
      pulped natural | pulped naturals | pulp natural | semi dry | cereja descascado | パルプドナチュラル |
      펄프드 내추럴
    `,
  ],
  [
    'wet_hulled',
    'wet hulled | wet hulling | giling basah | semi washed giling basah | スマトラ式 | 길링바사',
  ],
  ['monsooned', 'monsooned | monsoon malabar | monsoon | monsooning | モンスーン | 몬순'],
  ['other', 'semi washed | semiwashed | halbgewaschen | semi lavado'],
])

/** Manners of drying: a natural, unless a base is stated. */
const DRYING = compileLexicon<ProcessBase>([['natural', 'sun dried | sundried | sun drying']])

const MODIFIERS = compileLexicon<ProcessModifier>([
  [
    'carbonic_maceration',
    `
      carbonic maceration | carbonic macerated | carbonic | cm natural | cm washed | cm honey |
      maceracion carbonica | maceration carbonique | semi carbonic | semi carbonic maceration |
      karboniczna maceracja | maceracja karboniczna | カーボニックマセレーション | 카보닉 | 二氧化碳浸渍
    `,
  ],
  [
    'anaerobic',
    `
      anaerobic | anaerobically | anaerob | anaerobe | anaerobie | anaerobico | anaerobica |
      anaerobowa | anaerobowy | beztlenowa | fermentacja beztlenowa | low oxygen | anoxic | 厌氧 |
      厭氧 | アナエロビック | 嫌気性 | 무산소
    `,
  ],
  [
    'double_fermented',
    `
      double fermented | double fermentation | dual fermentation | podwojna fermentacja |
      twice fermented | triple fermented
    `,
  ],
  [
    'experimental',
    `
      experimental | experimental process | cryo | cryogenic | koji | lactic | lactico |
      thermal shock | thermoshock | thermic shock | co ferment | co fermented | co fermentation |
      coferment | cofermented | infused | frozen cherry | freeze cherry | cherry freezing |
      eksperymentalna | experimentell | experimentale | barrel aged | barrel fermented |
      barrel conditioned | rum aged | whisky aged | whiskey aged | bourbon aged | bourbon barrel |
      rum barrel | whisky barrel | whiskey barrel | wine barrel | cognac aged | brandy aged |
      tequila aged | gin aged | wine aged | spirit aged | oak aged | wine process |
      winey process | wine yeast process | mosto | hydro natural | fruit fermented |
      fruit ferment
    `,
  ],
])

/** A fermentation of any kind: a process by itself, but part of washing where a base is stated. */
const FERMENTATION = compileLexicon<ProcessModifier>([
  [
    'experimental',
    `
      fermentation | fermented | fermenting | extended fermentation | fermentacja |
      fermentacja kontrolowana | fermentacion | fermentado | fermentacao | fermentiert |
      maceration | macerated | maceracion | 発酵 | 发酵 | 發酵 | 발효
    `,
  ],
])

const INOCULATION = compileLexicon<'yeast' | 'koji'>([
  ['yeast', 'yeast | yeasts | saccharomyces | levadura | hefe | levure | イースト | 효모 | 酵母'],
  ['koji', 'koji | 麹'],
])

const DECAF_METHODS = compileLexicon<DecafMethod>([
  [
    'ethyl_acetate',
    `
      sugarcane | sugar cane | sugarcane ea | ethyl acetate | ea decaf | ea process | ea | 甘蔗 |
      サトウキビ | 사탕수수
    `,
  ],
  ['swiss_water', 'swiss water | swiss water process | swp | スイスウォーター | 스위스 워터'],
  [
    'mountain_water',
    'mountain water | mountain water process | mwp | マウンテンウォーター | 마운틴 워터',
  ],
  ['co2', 'co2 | carbon dioxide | supercritical co2 | 液体二酸化炭素'],
  ['methylene_chloride', 'methylene chloride | dichloromethane | mc decaf'],
])

/** Words that make a base an ordinary word: `all natural`, `honey and caramel`. */
const NOT_BEFORE = toWordSet(`
    100 % all notes note of flavours flavors wildflower forest raw organic with manuka pure in
    tueste tagged tag
  `)
const NOT_AFTER = toWordSet(`
    sweetness sweetener flavours flavour flavors flavor ingredients wax bee bees jar spread almond
    caramel vanilla oat cinnamon lemon ginger history light water colour color gas up your cup
    rind hand hands and milk
  `)
/** Words after `and` that show that two bases are joined. */
const JOINERS = new Set(['+', '&', '/', 'i', 'and', 'und', 'et', 'y', 'e', ',', '|', 'en'])

export type ProcessField = 'own' | 'tag' | 'text'

/** Returns the process that a text states. */
export function findProcess(text: TokenText, field: ProcessField): Finding<Process> | null {
  const { tokens } = text
  const isOwn = field === 'own'
  const all = findPhrases(tokens, BASES)
  const bases = all.filter((base) => isOwn || isBase(tokens, base, field))
  const drying = bases.length === 0 ? findPhrases(tokens, DRYING) : []
  const named = findPhrases(tokens, MODIFIERS).filter(({ from }) => !isTaken(bases, from))
  const isUnnamed = named.length === 0 && bases.length === 0
  const modifiers = isUnnamed ? findPhrases(tokens, FERMENTATION) : named
  const [inoculation] = findPhrases(tokens, INOCULATION)
  const decaf = findDecafMethod(tokens, isOwn)
  const stated = [...bases, ...drying, ...modifiers, ...(decaf ? [decaf] : [])]
  if (stated.length === 0) return null
  const names = distinct([...bases, ...drying])
  const modifier = chooseModifier(modifiers)
  const process = toProcess(names, modifier, decaf?.value ?? null)
  if (process === null) return null
  const spans = [...stated, ...(inoculation ? [inoculation] : [])]
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

/**
 * In running words, `honey` needs a sign that a coffee is meant; other bases need no sign against.
 */
function isBase(tokens: readonly Token[], base: Match<ProcessBase>, field: ProcessField): boolean {
  const [before, after] = [tokens[base.from - 1], tokens[base.to]]
  if (before && before.text !== '' && NOT_BEFORE.has(before.text)) return false
  if (after && NOT_AFTER.has(after.text)) return isJoined(tokens, base)
  const isWord = base.to - base.from === 1
  if (field === 'tag' && base.value === 'honey' && isWord) return false
  return true
}

/** `honey and natural`: the word after the joiner is a base as well. */
function isJoined(tokens: readonly Token[], { to }: Match<ProcessBase>): boolean {
  return JOINERS.has(tokens[to]?.text ?? '') && matchPhrase(tokens, BASES, to + 1) !== null
}

function isTaken(matches: readonly Match<unknown>[], at: number): boolean {
  return matches.some(({ from, to }) => at >= from && at < to)
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

/** In running words, `sugarcane` and `EA` count only beside a word for decaf. */
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
