// Botanical varieties. The names and their spellings follow the catalogue of World Coffee Research
// (https://varieties.worldcoffeeresearch.org); India's selections follow the Coffee Board of India.

import { coveredTokens, type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, type LexiconEntry, type Match } from '../lexicon.ts'
import type { Token, TokenText } from '../tokens.ts'

/**
 * Names that mean a variety wherever they stand, with other spellings and frequent misspellings.
 */
const NAMES: readonly LexiconEntry<string>[] = [
  ['Gesha', 'gesha | geisha | ゲイシャ | 게이샤 | 瑰夏 | 艺伎'],
  [
    'Heirloom',
    `
      heirloom | heirlooms | hierloom | hierlooms | ethiopian heirloom | landrace | landraces |
      エアルーム
    `,
  ],
  [
    'Pink Bourbon',
    'pink bourbon | bourbon rosado | ピンクブルボン | 핑크 버번 | 핑크버번 | 핑크 부르봉',
  ],
  ['Red Bourbon', 'red bourbon | bourbon rojo'],
  ['Yellow Bourbon', 'yellow bourbon | bourbon amarillo | bourbon amarelo'],
  ['Orange Bourbon', 'orange bourbon'],
  ['Bourbon Aji', 'bourbon aji | aji bourbon'],
  ['Bourbon Sidra', 'bourbon sidra | sidra bourbon'],
  ['Caturra', 'caturra | caturron | カトゥーラ | カツーラ | 카투라 | 卡杜拉'],
  ['Red Caturra', 'red caturra | caturra rojo'],
  ['Yellow Caturra', 'yellow caturra | caturra amarillo'],
  ['Catuai', 'catuai | cactuai | カトゥアイ | カツアイ | 카투아이 | 卡杜艾'],
  ['Red Catuai', 'red catuai | catuai rojo | catuai vermelho'],
  ['Yellow Catuai', 'yellow catuai | catuai amarillo | catuai amarelo'],
  ['Catucai', 'catucai'],
  ['Yellow Catucai', 'yellow catucai | catucai amarelo'],
  ['Typica', 'typica | tipica | ティピカ | 티피카 | 铁皮卡'],
  ['Typica Mejorado', 'typica mejorado | typica mejorada'],
  ['Mundo Novo', 'mundo novo'],
  ['Maragogype', 'maragogype | maragogipe | maragogip'],
  ['Pacamara', 'pacamara | パカマラ | 파카마라 | 帕卡马拉'],
  ['Pacas', 'pacas'],
  ['Pache', 'pache'],
  ['Castillo', 'castillo | カスティージョ | 카스티요'],
  ['Catimor', 'catimor'],
  ['Sarchimor', 'sarchimor'],
  ['Villa Sarchi', 'villa sarchi'],
  ['Marsellesa', 'marsellesa'],
  ['Parainema', 'parainema'],
  ['Obata', 'obata'],
  ['Icatu', 'icatu'],
  ['Tabi', 'tabi'],
  ['Sidra', 'sidra | シドラ | 시드라'],
  ['Chiroso', 'chiroso'],
  ['Laurina', 'laurina | bourbon pointu'],
  ['Sudan Rume', 'sudan rume | スーダンルメ | 수단 루메'],
  ['Wush Wush', 'wush wush | wushwush'],
  ['Ombligon', 'ombligon'],
  ['Papayo', 'papayo'],
  ['Eugenioides', 'eugenioides'],
  ['Centroamericano', 'centroamericano | h1 centroamericano'],
  ['Starmaya', 'starmaya'],
  ['IHCAFE 90', 'ihcafe 90 | ihcafe90'],
  ['Lempira', 'lempira'],
  ['Ruiru 11', 'ruiru 11 | ruiru11'],
  ['Batian', 'batian'],
  ['SL28', 'sl 28 | sl28'],
  ['SL34', 'sl 34 | sl34'],
  ['SL14', 'sl 14 | sl14'],
  ['K7', 'k7'],
  ['74110', '74110'],
  ['74112', '74112'],
  ['74158', '74158'],
  ['74165', '74165'],
  ['Kurume', 'kurume | krume'],
  ['Wolisho', 'wolisho | welisho'],
  ['Dega', 'dega'],
  ['Mibirizi', 'mibirizi'],
  ['Jackson', 'jackson'],
  ['Ateng', 'ateng'],
  ['Tim Tim', 'tim tim | timtim | timor hybrid | hibrido de timor'],
  ['Sigararutang', 'sigararutang | sigarar utang'],
  [
    'S795',
    's 795 | s795 | sln 795 | sln795 | sln 3 | sln3 | sln. 795 | s. 795 | sln. 3 | selection 795 | selection 3',
  ],
  ['SLN 5B', 'sln 5b | sln. 5b | sln5b | selection 5b'],
  ['SLN 6', 'sln 6 | sln. 6 | sln6 | selection 6'],
  ['SLN 9', 'sln 9 | sln. 9 | sln9 | selection 9'],
  ['Chandragiri', 'chandragiri'],
  ['Cauvery', 'cauvery | kaveri'],
  ['CxR', 'cxr | c x r'],
]

