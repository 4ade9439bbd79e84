// Executes the tasks of a run side by side in one process: one fetch, and lanes that apply its
// parts as they arrive; then settle.

import { SyncError } from '../core/errors.ts'
import { addCounts } from '../core/ledger.ts'
import { loadWorkDone, NO_WORK, type WorkDone } from '../db/write/work-done.ts'
import { loadApplyState } from './apply-state.ts'
import type { ApplyState } from './apply/lane.ts'
import type { RunContext } from './context.ts'
import type { TaskResult } from './execute-tasks.ts'
import { PartQueue } from './part-queue.ts'
import { withRetry } from './retry.ts'
import { applyTask, fetchTask, settleTask } from './tasks.ts'

/**
 * Continues from the place where an earlier attempt stopped. Archived and applied parts stay after an
 * error, and the run can be resumed.
 *
 * @throws SyncError see the tasks
 */
export async function executeSideBySide(context: RunContext): Promise<TaskResult> {
  const { progress } = context
  const earlier = await loadEarlierWork(context)
  countEarlierWork(context, earlier)
  const shared = await withRetry(context, 'load', () =>
    loadApplyState(context, earlier.checkpoints),
  )
  progress.phase = 'fetch'
  const queue = new PartQueue()
  await fetchAndApply(context, (fetching, applying) => [
    fetchInto(fetching, shared, earlier, queue),
    ...Array.from({ length: context.options.lanes }, () =>
      applyFrom(applying, shared, earlier, queue),
    ),
  ])
  return settleTask(context)
}

async function fetchInto(
  context: RunContext,
  { hashed }: ApplyState,
  earlier: WorkDone,
  queue: PartQueue,
): Promise<void> {
  const { progress } = context
  try {
    await fetchTask(context, earlier, (part) => queue.push(part), hashed)
  } finally {
    queue.close()
    if (progress.phase === 'fetch') progress.phase = 'apply'
  }
}

async function applyFrom(
  context: RunContext,
  shared: ApplyState,
  { checkpoints }: WorkDone,
  queue: PartQueue,
): Promise<void> {
  for (let part = await queue.take(); part; part = await queue.take()) {
    const { no } = part
    const checkpoint = checkpoints.find(({ partNo }) => partNo === no) ?? null
    await applyTask(context, shared, { part, checkpoint })
  }
}

/**
 * Throws only after the fetch and all lanes have stopped. When the fetch fails, the lanes apply
 * what has arrived. When a lane fails, the other lanes and the fetch stop; but if its error is that
 * too many records are quarantined, the fetch continues, so that the whole artifact can be replayed.
 */
async function fetchAndApply(
  context: RunContext,
  begin: (fetching: RunContext, applying: RunContext) => [Promise<void>, ...Promise<void>[]],
): Promise<void> {
  const stopLanes = new AbortController()
  const stopFetch = new AbortController()
  const until = (stop: AbortController): RunContext => ({
    ...context,
    signal: AbortSignal.any([context.signal, stop.signal]),
  })
  const [fetching, ...lanes] = begin(until(stopFetch), until(stopLanes))
  for (const lane of lanes) {
    lane.catch((error: unknown) => {
      if (stopLanes.signal.aborted) return
      stopLanes.abort(error)
      if (!(error instanceof SyncError) || error.code !== 'run/too-many-quarantined')
        stopFetch.abort(error)
      else
        context.log.info(
          { code: error.code, cause: error.message },
          'no more records are applied, and the rest of the artifact is archived',
        )
    })
  }
  const results = await Promise.allSettled([...lanes, fetching])
  context.signal.throwIfAborted()
  for (const result of results)
    if (result.status === 'rejected')
      throw stopLanes.signal.aborted ? stopLanes.signal.reason : result.reason
}

async function loadEarlierWork(context: RunContext): Promise<WorkDone> {
  const { db, run } = context
  if (!run.resumed && run.artifactRun === run.id) return NO_WORK
  return withRetry(context, 'load', () => loadWorkDone(db, run))
}

/** Adds the lines that earlier attempts fetched and applied to the progress. */
function countEarlierWork({ progress }: RunContext, { parts, checkpoints }: WorkDone): void {
  for (const part of parts) {
    progress.fetchedLines += part.lineCount
    progress.fetchedBytes += part.rawBytes
  }
  for (const { linesDone, counts } of checkpoints) {
    progress.appliedLines += linesDone
    addCounts(progress.counts, counts)
  }
}
