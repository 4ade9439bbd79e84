// sync: brings a source up to date in this process.

import { isReady } from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import { refuseOpenBreaker } from '../sources/open-breaker.ts'
import { chooseImport, chooseKeyedRun, chooseRun, type SyncRequest } from './choose-run.ts'
import type { RunControls } from './context.ts'
import { runInProcess, type RunReport } from './run-in-process.ts'
import type { StartTools } from './take-run.ts'

/** @throws SyncError `source/paused` · `settings/invalid` without a key · see `runInProcess` */
export async function syncSource(
  tools: StartTools,
  bound: BoundSource,
  request: SyncRequest,
  controls: RunControls,
): Promise<RunReport> {
  requireStartable(tools, bound)
  return runInProcess(tools, bound, chooseRun(bound, request), controls)
}

/**
 * Brings only these products up to date, beside any other run of the source.
 *
 * @throws SyncError as `syncSource` · see `chooseKeyedRun`
 */
export async function syncKeys(
  tools: StartTools,
  bound: BoundSource,
  keys: readonly string[],
  controls: RunControls,
): Promise<RunReport> {
  requireStartable(tools, bound)
  return runInProcess(tools, bound, await chooseKeyedRun(tools.db, bound, keys), controls)
}

/**
 * Imports these products for a person who waits: beside any other run, and without waiting for a
 * supplier that is down.
 *
 * @throws SyncError as `syncSource` · `source/circuit-open` · see `chooseImport`
 */
export async function importKeys(
  tools: StartTools,
  bound: BoundSource,
  keys: readonly string[],
  controls: RunControls,
): Promise<RunReport> {
  requireStartable(tools, bound)
  const chosen = chooseImport(bound, keys)
  await refuseOpenBreaker(tools.db, bound)
  return runInProcess(tools, bound, chosen, controls)
}

/**
 * Before a run starts, because without a key the fetch would fail and leave a failed run.
 *
 * @throws SyncError `source/paused` · `settings/invalid` without a key
 */
function requireStartable({ credentials }: StartTools, bound: BoundSource): void {
  const { source, connector, settings } = bound
  if (source.state === 'paused') throw new SyncError('source/paused', `${source.name} is paused`)
  if (!isReady(connector, settings, credentials(bound)))
    throw new SyncError(
      'settings/invalid',
      `${source.name} has no key, so no run was started: ${connector.credentials.hint} in the environment or .env`,
    )
}
