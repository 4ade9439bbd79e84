// Starts or resumes the run of a source for a process that executes all of its tasks.

import { SyncError } from '../core/errors.ts'
import {
  findActiveRun,
  LEASE_MS,
  startRun,
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
  const { db, options } = tools
  const find = () => findActiveRun(db, bound.source.id, chosen.keys, chosen.options)
  let deadOwner: string | null = null
  for (let waitedMs = 0; ;) {
    // Only an automatic sync resumes a fetch-only run; any other sync fetches again.
    const refetch = !chosen.resumeAny && (await find())?.options.stages === 'fetch'
    try {
      return await start(tools, bound, { ...chosen, refetch, deadOwner })
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'run/active') throw error
      const owner = (await find())?.owner ?? null
      const knownOwner: string | null = deadOwner
      deadOwner = owner !== null && isOwnerDead(owner) ? owner : null
      if (deadOwner !== knownOwner && deadOwner !== null) continue
      if (waitedMs >= LEASE_MS || owner === getOwnerName()) throw error
      const seconds = Math.ceil((LEASE_MS - waitedMs) / 1000)
      progress.waiting = `another worker has the lease of this source; waiting ${seconds} s in case it expires`
      await options.wait(CHECK_MS, signal)
      progress.waiting = null
      waitedMs += CHECK_MS
    }
  }
}

async function start(
  { db, correlationId, log }: StartTools,
  { source, normaliserVersion }: BoundSource,
  chosen: ChosenRun & Pick<RunRequest, 'refetch' | 'deadOwner'>,
): Promise<LeasedRun> {
  const { superseded, ...run } = await startRun(db, {
    ...chosen,
    sourceId: source.id,
    normaliserVersion,
    correlationId,
    options: chosen.options ?? {},
    owner: getOwnerName(),
  })
  if (superseded)
    log.warn(
      { source: source.name, run: superseded.id },
      `run ${superseded.id} was ${superseded.state === 'fetched' ? 'only fetched' : 'interrupted'} and is superseded by run ${run.id}, whose request differs`,
    )
  return run
}
