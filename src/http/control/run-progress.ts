// The progress of a run, computed from its summary. In the API, the ledger's created, updated and
// unchanged are called inserted, updated and skipped.

import { countLines } from '../../core/ledger.ts'
import type { RunSummary } from '../../db/read/run-summaries.ts'

/** `start`: nothing is archived yet. A run that stopped early keeps the phase in which it stopped. */
export type Phase = 'start' | 'fetch' | 'apply' | 'settle' | 'done'

export interface RunProgress {
  /** Null before the first run. */
  readonly phase: Phase | null
  /** Archived lines. */
  readonly fetched: number
  readonly applied: number
  /** The supplier's count until the fetch ends, then the lines fetched; null when unknown. */
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

export const NO_PROGRESS: RunProgress = {
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

/** Counts the lines that this run has finished: applied ones, or archived ones of a fetch-only run. */
export function countLinesDone({ options, fetched, outcomes }: RunSummary): number {
  return options.stages === 'fetch' ? fetched : countLines(outcomes)
}

/**
 * Converts a run. `perSecond` is the current throughput in lines per second. With null, the average
 * since the run started is used, which includes interruptions.
 */
export function toRunProgress(run: RunSummary, perSecond: number | null): RunProgress {
  const { outcomes, fetched } = run
  const done = countLinesDone(run)
  const total = countTotal(run)
  const seconds = ((run.finishedAt ?? run.measuredAt).getTime() - run.startedAt.getTime()) / 1000
  const speed = perSecond ?? (seconds > 0 ? done / seconds : 0)
  const moving = run.state === 'running' && speed > 0
  return {
    phase: findPhase(run, done, total),
    fetched,
    applied: countLines(outcomes),
    total,
    percent: toPercent(done, total),
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

function toPercent(done: number, total: number | null): number | null {
  if (total === null) return null
  return total === 0 ? 100 : Math.min(100, Math.floor((1000 * done) / total) / 10)
}

function countTotal({
  options: { offset = 0, limit = Infinity },
  fetchedAll,
  fetched,
  expected,
}: RunSummary): number | null {
  const all = fetchedAll ? fetched : expected
  return all === null ? null : Math.min(limit, Math.max(0, Math.max(all, fetched) - offset))
}

function findPhase(
  { state, fetchedAll, fetched, options }: RunSummary,
  done: number,
  total: number | null,
): Phase {
  if (['succeeded', 'fetched', 'held', 'rejected', 'partial'].includes(state)) return 'done'
  if (!fetchedAll) return fetched === 0 ? 'start' : 'fetch'
  return options.stages === 'fetch' || done < (total ?? 0) ? 'apply' : 'settle'
}
