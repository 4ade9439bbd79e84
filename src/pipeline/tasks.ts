// The three tasks of a run: fetch its artifact, apply one part, settle. Each may be executed again
// at any time: it continues from the last commit.

import { findCheckpoint, type StoredCheckpoint } from '../db/write/checkpoints.ts'
import type { WorkDone } from '../db/write/work-done.ts'
import { listParts, measurePart, type StoredPart } from '../db/write/artifacts.ts'
import type { HashedParts } from './apply/hashed-parts.ts'
import { Lane, type ApplyState } from './apply/lane.ts'
import type { LineWindow } from './apply/part-position.ts'
import type { RunContext } from './context.ts'
import type { TaskResult } from './execute-tasks.ts'
import { fetchParts } from './fetch.ts'
import { isPartial, listWindows } from './line-windows.ts'
import { withRetry } from './retry.ts'
import { settle } from './settle.ts'

/**
 * Archives the rest of the artifact, after the `earlier` work, and calls `onPart` in order for every
 * part that still has to be applied. Hashes the lines for `hashed` on the way.
 *
 * @throws SyncError see `fetchParts`
 */
export async function fetchTask(
  context: RunContext,
  earlier: WorkDone,
  onPart: (part: StoredPart) => void,
  hashed: HashedParts | null,
): Promise<TaskResult> {
  const { run, log, progress } = context
  const fetchOnly = run.options.stages === 'fetch'
  if (fetchOnly) await fetchParts(context, earlier, () => undefined, null)
  else await fetchParts(context, earlier, onPart, hashed)
  const { fetchedLines: lines, fetchedBytes: bytes } = progress
  log.info({ lines, bytes }, 'artifact archived')
  if (!fetchOnly) return { end: 'open' }
  return {
    end: 'fetched',
    reason:
      'fetched as requested and not applied yet; the next sync, or maintain-only, resumes here',
  }
}

/** A part, or a window of it, with the checkpoint from which it is applied. */
export interface OpenPart {
  readonly part: StoredPart
  readonly checkpoint: StoredCheckpoint | null
  readonly window?: LineWindow
}

/**
 * Applies one part from its checkpoint. Waits while Postgres is unavailable.
 *
 * @throws SyncError `run/fenced` · `artifact/…`
 */
export async function applyTask(
  context: RunContext,
  state: ApplyState,
  { part, checkpoint, window }: OpenPart,
): Promise<TaskResult> {
  const { db, run } = context
  let load = (): Promise<StoredCheckpoint | null> => Promise.resolve(checkpoint)
  await state.hashed.use(part.no, (hashed) =>
    withRetry(context, 'apply', async () => {
      const last = await load()
      // An attempt that fails may have committed batches.
      load = () => findCheckpoint(db, run, part.no)
      await Lane.use(context, state, (lane) => lane.applyPart({ part, hashed, window }, last))
    }),
  )
  await reportApplied(context, part)
  return { end: 'open' }
}

/** A replay applies parts that arrived long ago, so it reports nothing. */
async function reportApplied(
  { db, run, onApplied, outages }: RunContext,
  { no }: StoredPart,
): Promise<void> {
  if (onApplied === undefined || run.artifactRun !== run.id) return
  try {
    const seconds = await measurePart(db, run, no)
    if (seconds !== null) onApplied(seconds)
  } catch (error) {
    outages.failed(error, { work: 'measure' })
  }
}

/**
 * Settles a run whose parts are all applied. A partial run ends without settling.
 *
 * @throws SyncError `run/fenced`
 */
export async function settleTask(context: RunContext): Promise<TaskResult> {
  const { db, run, source } = context
  const { options, artifactRun } = run
  if (!isPartial(options)) return { end: 'settled', ...(await settle(context)) }
  const windows = listWindows(await listParts(db, source.id, artifactRun), options)
  const lines = [...windows.values()].reduce((sum, { from, to }) => sum + to - from, 0)
  return {
    end: 'partial',
    reason: `${lines} lines after line ${options.offset ?? 0} of artifact ${artifactRun} were applied; a partial run does not settle`,
  }
}
