// When a source is due by its own schedule. Cron is read in the source's zone, so that a night stays a night when clocks change.

import { Cron } from 'croner'
import type { Schedule } from '../db/sources.ts'

/** A run that is this much behind its schedule is late; before that it may just be under way. */
const GRACE_MS = 60 * 60_000

export interface Due {
  /** The first scheduled instant after the last good run; in the past when that was missed. Null: the schedule never comes, see `faultOf`. */
  readonly at: Date | null
  /** Also of a schedule that never comes: somebody has to look. */
  readonly late: boolean
}

/** `lastGoodAt`: when the last run that succeeded began, or when the source was added. */
export function dueAt(schedule: Schedule, lastGoodAt: Date, now: Date): Due {
  // One source whose zone this machine does not know must not hide how all others stand.
  const at = faultOf(schedule) === null ? new Cron(schedule.cron, { timezone: schedule.zone }).nextRun(lastGoodAt) : null
  return { at, late: at === null || at.getTime() + GRACE_MS < now.getTime() }
}

/** What is wrong with a schedule, in words, or null. */
export function faultOf({ cron, zone }: Pick<Schedule, 'cron' | 'zone'>): string | null {
  try {
    return new Cron(cron, { timezone: zone, mode: '5-part' }).nextRun() === null ? `"${cron}" in ${zone} never comes` : null
  } catch (error) {
    return `"${cron}" in ${zone} is no schedule: ${error instanceof Error ? error.message : String(error)}`
  }
}
