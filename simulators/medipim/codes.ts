// Identifier codes of a product. Only the MediPim id is unique: some products share EAN and ARTG
// codes, as in the real catalogue.

import { mix } from '../support/random.ts'

export interface Codes {
  readonly ean: readonly string[]
  readonly gtin8: string | null
  readonly gtin12: string | null
  readonly gtin13: string | null
  readonly gtin14: string | null
  readonly artgId: string
}

/**
 * One product in 200 has the codes of the one before it; one in 40 has a twelve-digit code, one in
 * 60 an eight-digit one.
 */
export function makeCodes(seed: number, index: number): Codes {
  const artgId = makeArtgId(seed, index)
  if (index > 0 && mix(seed, index, 31) % 200 === 0)
    return { ...makeCodes(seed, index - 1), artgId }
  const digits = String(mix(seed, index, 32)).padStart(10, '0')
  const shape = mix(seed, index, 33) % 120
  if (shape < 3) {
    const upc = addCheckDigit(`6${digits}`)
    return {
      ean: [upc, `0${upc}`],
      gtin8: null,
      gtin12: upc,
      gtin13: `0${upc}`,
      gtin14: null,
      artgId,
    }
  }
  if (shape < 5) {
    const short = addCheckDigit(`9${digits.slice(0, 6)}`)
    return { ean: [short], gtin8: short, gtin12: null, gtin13: null, gtin14: null, artgId }
  }
  const ean = addCheckDigit(`93${digits}`)
  return {
    ean: shape < 20 ? [ean, `0${ean}`] : [ean],
    gtin8: null,
    gtin12: null,
    gtin13: ean,
    gtin14: `0${ean}`,
    artgId,
  }
}

/** One product in 30 shares the register entry (ARTG) of the product before it. */
function makeArtgId(seed: number, index: number): string {
  const entry = index > 0 && mix(seed, index, 34) % 30 === 0 ? index - 1 : index
  return String(10_000 + (mix(seed, entry, 35) % 490_000))
}

/** GS1: weights 3 and 1 from the right. */
function addCheckDigit(digits: string): string {
  const sum = digits
    .split('')
    .toReversed()
    .reduce((total, digit, position) => total + Number(digit) * (position % 2 === 0 ? 3 : 1), 0)
  return `${digits}${(10 - (sum % 10)) % 10}`
}

/** Makes a SNOMED CT id, which has more digits than a JavaScript number. */
export function makeSnomedId(seed: number, index: number, kind: number): string {
  const middle = String(mix(seed, index, kind + 1) % 10_000).padStart(4, '0')
  return `${mix(seed, index, kind)}${middle}0110${10 + (kind % 9)}`
}
