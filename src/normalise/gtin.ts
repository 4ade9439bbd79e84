// Checks a GTIN: its length, its check digit, and the ranges that do not identify a product
// worldwide. Rules: GS1 General Specifications, sections 1.4 and 7.9
// (https://www.gs1.org/standards/barcodes-epcrfid-id-keys/gs1-general-specifications).

export interface Gtin {
  /** Digits as the supplier writes them, with leading zeros. */
  readonly digits: string
  /**
   * The same number in 14 digits, for comparison: one product may be written in several lengths.
   */
  readonly gtin14: string
  /**
   * `restricted`: numbered by a shop or a country for itself. `coupon`: not goods. `variable`: sold
   * by measure. `book` and `serial`: ISBN and ISSN.
   */
  readonly use: 'product' | 'restricted' | 'coupon' | 'variable' | 'book' | 'serial'
}

const LENGTHS = new Set([8, 12, 13, 14])

/** Uses by the first digits of the number in 13 digits; the first entry that matches wins. */
const USES: readonly (readonly [pattern: RegExp, use: Gtin['use']])[] = [
  [/^(?:02|04|2)/, 'restricted'],
  [/^(?:05|98[1-4]|99)/, 'coupon'],
  [/^977/, 'serial'],
  [/^97[89]/, 'book'],
]

/**
 * Returns the GTIN that a text consists of, or null. Spaces and hyphens between digits are
 * ignored.
 */
export function parseGtin(text: string): Gtin | null {
  const digits = text.trim().replaceAll(/(?<=\d)[ -](?=\d)/g, '')
  if (!/^\d+$/.test(digits) || !LENGTHS.has(digits.length)) return null
  if (/^0+$/.test(digits) || !hasCheckDigit(digits)) return null
  const gtin14 = digits.padStart(14, '0')
  return { digits, gtin14, use: useOf(digits, gtin14) }
}

/** Weights 3 and 1 alternate from the right; with the check digit, the sum is a multiple of 10. */
function hasCheckDigit(digits: string): boolean {
  let sum = 0
  for (let back = 1; back <= digits.length; back++)
    sum += Number(digits[digits.length - back]) * (back % 2 === 0 ? 3 : 1)
  return sum % 10 === 0
}

/** A GTIN-8 has its own prefixes: those that begin with 0 or 2 are restricted. */
function useOf(digits: string, gtin14: string): Gtin['use'] {
  if (digits.length === 8) return /^[02]/.test(digits) ? 'restricted' : 'product'
  if (gtin14.startsWith('9')) return 'variable'
  const gtin13 = gtin14.slice(1)
  return USES.find(([pattern]) => pattern.test(gtin13))?.[1] ?? 'product'
}
