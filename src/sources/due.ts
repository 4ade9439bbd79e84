// Computes when a source is due by its schedule. Cron is read in the source's time zone, so that a
// nightly run stays nightly when clocks change.

import { Cron } from 'croner'
import { messageOf } from '../core/errors.ts'
import type { Schedule } from '../core/schedule.ts'

/**
 * Time after a due time at which a source is late. Until then, its run may still be in progress.
 */
const GRACE_MS = 60 * 60_000
const DAY_MS = 24 * 60 * 60_000
/** Maximum number of cached times, of about 200 bytes each. */
const TIMES_MAX = 10_000

/** When something is due: a run of the whole source, or a refresh. */
export type Times = Pick<Schedule, 'cron' | 'zone'>

/** A source with the members of its summary that decide when it is due. */
interface Scheduled {
  readonly schedule: Schedule
  readonly dueSinceAt: Date
  readonly lateProducts: boolean | null
}

export interface Due {
  /**
   * The first scheduled instant after `sinceAt`, which is in the past if a run was missed. Null:
   * the schedule never occurs, see `faultOf`.
   */
  readonly at: Date | null
  /** Also true for a schedule without a next time, which the operator must correct. */
  readonly late: boolean
}

/**
 * Returns the due time of a source. `sinceAt` is the start of the last successful run, or the time
 * at which the schedule was set, if that was later: a schedule does not apply to the time before.
 */
export function dueAt(times: Times, sinceAt: Date, now: Date): Due {
  return new Calendar().dueAt(times, sinceAt, now)
}

/**
 * Computes the due times of many sources. Keeps what it has computed: parsing cron takes half a
 * millisecond, many sources share a schedule, and the next time of a source changes once a night.
 */
export class Calendar {
  readonly #times = new Map<string, Date | null>()
  readonly #crons = new Map<string, Cron | null>()

  /** As the function `dueAt`. */
  dueAt(times: Times, sinceAt: Date, now: Date): Due {
    const key = JSON.stringify([times.cron, times.zone, sinceAt])
    let at = this.#times.get(key)
    if (at === undefined) {
      if (this.#times.size >= TIMES_MAX) this.#times.clear()
      at = this.#nextTime(times, sinceAt)
      this.#times.set(key, at)
    }
    return dueOf(at, now)
  }

  /**
   * Returns the due time of a source by its summary. A source that only has refreshes is late when a
   * product is, and a time at which no product was due has passed without a run.
   */
  dueOf({ schedule, dueSinceAt, lateProducts }: Scheduled, now: Date): Due {
    const due = this.dueAt(schedule, dueSinceAt, now)
    if (lateProducts === null) return due
    const at = due.at !== null && due.at < now ? this.dueAt(schedule, now, now).at : due.at
    return { at, late: lateProducts }
  }

  /** Returns the time between the next two runs; a day for a schedule without them. */
  intervalMs(times: Times, now: Date): number {
    const next = this.dueAt(times, now, now).at
    const second = next && this.dueAt(times, next, now).at
    return next && second ? second.getTime() - next.getTime() : DAY_MS
  }

  /**
   * Returns null on an error: a source whose time zone this machine does not know must not break the
   * status of all others.
   */
  #nextTime({ cron, zone }: Times, after: Date): Date | null {
    const key = `${cron} ${zone}`
    let parsed = this.#crons.get(key)
    if (parsed === undefined) {
      if (this.#crons.size >= TIMES_MAX) this.#crons.clear()
      parsed = parseCron(cron, zone)
      this.#crons.set(key, parsed)
    }
    try {
      return parsed?.nextRun(after) ?? null
    } catch {
      return null
    }
  }
}

function parseCron(cron: string, zone: string): Cron | null {
  try {
    return new Cron(cron, { timezone: zone, mode: '5-part' })
  } catch {
    return null
  }
}

function dueOf(at: Date | null, now: Date): Due {
  return { at, late: at === null || at.getTime() + GRACE_MS < now.getTime() }
}

/** Describes the error in a schedule, or returns null. */
export function faultOf({ cron, zone }: Times): string | null {
  if (cron.trim().split(/\s+/).length !== 5)
    return (
      `"${cron}" is not a valid cron expression: write minute, hour, day of month, month and ` +
      'day of week, as in 17 3 * * *'
    )
  try {
    return new Cron(cron, { timezone: zone, mode: '5-part' }).nextRun() === null
      ? `"${cron}" in ${zone} never occurs`
      : null
  } catch (error) {
    return `"${cron}" in ${zone} is not a valid schedule: ${messageOf(error)}`
  }
}
