// Checks a supplier's times. A time in the future would rank above every later record, so it counts
// as unknown.

/** Tolerance for a supplier's clock ahead of ours; also in `catalog.correct_source_times`. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000

/** The end of the year 9999, the last that ISO 8601 and Postgres write with four digits. */
export const TIME_MAX_MS = 253_402_300_799_999

/**
 * Returns true for a time that Postgres, ISO 8601 and JavaScript can represent. A time up to
 * 1970-01-01 counts as a missing value.
 */
export function isTime(epochMs: number): boolean {
  return epochMs > 0 && epochMs <= TIME_MAX_MS
}

/**
 * Returns the time in epoch milliseconds, or null when it cannot be trusted: absent, not a time, or
 * later than the tolerance after `arrivedMs`, when the record arrived. A time within the tolerance
 * becomes `arrivedMs`, so that the record of the next run is not older.
 */
export function trustedTime(epochMs: number | null, arrivedMs: number): number | null {
  if (epochMs === null || !isTime(epochMs) || epochMs > arrivedMs + CLOCK_TOLERANCE_MS) return null
  return Math.min(epochMs, arrivedMs)
}
