// Which runs hold bytes in the artifact store, and marking those whose bytes go or are gone.

import type { Retained } from '../../artifacts/retention.ts'
import { type Catalog, toInstant } from '../catalog.ts'

export interface RetainedRun extends Retained {
  readonly startedAt: Date
  /** Whether it has parts, and nobody has begun to remove them. */
  readonly archived: boolean
  /** Of the parts that are recorded. */
  readonly storedBytes: number
}

/**
 * Every artifact of the source that is not purged. A run that is under way or held keeps the
 * artifact that it applies, its own or not.
 */
export async function listRetained(db: Catalog, sourceId: number): Promise<RetainedRun[]> {
  const rows = await db.call<{
    run: number
    keyed: boolean
    started_at: string
    finished_at: string | null
    good: boolean
    whole: boolean
    closed: boolean
    held: boolean
    latest: boolean
    archived: boolean
    stored_bytes: number
  }>('list_retained_artifacts', { source: sourceId })
  return rows.map(
    ({ started_at: startedAt, finished_at: finishedAt, stored_bytes: storedBytes, ...run }) => ({
      ...run,
      startedAt: toInstant(startedAt),
      finishedAt: toInstant(finishedAt),
      storedBytes,
    }),
  )
}

/** Notes that the bytes of this run may be gone from now on. Twice is safe. */
export async function beginPurge(db: Catalog, sourceId: number, run: number): Promise<void> {
  await db.call('begin_purge', { source: sourceId, run })
}

/**
 * Notes that the bytes of these runs are gone; how far they had been applied is forgotten with
 * them. Twice is safe.
 */
export async function markPurged(
  db: Catalog,
  sourceId: number,
  runs: readonly number[],
): Promise<void> {
  await db.call('mark_purged', { source: sourceId, runs })
}
