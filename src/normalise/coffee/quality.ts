// Grade, score, certifications and decaffeination.

import { type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, matchPhrase } from '../lexicon.ts'
import type { Token, TokenText } from '../tokens.ts'

/** Screen sizes and defect classes of the trade; `AA` is a grade and not a variety. */
const GRADES = compileLexicon([
  ['AAA', 'aaa'],
  ['AA', 'aa'],
  ['AB', 'ab'],
  ['peaberry', 'peaberry | peaberries | pea berry | pb | ピーベリー | 피베리'],
  ['A', 'plantation a | grade a'],
  ['MNEB', 'mneb'],
  ['G1', 'grade 1 | g1 | gr 1'],
  ['G2', 'grade 2 | g2'],
  ['SHB', 'shb | strictly hard bean'],
  ['SHG', 'shg | strictly high grown'],
  ['Supremo', 'supremo'],
  ['Excelso', 'excelso'],
])

/** Returns the first grade that a text states. */
export function findGrade(text: TokenText): Finding<string> | null {
  const [grade] = findPhrases(text.tokens, GRADES)
  if (grade) return toFinding(text, grade.value, { ...grade, rule: 'grade/name', confidence: 0.9 })
  return findFinalLetter(text)
}

/** `… Naturals A`: a capital at the end of a title, which is not an article there. */
function findFinalLetter(text: TokenText): Finding<string> | null {
  const { tokens, raw } = text
  const last = tokens.at(-1)
  const isLetter =
    last !== undefined && last.before === ' ' && /^[AB]$/.test(raw.slice(last.start, last.end))
  if (!isLetter || tokens.at(-2)?.kind !== 'word') return null
  const evidence = {
    from: tokens.length - 1,
    to: tokens.length,
    rule: 'grade/final-letter',
    confidence: 0.6,
  }
  return toFinding(text, raw.slice(last.start, last.end), evidence)
}

const SCORE = { min: 70, max: 100 }
const SCORE_WORDS = compileLexicon([
  [true, 'sca | scaa | cup score | cupping score | score | q score | sca score | scored | scoring'],
])
const POINT_WORDS = new Set(['points', 'pts', 'point', 'pkt', 'punkte'])

/** Returns the cupping score: `SCA 86+`, `87.5 points`. */
export function findScore(text: TokenText): Finding<number> | null {
  const { tokens } = text
  for (let at = 0; at < tokens.length; at++) {
    const value = Number(tokens[at]?.text.replace(',', '.'))
    if (tokens[at]?.kind !== 'number' || !(value >= SCORE.min && value <= SCORE.max)) continue
    const plus = tokens[at + 1]?.text === '+' ? 1 : 0
    const to = at + 1 + plus
    if (POINT_WORDS.has(tokens[to]?.text ?? ''))
      return toFinding(text, value, { from: at, to: to + 1, rule: 'score/points', confidence: 1 })
    const from = findScoreWord(tokens, at)
    if (from !== null)
      return toFinding(text, value, { from, to, rule: 'score/label', confidence: 1 })
  }
  return null
}

function findScoreWord(tokens: readonly Token[], at: number): number | null {
  for (let from = at - 1; from >= 0 && from >= at - 4; from--) {
    const word = matchPhrase(tokens, SCORE_WORDS, from)
    if (word && word.to <= at) return from
  }
  return null
}

/** Direct trade is a claim of the roaster, so it is not here. */
const CERTIFICATIONS = compileLexicon([
  [
    'organic',
    `
      organic | certified organic | usda organic | eu organic | india organic | npop | bio |
      biologique | ekologiczna | organico | organica | ecologico | オーガニック | 有機 | 유기농 | kbA
    `,
  ],
  ['fairtrade', 'fairtrade | fair trade | flo cert | フェアトレード | 공정무역'],
  ['rainforest_alliance', 'rainforest alliance | utz | レインフォレスト アライアンス'],
  ['bird_friendly', 'bird friendly | smithsonian bird friendly'],
  ['biodynamic', 'biodynamic | demeter'],
  ['4c', '4c certified'],
  ['regenerative', 'regenerative organic certified'],
])

const NOT_CERTIFIED = new Set(['non', 'not', 'cotton'])

/** Returns the certifications that a text names, each once. */
export function findCertifications(text: TokenText): Finding<readonly string[]> | null {
  const matches = findPhrases(text.tokens, CERTIFICATIONS).filter(
    ({ from, to }) =>
      !NOT_CERTIFIED.has(text.tokens[from - 1]?.text ?? '') && text.tokens[to]?.text !== 'cotton',
  )
  const [first, last] = [matches[0], matches.at(-1)]
  if (first === undefined || last === undefined) return null
  const values = [...new Set(matches.map(({ value }) => value))]
  return toFinding(text, values, {
    from: first.from,
    to: last.to,
    rule: 'certification/name',
    confidence: 0.8,
  })
}

const DECAF = compileLexicon<boolean>([
  [
    true,
    `
      decaf | decaff | decaffeinated | dekaf | entkoffeiniert | koffeinfrei | decafeine |
      decafeinee | sans cafeine | descafeinado | descafeinada | decaffeinato | bezkofeinowa |
      cafeinevrij | decaf coffee | デカフェ | カフェインレス | 디카페인 | 低因 | 脱因 | 无咖啡因
    `,
  ],
  [false, 'half caf | half decaf | half caff | not decaf | non decaf | no decaf'],
])

/** Returns true where a text says that all caffeine is removed; half-caf is neither. */
export function findDecaf(text: TokenText): Finding<true> | null {
  const matches = findPhrases(text.tokens, DECAF)
  const [first] = matches
  if (first === undefined || matches.some(({ value }) => !value)) return null
  return toFinding(text, true, { ...first, rule: 'decaf/name', confidence: 1 })
}
