// Starts or resumes the run of a source for a process that executes all of its tasks.

import { SyncError } from '../core/errors.ts'
import {
  findActiveRun,
  LEASE_MS,
  startRun,
  type ActiveRun,
  type LeasedRun,
  type RunRequest,
} from '../db/write/runs.ts'
import { getOwnerName, isOwnerDead } from '../node/process-owner.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import type { ChosenRun } from './choose-run.ts'
import type { PipelineTools, RunControls } from './context.ts'

export interface StartTools extends PipelineTools {
  /** Recorded in the run, so that the log lines of a command can be found by it. */
  readonly correlationId: string
}

/** Interval at which a leased run is checked again. */
const CHECK_MS = 1000

/**
 * Starts or resumes the chosen run. The run of a worker that died on this machine is taken over at
 * once; that of a worker on another machine when its lease expires.
 *
 * @throws SyncError `run/active` when another worker keeps renewing its lease
 */
export async function takeRun(
  tools: StartTools,
  bound: BoundSource,
  chosen: ChosenRun,
  { progress, signal }: RunControls,
): Promise<LeasedRun> {
  const { db, options, log } = tools
  const { source } = bound
  for (let waitedMs = 0; ; waitedMs += CHECK_MS) {
    const active = await findActiveRun(db, source.id, chosen.keys)
    try {
      const run = await startRun(db, toRunRequest(tools, bound, chosen, active))
      if (active && active.id !== run.id)
        log.warn(
          { source: source.name, run: active.id },
          `run ${active.id} was ${active.state === 'fetched' ? 'only fetched' : 'interrupted'} and is superseded by run ${run.id}, whose request differs`,
        )
      return run
    } catch (error) {
      const isActive = error instanceof SyncError && error.code === 'run/active'
      if (!isActive || waitedMs >= LEASE_MS || active?.owner === getOwnerName()) throw error
      const seconds = Math.ceil((LEASE_MS - waitedMs) / 1000)
      progress.waiting = `another worker has the lease of this source; waiting ${seconds} s in case it expires`
      await options.wait(CHECK_MS, signal)
      progress.waiting = null
    }
  }
}

function toRunRequest(
  { correlationId }: StartTools,
  { source, connector }: BoundSource,
  chosen: ChosenRun,
  active: ActiveRun | null,
): RunRequest {
  return {
    ...chosen,
    sourceId: source.id,
    normaliserVersion: connector.normaliserVersion,
    correlationId,
    options: {},
    owner: getOwnerName(),
    deadOwner: active?.owner && isOwnerDead(active.owner) ? active.owner : null,
    // Only an automatic sync resumes a fetch-only run; any other sync fetches again.
    refetch: !chosen.resumeAny && active?.options.stages === 'fetch',
  }
}
