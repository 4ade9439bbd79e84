// One process executes all tasks of a run under one lease: the scheduler of the command line. The
// run's row records the result in every case.

import { toLedger, type Ledger } from '../core/ledger.ts'
import type { RunKind } from '../db/write/runs.ts'
import { loadOptions } from '../normalise/apply-options.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import type { ChosenRun } from './choose-run.ts'
import type { RunContext, RunControls } from './context.ts'
import { executeTasks, type FailedTasks, type TaskResult } from './execute-tasks.ts'
import { executeSideBySide } from './side-by-side.ts'
import { takeRun, type StartTools } from './take-run.ts'

export interface RunReport {
  readonly run: number
  readonly source: string
  readonly kind: RunKind
  readonly resumed: boolean
  readonly state: 'succeeded' | 'held' | 'failed'
  readonly reason: string | null
  readonly ledger: Ledger
  /** For a full run: the reason why it could not detect missing products, and removed none. */
  readonly removalsOff: string | null
  readonly seconds: number
  /** The error of a failed run, for the caller to print. */
  readonly error: unknown
}

/**
 * Starts or resumes the chosen run and executes it to its end. A second call for the same source at
 * the same time throws; the same call after a crash resumes.
 *
 * @throws SyncError `run/active` · `db/…` before the run has started; later errors are in the report
 */
export async function runInProcess(
  tools: StartTools,
  bound: BoundSource,
  chosen: ChosenRun,
  controls: RunControls,
): Promise<RunReport> {
  const startedMs = performance.now()
  const run = await takeRun(tools, bound, chosen, controls)
  const log = tools.log.child({ source: bound.source.name, run: run.id })
  log.info({ kind: run.kind, resumed: run.resumed }, 'run started')
  const applyOptions = await loadOptions(bound.sourceOptions)
  const context: RunContext = { ...tools, ...bound, ...controls, log, run, applyOptions }
  const result = await executeTasks(context, executeSideBySide)
  // The caller prints the error.
  if (result.end === 'failed')
    log.info({ state: result.state, code: result.code, ...result.rates }, 'run ended')
  return {
    run: run.id,
    source: bound.source.name,
    kind: run.kind,
    resumed: run.resumed,
    ...describeResult(context, result),
    seconds: Math.round(performance.now() - startedMs) / 1000,
  }
}

function describeResult(
  { progress, run }: RunContext,
  result: TaskResult | FailedTasks,
): Pick<RunReport, 'state' | 'reason' | 'ledger' | 'removalsOff' | 'error'> {
  if (result.end === 'settled') return { ...result.settled, error: null }
  if (result.end !== 'failed') throw new Error(`Run ${run.id} did not settle: ${result.end}`)
  return {
    state: 'failed',
    reason: result.reason,
    ledger: toLedger(progress.expected, progress.fetchedLines, progress.counts),
    removalsOff: null,
    error: result.error,
  }
}
