// Decides if a source is due for a full run. Days are counted in the source's zone.

import type { Schedule } from '../db/sources.ts'

const DAY_MS = 86_400_000
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/**
 * True when no full run has settled since the beginning of the latest full-run day, which may be
 * every day, or ever; never for sources without one.
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
