// Parses instants in the records of a shop. A shop can import a record with any text in place of a
// time.

/**
 * An instant with a time zone. `Date.parse` alone reads a time without a zone as local time, and
 * `Product 5` as a day in 2001.
 */
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/
/**
 * Shopify opened in 2006. An earlier time, such as the first second of 2000, counts as missing. It
 * would rank below every other time.
 */
const FIRST_MS = Date.UTC(2006)

/**
 * Returns epoch milliseconds. Returns null for an absent value, and null with a warning for an
 * implausible one.
 */
export function instantOf(value: unknown, warnings: string[]): number | null {
  if (value === null || value === undefined || value === '') return null
  const text = typeof value === 'string' ? value.trim() : ''
  const [instant, year, month, day] = INSTANT.exec(text) ?? []
  const epochMs =
    instant !== undefined && isDay(Number(year), Number(month), Number(day))
      ? Date.parse(instant)
      : Number.NaN
  if (epochMs >= FIRST_MS) return epochMs
  warnings.push('updated_at is not a valid time: it counts as unknown')
  return null
}

/** `Date.parse` reads the 30th of February as the 2nd of March. */
function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}
