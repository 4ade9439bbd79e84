// sync: brings a source up to date in this process.

import { SyncError } from '../core/errors.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import { chooseRun, type SyncRequest } from './choose-run.ts'
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
  const { name, state } = bound.source
  if (state === 'paused') throw new SyncError('source/paused', `${name} is paused`)
  return runInProcess(tools, bound, chooseRun(bound, request), controls)
}
