// Decides whether the next run of a source is full. Days are counted in the source's time zone.

import { type Schedule, WEEKDAYS } from '../core/schedule.ts'

const DAY_MS = 86_400_000

/**
 * Returns true if no full run has settled yet, or none since the beginning of the latest full-run
 * day. A source without a full-run day (`fullOn` none) needs only its first full run.
 */
export function isFullDue({ zone, fullOn }: Schedule, lastFullAt: Date | null, now: Date): boolean {
  if (lastFullAt === null) return true
  if (fullOn === 'none') return false
  const weekday = new Date(dateIn(now, zone)).getUTCDay()
  const daysSince = fullOn === 'every' ? 0 : (weekday - WEEKDAYS.indexOf(fullOn) + 7) % 7
  return dateIn(lastFullAt, zone) < dateIn(new Date(now.getTime() - daysSince * DAY_MS), zone)
}

/** Returns the day as yyyy-mm-dd. Loading the names of a language takes 10 ms, so one is used. */
function dateIn(instant: Date, zone: string): string {
  return instant.toLocaleDateString('sv-SE', { timeZone: zone })
}
