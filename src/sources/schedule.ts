// The default schedule of a source, and whether its next run is full. Days are counted in the
// source's time zone.

import type { Connector } from '../core/connector.ts'
import { KEYS_MAX, type Schedule, WEEKDAYS } from '../core/schedule.ts'
import { hashText } from '../node/hash.ts'

/** The night over which `nightly` sources are spread: from 00:00 to 05:59 UTC. */
const NIGHT_MINUTES = 6 * 60

/**
 * Returns the default schedule of a new source. A source gets a minute of the night or of the hour by
 * the hash of its name, so the same name always has the same minute.
 */
export function chooseSchedule(
  { schedule }: Pick<Connector, 'schedule'>,
  source: string,
): Schedule {
  if (schedule !== 'nightly' && schedule !== 'refresh') return schedule
  const minute = parseInt(hashText(source).slice(0, 8), 16) % NIGHT_MINUTES
  if (schedule === 'refresh') {
    const cron = `${minute % 60} * * * *`
    const refresh = { cron, products: 'due', atMost: KEYS_MAX } as const
    return { cron, zone: 'UTC', fullOn: 'never', refresh }
  }
  return { cron: `${minute % 60} ${Math.floor(minute / 60)} * * *`, zone: 'UTC', fullOn: 'every' }
}

/**
 * Returns true if no full run has settled yet, or none since the beginning of the latest full-run
 * day. A source without a full-run day (`fullOn` none) needs only its first full run.
 */
export function isFullDue({ zone, fullOn }: Schedule, lastFullAt: Date | null, now: Date): boolean {
  if (lastFullAt === null) return true
  if (fullOn === 'none' || fullOn === 'never') return false
  const today = new Date(dateIn(now, zone))
  const daysSince = fullOn === 'every' ? 0 : (today.getUTCDay() - WEEKDAYS.indexOf(fullOn) + 7) % 7
  // Days of the calendar: when clocks change, a day of the zone does not have 24 hours.
  today.setUTCDate(today.getUTCDate() - daysSince)
  return dateIn(lastFullAt, zone) < today.toISOString().slice(0, 10)
}

/** Returns the day as yyyy-mm-dd. Loading the names of a language takes 10 ms, so one is used. */
function dateIn(instant: Date, zone: string): string {
  return instant.toLocaleDateString('sv-SE', { timeZone: zone })
}
