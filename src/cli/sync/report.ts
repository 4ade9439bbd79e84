// The result of a run as text, as one JSON line, and as an exit code.

import type { ErrorCode } from '../../core/error-table.ts'
import { hasAction, isAbort, isStop, messageOf, SyncError } from '../../core/errors.ts'
import { emptyCounts, toLedger, type Ledger } from '../../core/ledger.ts'
import { toSyncError } from '../../db/errors.ts'
import { formatDuration } from '../../lib/format-duration.ts'
import { readPeakMemoryBytes } from '../../node/peak-memory.ts'
import type { Progress } from '../../pipeline/context.ts'
import type { RunReport } from '../../pipeline/run-in-process.ts'
import { EXIT } from '../cli.ts'
import type { Output } from '../terminal/output.ts'
import { formatBytes } from '../../format/format.ts'
import { formatCount, formatQuantity } from '../../lib/words.ts'

/**
 * The report of a run, or of a sync that could not start a run. In the second case `run` and `kind`
 * are null, and `source` is null if it is unknown.
 */
export type Report = Omit<RunReport, 'run' | 'kind' | 'source'> & {
  readonly run: number | null
  readonly source: string | null
  readonly kind: RunReport['kind'] | null
}

/** Returns the report of a sync that was refused before it started a run. */
export function toRefusedReport(source: string | null, thrown: unknown): Report {
  const error = toSyncError(thrown)
  return { ...NO_RUN, source, state: 'failed', reason: messageOf(error), error }
}

/** Returns the report of a sync without an active source. */
export function toIdleReport(reason: string): Report {
  return { ...NO_RUN, source: null, state: 'succeeded', reason, error: null }
}

const NO_RUN = {
  run: null,
  kind: null,
  resumed: false,
  ledger: toLedger(null, 0, emptyCounts()),
  removalsOff: null,
  seconds: 0,
}

export function toExitCode({ state, error }: Report): number {
  if (isStop(error)) return EXIT.interrupted
  return state === 'succeeded' ? EXIT.green : state === 'held' ? EXIT.held : EXIT.failed
}

/**
 * Prints the report to standard output, and the error of a failed run to standard error. With --json,
 * the report contains the error.
 */
export function printReport(output: Output, report: Report, progress: Progress): void {
  if (!output.json && report.run === null) return output.error(report.error)
  output.result(toReportJson(report, progress), formatReport(report, progress))
  output.isReported = true
  if (output.json && report.error instanceof Error) output.reportedError = report.error
  if (report.state === 'failed') output.error(report.error)
}

/** The order of these keys is stable; new keys are added at the end. */
export function toReportJson(report: Report, { fetchedBytes }: Progress): unknown {
  const { run, source, state, reason, ledger, removalsOff, seconds, kind, resumed, error } = report
  const { code, hint } = describeError(error)
  return {
    run,
    source,
    state,
    reason,
    ledger: {
      expected: ledger.expected,
      fetched: ledger.fetched,
      created: ledger.created,
      updated: ledger.updated,
      unchanged: ledger.unchanged,
      older: ledger.older,
      duplicate: ledger.duplicate,
      blank: ledger.blank,
      quarantined: ledger.quarantined,
      held: ledger.held,
      removed: ledger.removed,
      missing: ledger.missing,
    },
    seconds,
    kind,
    resumed,
    code,
    bytes: fetchedBytes,
    peakMemoryBytes: readPeakMemoryBytes(),
    removalsOff,
    hint,
  }
}

/** Returns the code and the hint of the error in a report. */
export function describeError(error: unknown): {
  readonly code: ErrorCode | null
  readonly hint: string | null
} {
  if (isStop(error)) return { code: 'run/cancelled', hint: null }
  return error instanceof SyncError ? error : { code: null, hint: null }
}

/**
 * ```
 * my-shop: full run 7 succeeded in 12 s
 *   fetched 20,000 · created 12 · updated 188 · unchanged 19,800 · held 0 · quarantined 0 · removed 3 · missing 0
 *   1,610 products/s · 9.1 MB/s · peak memory 182 MB
 * ```
 */
