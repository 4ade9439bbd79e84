// `meta.updatedAt`, unix seconds: the time by which MediPim's records are ordered.

import { isTime, trustedTime } from '../../core/source-time.ts'

/**
 * An earlier time, such as 1 or one in minutes, stands for a missing one, and would rank below
 * every other.
 */
const FIRST_MS = Date.UTC(2002)

/** Milliseconds in place of seconds mean the year 50,000, which counts as unknown as well. */
export function isTouchedAt(epochMs: number): boolean {
  return epochMs >= FIRST_MS && isTime(epochMs)
}

/**
 * True when a record that arrived at `arrivedMs` (epoch milliseconds) can have been touched at
 * `seconds`.
 */
export function isTrusted(seconds: number, arrivedMs: number): boolean {
  return isTouchedAt(seconds * 1000) && trustedTime(seconds * 1000, arrivedMs) !== null
}
