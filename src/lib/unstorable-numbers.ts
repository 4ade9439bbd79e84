// Limits of Postgres for a number in a document. JSON has no limits, so a supplier may send a
// number that jsonb rejects. https://www.postgresql.org/docs/current/datatype-numeric.html: 131,072
// digits before the decimal point, 16,383 after it.

const INTEGER_DIGITS_MAX = 131_072
const FRACTION_DIGITS_MAX = 16_383
const EXPONENT_MAX = 1_000_000_000
const QUOTED_CHARS_MAX = 40

/**
 * An exponent of four digits, or of three with a sign. With a shorter one, jsonb rejects a number
 * only for a long run of digits. V8 skips most of a text for a pattern that begins with characters
 * of a fixed number: it takes half the time of one with an optional sign.
 */
const LONG_EXPONENT = /\d[eE][\d+-]\d\d\d+(?![^\s,\]}])/
const LONG_RUN = 15_000

const STRINGS = /"(?:[^"\\]|\\.)*"/gs
const NUMBERS = /(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?/g

/**
 * Returns the first number in `json` that jsonb rejects, whole or by its length, or null. `json`
 * must be valid.
 */
export function findUnstorableNumber(json: string): string | null {
  // Reading every number would cost 2.5 % of a load; hardly any record needs it.
  if (!LONG_EXPONENT.test(json) && !hasLongRun(json)) return null
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

/** A long run of digits covers two tested positions, which are half its length apart. */
function hasLongRun(json: string): boolean {
  for (let at = LONG_RUN / 2; at < json.length; at += LONG_RUN / 2)
    if (isDigit(json, at) && isDigit(json, at - LONG_RUN / 2)) return true
  return false
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}
