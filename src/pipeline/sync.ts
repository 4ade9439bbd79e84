// sync: brings a source up to date in this process.

import { SyncError } from '../core/errors.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import { chooseKeyedRun, chooseRun, type SyncRequest } from './choose-run.ts'
import type { RunControls } from './context.ts'
import { runInProcess, type RunReport } from './run-in-process.ts'
import type { StartTools } from './take-run.ts'

/** @throws SyncError `source/paused` · see `runInProcess` */
export async function syncSource(
  tools: StartTools,
  bound: BoundSource,
  request: SyncRequest,
  controls: RunControls,
): Promise<RunReport> {
  refusePaused(bound)
  return runInProcess(tools, bound, chooseRun(bound, request), controls)
}

/**
 * Brings only these products up to date, beside any other run of the source.
 *
 * @throws SyncError `source/paused` · see `chooseKeyedRun` and `runInProcess`
 */
export async function syncKeys(
  tools: StartTools,
  bound: BoundSource,
  keys: readonly string[],
  controls: RunControls,
): Promise<RunReport> {
  refusePaused(bound)
  return runInProcess(tools, bound, await chooseKeyedRun(tools.db, bound, keys), controls)
}

function refusePaused({ source: { name, state } }: BoundSource): void {
  if (state === 'paused') throw new SyncError('source/paused', `${name} is paused`)
}
