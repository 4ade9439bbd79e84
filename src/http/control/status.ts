// How things stand, in the words of the requirements: inserted, updated and skipped are what the
// ledger calls created, updated and unchanged. Pure: from rows to JSON.

import { ERRORS } from '../../core/errors.ts'
import { countLines } from '../../core/ledger.ts'
import type { RunStanding, SourceStanding } from '../../db/read/status.ts'
import type { Calendar } from '../../sources/due.ts'

/**
 * `start`: nothing is archived yet. Of a run that stopped on the way, where it stopped; null when
 * there was never a run.
 */
export type Phase = 'start' | 'fetch' | 'apply' | 'settle' | 'done'

export interface RunProgress {
  readonly phase: Phase | null
  /** Lines. */
  readonly fetched: number
  readonly applied: number
  /**
   * What the supplier said it has, until everything is fetched; then what was. Null: it did not
   * say.
   */
  readonly total: number | null
  readonly percent: number | null
  readonly perSecond: number | null
  readonly etaSeconds: number | null
  readonly inserted: number
  readonly updated: number
  readonly skipped: number
  readonly quarantined: number
  readonly held: number
  readonly removed: number
}

export interface RunError {
  /** Null when a run is held: then it is no error but a decision that somebody has to take. */
  readonly code: string | null
  readonly message: string
  readonly hint: string | null
}

export interface Status {
  /** The run's, or `idle` before there was one. */
  readonly state: string
  readonly source: string | null
  readonly run: number | null
  readonly startedAt: Date | null
  readonly progress: RunProgress
  readonly errors: readonly RunError[]
  readonly sources: readonly SourceStatus[]
}

interface SourceStatus extends Pick<
  SourceStanding,
  | 'source'
  | 'connector'
  | 'state'
  | 'lastRun'
  | 'lastGoodAt'
  | 'heldRuns'
  | 'heldPrices'
  | 'latestCopy'
  | 'removalsOff'
> {
  /**
   * When the next run after the last good one should have begun or will begin, by the schedule as
   * it is now. Null while paused.
   */
  readonly dueAt: Date | null
  readonly late: boolean
}

const IDLE: RunProgress = {
  phase: null,
  fetched: 0,
  applied: 0,
  total: null,
  percent: null,
  perSecond: null,
  etaSeconds: null,
  inserted: 0,
  updated: 0,
  skipped: 0,
  quarantined: 0,
  held: 0,
  removed: 0,
}

/** `perSecond`: see `progressOf`. */
export function describeStatus(
  run: RunStanding | null,
  sources: readonly SourceStanding[],
  perSecond: number | null,
  calendar: Calendar,
  now: Date,
): Status {
  return {
    state: run?.state ?? 'idle',
    source: run?.source ?? null,
    run: run?.run ?? null,
    startedAt: run?.startedAt ?? null,
    progress: run ? progressOf(run, perSecond) : IDLE,
    errors: run ? errorsOf(run) : [],
    sources: sources.map((source) => describeSource(source, calendar, now)),
  }
}

/** One run, under way or over. */
export function describeRun(run: RunStanding): object {
  const { source, kind, state, correlationId, startedAt, finishedAt, removalsOff } = run
  return {
    run: run.run,
    source,
    kind,
    state,
    correlationId,
    startedAt,
    finishedAt,
    removalsOff,
    progress: progressOf(run, null),
    errors: errorsOf(run),
  }
}

/**
 * Lines that this run has behind it: applied, or only archived when that is all it was asked to do.
 */
export function linesDone({ options, fetched, outcomes }: RunStanding): number {
  return options.stages === 'fetch' ? fetched : countLines(outcomes)
}

/**
 * `perSecond`: how fast the run moves now. Null: the average since it started, in which an
 * interrupted run lay still for a while.
 */
export function progressOf(run: RunStanding, perSecond: number | null): RunProgress {
  const { outcomes, fetched } = run
  const done = linesDone(run)
  const total = totalOf(run)
  const seconds = ((run.finishedAt ?? run.measuredAt).getTime() - run.startedAt.getTime()) / 1000
  const speed = perSecond ?? (seconds > 0 ? done / seconds : 0)
  const moving = run.state === 'running' && speed > 0
  return {
    phase: phaseOf(run, done, total),
    fetched,
    applied: countLines(outcomes),
    total,
    percent:
      total === null
        ? null
        : total === 0
          ? 100
          : Math.min(100, Math.floor((1000 * done) / total) / 10),
    perSecond: Math.round(10 * speed) / 10,
    etaSeconds: moving && total !== null ? Math.ceil(Math.max(0, total - done) / speed) : null,
    inserted: outcomes.created,
    updated: outcomes.updated,
    skipped: outcomes.unchanged,
    quarantined: outcomes.quarantined,
    held: outcomes.held,
    removed: run.removed,
  }
}

function totalOf({
  options: { offset = 0, limit = Infinity },
  fetchedAll,
  fetched,
  expected,
}: RunStanding): number | null {
  const all = fetchedAll ? fetched : expected
  return all === null ? null : Math.min(limit, Math.max(0, Math.max(all, fetched) - offset))
}

function phaseOf(
  { state, fetchedAll, fetched, options }: RunStanding,
  done: number,
  total: number | null,
): Phase {
  if (['succeeded', 'fetched', 'held', 'rejected', 'partial'].includes(state)) return 'done'
  if (!fetchedAll) return fetched === 0 ? 'start' : 'fetch'
  return options.stages === 'fetch' || done < (total ?? 0) ? 'apply' : 'settle'
}

function errorsOf({ run, state, errorCode, reason }: RunStanding): RunError[] {
  if (reason === null || !['failed', 'interrupted', 'held', 'rejected'].includes(state)) return []
  const known: Readonly<Record<string, { readonly hint: string }>> = ERRORS
  const decide = `Look at it with \`shelfsync runs show ${run}\`, then \`shelfsync runs approve ${run}\`, or \`reject\`.`
  return [
    {
      code: errorCode,
      message: reason,
      hint: known[errorCode ?? '']?.hint ?? (state === 'held' ? decide : null),
    },
  ]
}

function describeSource(standing: SourceStanding, calendar: Calendar, now: Date): SourceStatus {
  const {
    source,
    connector,
    state,
    lastRun,
    lastGoodAt,
    heldRuns,
    heldPrices,
    latestCopy,
    removalsOff,
    schedule,
    dueSinceAt,
  } = standing
  const due = state === 'active' ? calendar.dueAt(schedule, dueSinceAt, now) : null
  return {
    source,
    connector,
    state,
    lastRun,
    lastGoodAt,
    dueAt: due?.at ?? null,
    late: due?.late ?? false,
    heldRuns,
    heldPrices,
    latestCopy,
    removalsOff,
  }
}
