// The driver: executes tasks of a leased run, and records the end of a run that does not settle.
// The command line (run-in-process.ts) and the queue (src/jobs) are two schedulers over it: they
// decide which tasks one lease covers, and whether a failed task is tried again.

import type { ErrorCode } from '../core/error-table.ts'
import { rateSuccess, type SuccessRates } from '../core/ledger.ts'
import { isStop, messageOf, SyncError } from '../core/errors.ts'
import { toSyncError } from '../db/errors.ts'
import { endRun, type Settled } from '../db/write/runs.ts'
import type { RunContext } from './context.ts'
import { withLease } from './lease.ts'
import { isRetried } from './retry.ts'
import { sanitizeText } from './sanitize-text.ts'

export type TaskResult =
  /** The run stays open: other tasks are left. */
  | { readonly end: 'open' }
  | { readonly end: 'settled'; readonly settled: Settled; readonly rates: SuccessRates }
  /** The run did everything it was requested to do, and does not settle. */
  | { readonly end: 'fetched' | 'partial'; readonly reason: string }

export interface FailedTasks extends FailedRun {
  readonly end: 'failed'
  readonly error: unknown
  /**
   * The run has ended already, or another worker has taken over the task: this worker has nothing
   * left to do.
   */
  readonly lost: boolean
  /** The error has ended the run. */
  readonly ended: boolean
  /** Those of this process. */
  readonly rates: SuccessRates
}

/** The end of a run after an error. A later sync resumes a run that is `interrupted`. */
export interface FailedRun {
  readonly state: 'interrupted' | 'failed'
  readonly code: ErrorCode | null
  /** Redacted. */
  readonly reason: string
}

/**
 * Executes `tasks` under the lease of `context.run`. An error ends the run, unless `staysOpen`
 * returns true for it: then the scheduler tries the task again. Never throws an error of the tasks,
 * and does not log it: the caller reports it.
 */
export async function executeTasks(
  context: RunContext,
  tasks: (context: RunContext) => Promise<TaskResult>,
  staysOpen: (error: unknown) => boolean = () => false,
): Promise<TaskResult | FailedTasks> {
  const { db, run, log, progress } = context
  try {
    const result = await withLease(context, async (signal) => {
      const done = await tasks({ ...context, signal })
      if (done.end === 'fetched' || done.end === 'partial')
        await endRun(db, run, { state: done.end, code: null, reason: done.reason })
      return done
    })
    if (result.end === 'settled') log.info({ ...result.settled, ...result.rates }, 'run settled')
    if (result.end === 'fetched' || result.end === 'partial')
      log.info(
        { state: result.end, ...rateSuccess(progress.counts, progress.requestCount) },
        result.reason,
      )
    return result
  } catch (thrown) {
    const error = toSyncError(thrown)
    const lost = isLost(error)
    const failed = describeFailure(context, error)
    const ended = !lost && !staysOpen(error)
    if (ended) await endFailedRun(context, failed)
    const rates = rateSuccess(progress.counts, progress.requestCount)
    return { end: 'failed', error, lost, ended, rates, ...failed }
  }
}

async function endFailedRun(
  { db, run, log, outages }: RunContext,
  failed: FailedRun,
): Promise<void> {
  const startedMs = performance.now()
  await endRun(db, run, failed).catch((cause: unknown) => {
    if (!outages.failed(toSyncError(cause), { work: 'end', startedMs }))
      log.warn(
        { cause: String(cause) },
        'the end of the run could not be recorded; another worker can take over when the lease expires',
      )
  })
}

/** An error without a code is a bug: a retry would only repeat it. */
function describeFailure(tools: Pick<RunContext, 'redact' | 'run'>, error: unknown): FailedRun {
  const code = error instanceof SyncError ? error.code : null
  if (isStop(error))
    return { state: 'interrupted', code, reason: 'cancelled; the next sync resumes here' }
  if (error instanceof SyncError)
    return {
      state: isRetried(tools.run, error) ? 'interrupted' : 'failed',
      code,
      reason: sanitizeText(tools, error.message),
    }
  return {
    state: 'failed',
    code,
    reason: `internal error: ${sanitizeText(tools, messageOf(error))}`,
  }
}

const LOST: readonly ErrorCode[] = ['run/over', 'run/active', 'run/fenced', 'run/cancelled']

/** True when the run has ended, or its task belongs to another worker. */
export function isLost(error: unknown): error is SyncError {
  return error instanceof SyncError && LOST.includes(error.code)
}
