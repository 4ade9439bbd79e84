// Computes when a source is due by its schedule. Cron is read in the source's time zone, so that a
// nightly run stays nightly when clocks change.

import { Cron } from 'croner'
import { messageOf } from '../core/errors.ts'
import type { Schedule } from '../core/schedule.ts'

/**
 * Time after a due time at which a source is late. A run in progress may have more, see `graceOf`.
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
  /** The duration of its longest recent run; null unless a run is in progress. */
  readonly longestMs: number | null
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
    return toDue(at, now, GRACE_MS)
  }

  /**
   * Returns the due time of a source by its summary. A source that only has refreshes is late when a
   * product is, and a time at which no product was due has passed without a run.
   */
  dueOf({ schedule, dueSinceAt, lateProducts, longestMs }: Scheduled, now: Date): Due {
    const { at } = this.dueAt(schedule, dueSinceAt, now)
    if (lateProducts === null) return toDue(at, now, graceOf(longestMs))
    const next = at !== null && at < now ? this.dueAt(schedule, now, now).at : at
    return { at: next, late: lateProducts }
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

/** A run in progress may take twice as long as the longest recent one before its source is late. */
function graceOf(longestMs: number | null): number {
  return Math.max(GRACE_MS, 2 * (longestMs ?? 0))
}

function toDue(at: Date | null, now: Date, graceMs: number): Due {
  return { at, late: at === null || at.getTime() + graceMs < now.getTime() }
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
