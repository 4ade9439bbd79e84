// Words for the processing of coffee, as data: bases, modifiers, methods of decaffeination, and the
// words that make one of them an ordinary word.

import { compileLexicon } from '../lexicon.ts'
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

export const BASES = compileLexicon<ProcessBase>([
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
      honey process | honey processed | miel | miod | miodowa | miodowy | 蜜处理 | 蜜處理 | 黄蜜 | 红蜜 | 黑蜜 | 白蜜 |
      ハニー | 허니
    `,
  ],
  [
    'pulped_natural',
    `
      pulped natural | pulped naturals | pulp natural | pulped sun dried | pulp sun dried | semi dry | cereja descascado | パルプドナチュラル |
      펄프드 내추럴
    `,
  ],
  [
    'wet_hulled',
    'wet hulled | wet hulling | giling basah | semi washed giling basah | スマトラ式 | 길링바사',
  ],
  ['monsooned', 'monsooned | monsoon malabar | monsoon | monsooning | モンスーン | 몬순'],
  [
    'other',
    'semi washed | semiwashed | halbgewaschen | semi lavado | polmyta | semi lave | semi lavato',
  ],
])

/**
 * India's trade names for the process: plantation and parchment coffees are washed, cherry coffees
 * are naturals (Coffee Board of India, grades of raw coffee, https://coffeeboard.gov.in).
 */
export const TRADE_NAMES = compileLexicon<ProcessBase>([
  [
    'washed',
    `
      plantation aa | plantation a | plantation b | plantation pb | robusta parchment |
      parchment ab | parchment pb
    `,
  ],
  ['natural', 'arabica cherry | robusta cherry | cherry aa | cherry ab | cherry pb'],
])

/** Short names that only a field of processes can have. */
export const OWN_MODIFIERS = compileLexicon<ProcessModifier>([
  ['carbonic_maceration', 'cm'],
  ['experimental', 'wine | winey | barrel | nitro | yeast | koji'],
])

/** Manners of drying: a natural, unless a base is stated. */
export const DRYING = compileLexicon<ProcessBase>([
  ['natural', 'sun dried | sundried | sun drying'],
])

export const MODIFIERS = compileLexicon<ProcessModifier>([
  [
    'carbonic_maceration',
    `
      carbonic maceration | carbonic macerated | carbonic | cm natural | cm washed | cm honey |
      maceracion carbonica | maceration carbonique | semi carbonic | semi carbonic maceration |
      karboniczna maceracja | maceracja karboniczna | maceracja weglowa |
      maceracja | macerazione carbonica | kohlensauremaischung | カーボニックマセレーション | 카보닉 | 二氧化碳浸渍
    `,
  ],
  [
    'anaerobic',
    `
      anaerobic | anaerobically | anaerob | anaerobe | anaerobie | anaerobico | anaerobica |
      anaerobowa | anaerobowy | beztlenowa | fermentacja beztlenowa |
      podwojna fermentacja beztlenowa | double fermentation anaerobic | double anaerobic | low oxygen | anoxic | 厌氧 |
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
export const FERMENTATION = compileLexicon<ProcessModifier>([
  [
    'experimental',
    `
      fermentation | fermented | fermenting | extended fermentation | fermentacja |
      fermentacja kontrolowana | fermentacion | fermentado | fermentacao | fermentiert |
      maceration | macerated | maceracion | 発酵 | 发酵 | 發酵 | 발효
    `,
  ],
])

export const INOCULATION = compileLexicon<'yeast' | 'koji'>([
  ['yeast', 'yeast | yeasts | saccharomyces | levadura | hefe | levure | イースト | 효모 | 酵母'],
  ['koji', 'koji | 麹'],
])

export const DECAF_METHODS = compileLexicon<DecafMethod>([
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
export const NOT_BEFORE = toWordSet(`
    100 % all notes note of flavours flavors wildflower forest raw organic with manuka pure in
    tueste tagged tag
  `)
export const NOT_AFTER = toWordSet(`
    sweetness sweetener flavours flavour flavors flavor ingredients wax bee bees jar spread almond
    caramel vanilla oat cinnamon lemon ginger history light water colour color gas up your cup
    rind hand hands milk choice lover lovers beauty goodness energy
  `)
/** Words after `and` that show that two bases are joined. */
export const JOINERS = new Set(['+', '&', '/', 'i', 'and', 'und', 'et', 'y', 'e', ',', '|', 'en'])

/** Words that show beside `honey` that a coffee is meant: `Honey Geisha`, `Honey Sun Dried`. */
export const PROCESS_WORDS = compileLexicon([
  [
    true,
    `
      process | processed | processing | method | lot | lots | fermented | fermentation | dried |
      sun dried | sundried | drying | anaerobic | washed | natural | naturals | raised beds | proceso |
      processo | aufbereitet | aufbereitung
    `,
  ],
])
export const COFFEE_WORDS = compileLexicon([
  [
    true,
    `
      beans | coffee beans | roast | roasted | espresso | estate | finca | fazenda | microlot |
      peaberry | aa | arabica | robusta | filter | decaf
    `,
  ],
])
