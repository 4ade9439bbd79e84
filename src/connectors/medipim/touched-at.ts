// `meta.updatedAt`, unix seconds: the time by which MediPim's records are ordered.

import { isTime, trustedTime } from '../../core/source-time.ts'

/**
 * An earlier value, such as 1 or a time in minutes, counts as missing. It would rank below every
 * other time.
 */
const FIRST_MS = Date.UTC(2002)

/**
 * Returns true for a plausible time. Milliseconds in place of seconds would be in the year 50,000
 * and are not plausible.
 */
export function isTouchedAt(epochMs: number): boolean {
  return epochMs >= FIRST_MS && isTime(epochMs)
}

/**
 * Returns true if a record that arrived at `arrivedMs` (epoch milliseconds) can have been touched
 * at `seconds`.
 */
export function isTrusted(seconds: number, arrivedMs: number): boolean {
  const epochMs = seconds * 1000
  return epochMs >= FIRST_MS && trustedTime(epochMs, arrivedMs) !== null
}
