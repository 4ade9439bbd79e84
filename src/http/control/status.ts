// The status object of the API, formatted from the read model.

import type { OpenBreaker } from '../../db/read/limits.ts'
import type { LastRun, SourceSummary, SystemState } from '../../db/read/source-summaries.ts'
import type { Calendar } from '../../sources/due.ts'
import { NO_PROGRESS, toRunProgress, type RunProgress } from './run-progress.ts'
import { listRunErrors, type RunError } from './runs.ts'

export interface Status {
  /** State of the run, or `idle` before the first one. */
  readonly state: string
  readonly source: string | null
  readonly run: number | null
  readonly startedAt: Date | null
  readonly progress: RunProgress
  readonly errors: readonly RunError[]
  readonly sources: readonly SourceStatus[]
  /** The cursor of the next page of sources; null on the last one. */
  readonly next: string | null
  /** The suppliers that get no request because they are down. */
  readonly breakers: readonly OpenBreaker[]
}

interface LastRunStatus {
  readonly run: number
  readonly kind: string
  readonly state: string
  readonly startedAt: Date
  readonly finishedAt: Date | null
}

interface SourceStatus extends Pick<
  SourceSummary,
  | 'source'
  | 'connector'
  | 'state'
  | 'lastGoodAt'
  | 'heldRuns'
  | 'heldPrices'
  | 'latestCopy'
  | 'removalsOff'
  | 'failure'
> {
  /** The newest run of the whole source. */
  readonly lastRun: LastRunStatus | null
  /** The newest refresh, which covers only some products. */
  readonly lastRefresh: LastRunStatus | null
  /**
   * The time at which the next run is due by the current schedule, counted from the last successful
   * one. Null while paused.
   */
  readonly dueAt: Date | null
  readonly late: boolean
}

/** The time, and the calendar that knows the schedules. */
export interface Clock {
  readonly calendar: Calendar
  readonly now: Date
}

/** Builds the status object. For `perSecond`, see `toRunProgress`. */
export function toStatus(
  { run, sources, next, breakers }: SystemState,
  perSecond: number | null,
  clock: Clock,
): Status {
  return {
    state: run?.state ?? 'idle',
    source: run?.source ?? null,
    run: run?.id ?? null,
    startedAt: run?.startedAt ?? null,
    progress: run ? toRunProgress(run, perSecond) : NO_PROGRESS,
    errors: run ? listRunErrors(run) : [],
    sources: sources.map((source) => toSourceStatus(source, clock)),
    next,
    breakers,
  }
}

function toSourceStatus(summary: SourceSummary, { calendar, now }: Clock): SourceStatus {
  const { state, lastRun, lastRefresh } = summary
  const due = state === 'active' ? calendar.dueOf(summary, now) : null
  return {
    source: summary.source,
    connector: summary.connector,
    state,
    lastRun: lastRun && toLastRun(lastRun),
    lastRefresh: lastRefresh && toLastRun(lastRefresh),
    lastGoodAt: summary.lastGoodAt,
    dueAt: due?.at ?? null,
    late: due?.late ?? false,
    heldRuns: summary.heldRuns,
    heldPrices: summary.heldPrices,
    latestCopy: summary.latestCopy,
    removalsOff: summary.removalsOff,
    failure: summary.failure,
  }
}

function toLastRun({ id, kind, state, startedAt, finishedAt }: LastRun): LastRunStatus {
  return { run: id, kind, state, startedAt, finishedAt }
}
