// Postgres' limits for a number in a document. JSON has none, so a supplier may write one that
// jsonb refuses. https://www.postgresql.org/docs/current/datatype-numeric.html: 131,072 digits
// before the decimal point, 16,383 after it.

const INTEGER_DIGITS_MAX = 131_072
const FRACTION_DIGITS_MAX = 16_383
const EXPONENT_MAX = 1_000_000_000
const QUOTED_CHARS_MAX = 40

/**
 * What ends a number outside of a string. With fewer digits in its exponent, a number needs a long
 * run of digits to be refused.
 */
const LONG_EXPONENT = /\d[eE][+-]?\d{4,}(?:[\s,\]}]|$)/
const LONG_RUN = 15_000

const STRINGS = /"(?:[^"\\]|\\.)*"/gs
const NUMBERS = /(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?/g

/**
 * The first number in `json` that jsonb refuses, as it is written or by its length, never a piece
 * of it, or null. `json` must be valid.
 */
export function findUnstorableNumber(json: string): string | null {
  // Reading every number of a load would cost it a fortieth; hardly a record passes this.
  if (!LONG_EXPONENT.test(json) && !mayHoldLongRun(json)) return null
  for (const [written, integer = '', fraction = '', exponent = '0'] of json
    .replace(STRINGS, '""')
    .matchAll(NUMBERS)) {
    if (isUnstorable(integer, fraction, Number(exponent)))
      return written.length > QUOTED_CHARS_MAX
        ? `a number of ${written.length} characters`
        : written
  }
  return null
}

function isUnstorable(integer: string, fraction: string, exponent: number): boolean {
  if (Math.abs(exponent) > EXPONENT_MAX || fraction.length - exponent > FRACTION_DIGITS_MAX)
    return true
  const digits = (integer + fraction).replace(/^0+/, '')
  const leadingZeros = integer.length + fraction.length - digits.length
  return digits !== '' && integer.length - leadingZeros + exponent > INTEGER_DIGITS_MAX
}

/** A run of so many digits covers two places that are half of it apart. */
function mayHoldLongRun(json: string): boolean {
  for (let at = LONG_RUN / 2; at < json.length; at += LONG_RUN / 2)
    if (isDigit(json, at) && isDigit(json, at - LONG_RUN / 2)) return true
  return false
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}