export function formatReport(report: Report, { fetchedBytes }: Progress): string {
  const { run, source, kind, resumed, state, reason, ledger, seconds } = report
  // The ledger of a resumed run includes earlier attempts, whose duration is unknown here.
  const rates =
    resumed || seconds === 0 || ledger.fetched === 0
      ? []
      : [
          `${formatCount(ledger.fetched / seconds)} products/s`,
          `${formatBytes(fetchedBytes / seconds)}/s`,
        ]
  return [
    `${source}: ${kind} run ${run} ${describeEnd(report)} ${formatDuration(seconds)}${resumed ? ', resumed' : ''}`,
    ...(reason !== null && state === 'held' ? [`  because: ${reason}`] : []),
    `  ${formatLedger(ledger)}`,
    ...formatRemovalsOff(report.removalsOff),
    `  ${[...rates, `peak memory ${formatBytes(readPeakMemoryBytes())}`].join(' · ')}`,
    ...listNextSteps(report).map((step) => `  ${step}`),
  ].join('\n')
}

/**
 * Formats the result of one run among many, with its next steps:
 *
 * ```
 * my-shop: full run 7 succeeded in 12 s · created 12 · updated 188
 * ```
 */
export function formatOutcome(report: Report): string {
  const { run, source, kind, resumed, reason, ledger, state, seconds } = report
  if (run === null) return `${source}: no run was started`
  const counts = (['created', 'updated', 'removed', 'held', 'quarantined', 'missing'] as const)
    .filter((name) => ledger[name] > 0)
    .map((name) => ` · ${name} ${formatCount(ledger[name])}`)
  return [
    `${source}: ${kind} run ${run} ${describeEnd(report)} ${formatDuration(seconds)}${resumed ? ', resumed' : ''}${counts.join('')}`,
    ...(reason !== null && state === 'held' ? [`  because: ${reason}`] : []),
    ...formatRemovalsOff(report.removalsOff),
    ...listNextSteps(report).map((step) => `  ${step}`),
  ].join('\n')
}

function describeEnd({ state, error }: Report): string {
  if (isStop(error)) return 'was stopped after'
  if (isAbort(error)) return 'was cancelled after'
  if (hasAction(error, 'retry')) return 'was interrupted after'
  if (state === 'held') return 'is held after'
  return state === 'failed' ? 'failed after' : `${state} in`
}

/** Returns one line if a full run could not determine the missing products, otherwise none. */
export function formatRemovalsOff(removalsOff: string | null): string[] {
  return removalsOff === null ? [] : [`  removals are off: ${removalsOff}`]
}

/** Formats the main counts, and the others if they are not 0. */
export function formatLedger(ledger: Ledger): string {
  const always = [
    'fetched',
    'created',
    'updated',
    'unchanged',
    'held',
    'quarantined',
    'removed',
    'missing',
  ] as const
  const sometimes = ['older', 'duplicate', 'blank'] as const
  return [...always, ...sometimes.filter((name) => ledger[name] > 0)]
    .map((name) => `${name} ${formatCount(ledger[name])}`)
    .join(' · ')
}

function listNextSteps({ run, source, kind, state, ledger, error }: Report): string[] {
  const steps = []
  if (state === 'held')
    steps.push(
      `decide: shelfsync runs diff ${run} · shelfsync runs approve ${run} · shelfsync runs reject ${run}`,
    )
  if (ledger.held > 0)
    steps.push(
      `${formatQuantity(ledger.held, 'product')} with a held price: shelfsync reviews --source ${source}`,
    )
  if (ledger.quarantined > 0)
    steps.push(
      `${formatQuantity(ledger.quarantined, 'record')} in quarantine: shelfsync quarantine --source ${source}`,
    )
  if (ledger.missing > 0)
    steps.push(
      `${formatQuantity(ledger.missing, 'product')} missing: removed if ${state === 'held' ? 'the run is approved' : `the next full run does not see ${ledger.missing === 1 ? 'it' : 'them'} either`}`,
    )
  if (isStop(error) || hasAction(error, 'retry')) steps.push(`resume: shelfsync sync ${source}`)
  else if (state === 'failed' && kind !== 'replay' && !isMoved(error))
    steps.push(`try again: shelfsync sync ${source}`)
  return steps
}

/** The message of this error names the command to run instead. */
function isMoved(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'source/moved'
}
