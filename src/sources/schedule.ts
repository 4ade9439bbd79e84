// Decides whether the next run of a source is full. Days are counted in the source's time zone.

import type { Schedule } from '../db/sources.ts'

const DAY_MS = 86_400_000
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/**
 * Returns true if no full run has settled yet, or none since the beginning of the latest full-run
 * day. A source without a full-run day (`fullOn` null) needs only its first full run.
 */
export function isFullDue({ zone, fullOn }: Schedule, lastFullAt: Date | null, now: Date): boolean {
  if (lastFullAt === null) return true
  if (fullOn === null) return false
  const daysSince =
    fullOn === 'every'
      ? 0
      : (WEEKDAYS.indexOf(local(now, zone, { weekday: 'short' })) - fullOn + 7) % 7
  return dateIn(lastFullAt, zone) < dateIn(new Date(now.getTime() - daysSince * DAY_MS), zone)
}

function dateIn(instant: Date, zone: string): string {
  return instant.toLocaleDateString('sv-SE', { timeZone: zone })
}

function local(instant: Date, zone: string, format: Intl.DateTimeFormatOptions): string {
  return instant.toLocaleDateString('en-US', { timeZone: zone, ...format })
}
