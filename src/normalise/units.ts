// Units of mass and volume with their words in shops, as data.

import { compileLexicon, matchPhrase, type LexiconEntry } from './lexicon.ts'
import type { Token } from './tokens.ts'

export interface Unit {
  readonly symbol: string
  readonly dimension: 'mass' | 'volume'
  /** Grams, or millilitres. */
  readonly size: number
  readonly system: 'metric' | 'customary'
}

function metric(symbol: string, dimension: Unit['dimension'], size: number): Unit {
  return { symbol, dimension, size, system: 'metric' }
}

function customary(symbol: string, dimension: Unit['dimension'], size: number): Unit {
  return { symbol, dimension, size, system: 'customary' }
}

/**
 * The pound and the ounce are exact by the international agreement of 1959, the US fluid ounce by
 * NIST Handbook 44, appendix C (https://www.nist.gov/pml/owm/nist-handbook-44-current-edition).
 * The *Pfund* of German shops is 500 g.
 */
const UNITS: readonly LexiconEntry<Unit>[] = [
  [
    metric('g', 'mass', 1),
    `
      g | gr | grs | gm | gms | gram | gramm | gramme | gramo | grammo | grammi | gramy | gramow |
      grama | gramas | 克 | グラム | 그램 | г | гр | грамм
    `,
  ],
  [
    metric('kg', 'mass', 1000),
    `
      kg | kgs | kgr | kilo | kilogram | kilogramm | kilogramme | kilogramo | quilo | 公斤 | 千克 |
      キロ | キログラム | 킬로 | 킬로그램 | кг
    `,
  ],
  [metric('pfund', 'mass', 500), 'pfund'],
  [customary('oz', 'mass', 28.349523125), 'oz | ozs | ounce | onza | オンス | 盎司'],
  [customary('lb', 'mass', 453.59237), 'lb | lbs | pound | ポンド | 磅'],
  [
    metric('ml', 'volume', 1),
    'ml | mls | millilitre | milliliter | 毫升 | ミリリットル | 밀리리터',
  ],
  [metric('cl', 'volume', 10), 'cl | centilitre | centiliter'],
  [metric('l', 'volume', 1000), 'l | ltr | ltrs | litre | liter | litro | 升 | リットル | 리터'],
  [customary('fl oz', 'volume', 29.5735295625), 'fl oz | fl. oz | fluid ounce | floz'],
]

const LEXICON = compileLexicon(UNITS)

/** Returns the unit that begins at a token, or null. */
export function matchUnit(
  tokens: readonly Token[],
  from: number,
): { readonly unit: Unit; readonly to: number } | null {
  const match = matchPhrase(tokens, LEXICON, from)
  return match && { unit: match.value, to: match.to }
}