/** Names that are also a country, an island, a person or a spirit: only in a field of varieties. */
const AMBIGUOUS: readonly LexiconEntry<string>[] = [
  ['Bourbon', 'bourbon | burbon | ブルボン | 버번 | 부르봉 | 波旁'],
  ['Colombia', 'colombia'],
  ['Java', 'java | ジャバ'],
  ['Kent', 'kent'],
  ['Catrenic', 'catrenic'],
  ['Harar', 'harar'],
]

const IN_TEXT = compileLexicon(NAMES)
const IN_FIELD = compileLexicon([...NAMES, ...AMBIGUOUS])
const BOURBON = compileLexicon([['Bourbon', 'bourbon | ブルボン | 부르봉']])

const NOT_AFTER_BOURBON = new Set([
  'barrel',
  'cask',
  'whiskey',
  'whisky',
  'vanilla',
  'biscuit',
  'aged',
  'street',
])

/** Returns the varieties that a text names, each once. */
export function findVarieties(text: TokenText, isOwn: boolean): Finding<readonly string[]> | null {
  const { tokens } = text
  const named = findPhrases(tokens, isOwn ? IN_FIELD : IN_TEXT)
  const others = isOwn ? findMisspelt(tokens, named) : findBourbon(tokens, named)
  const matches = [...named, ...others].sort((a, b) => a.from - b.from)
  const [first, last] = [matches[0], matches.at(-1)]
  if (first === undefined || last === undefined) return null
  return toFinding(text, [...new Set(matches.map(({ value }) => value))], {
    from: first.from,
    to: last.to,
    rule: isOwn ? 'variety/field' : 'variety/name',
    confidence: isOwn ? (others.length > 0 ? 0.7 : 1) : 0.9,
  })
}

/** `Bourbon` alone is a variety, except where it is a whiskey. */
function findBourbon(tokens: readonly Token[], named: readonly Match<string>[]): Match<string>[] {
  const taken = coveredTokens(named)
  return findPhrases(tokens, BOURBON).filter(
    ({ from, to }) => !NOT_AFTER_BOURBON.has(tokens[to]?.text ?? '') && !taken.has(from),
  )
}

/** Shorter names differ by one letter too easily: `Pache` and `Pacas`. */
const MISSPELT_LENGTH_MIN = 7
const DOUBLED_LENGTH_MIN = 6
/** A field names few varieties; the rest of a longer text is not compared. */
const MISSPELT_WORDS_MAX = 20

const LONG_NAMES: readonly LexiconEntry<string>[] = NAMES.flatMap(([value, phrases]) =>
  phrases
    .split('|')
    .map((phrase): LexiconEntry<string> => [value, phrase.trim()])
    .filter(([, phrase]) => /^[a-z]+$/.test(phrase) && phrase.length >= DOUBLED_LENGTH_MIN),
)

/** `Pacamarra`, `Marselesa`: in a field of varieties, a word with one letter too many, too few or wrong. */
function findMisspelt(tokens: readonly Token[], named: readonly Match<string>[]): Match<string>[] {
  const taken = coveredTokens(named)
  return tokens.slice(0, MISSPELT_WORDS_MAX).flatMap(({ text }, at): Match<string>[] => {
    if (taken.has(at) || text.length < DOUBLED_LENGTH_MIN) return []
    const near = LONG_NAMES.find(([, name]) => isMisspelt(text, name))
    return near ? [{ value: near[0], from: at, to: at + 1 }] : []
  })
}

/** `Cattura`: the other letter is double. */
function isMisspelt(word: string, name: string): boolean {
  const isLong = Math.min(word.length, name.length) >= MISSPELT_LENGTH_MIN
  return (isLong && isOneEdit(word, name)) || withoutDoubles(word) === withoutDoubles(name)
}

function withoutDoubles(word: string): string {
  return Array.from(word)
    .filter((letter, at) => letter !== word[at - 1])
    .join('')
}

/** True if one inserted, missing, wrong or exchanged letter makes the difference. */
function isOneEdit(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false
  let from = 0
  while (from < one.length && one[from] === other[from]) from++
  const [rest, otherRest] = [one.slice(from), other.slice(from)]
  const isExchanged = rest[0] === otherRest[1] && rest[1] === otherRest[0]
  return (
    rest.slice(1) === otherRest.slice(1) ||
    rest.slice(1) === otherRest ||
    rest === otherRest.slice(1) ||
    (isExchanged && rest.slice(2) === otherRest.slice(2))
  )
}
