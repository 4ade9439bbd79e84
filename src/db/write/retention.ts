// Reads the runs that have bytes in the artifact store, and records their purge.

import type { Retained } from '../../artifacts/retention.ts'
import { type Catalog, one, toInstant } from '../catalog.ts'

export interface RetainedRun extends Retained {
  readonly startedAt: Date
  /** True when it has parts and no purge of it has begun. */
  readonly archived: boolean
  /** The sum over its parts. */
  readonly storedBytes: number
}

/**
 * Lists every artifact of the source that is not purged. `finishedAt` is null while a run that
 * applies the artifact is active, and `held` is true while such a run is held.
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
    expired: boolean
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

/** Rows of each table that one call purges. */
const ROWS_MAX = 1_000

/**
 * Removes content whose licence has ended from every table, in short transactions. Returns the
 * number of rows. Calling it twice, or from two processes at once, is safe.
 */
export async function purgeExpiredRows(db: Catalog): Promise<number> {
  let purged = 0
  for (;;) {
    const rows = one(await db.call<number>('purge_expired', { limit: ROWS_MAX }))
    if (rows === 0) return purged
    purged += rows
  }
}

/** Marks that the bytes of this run may be missing from now on. Calling it twice is safe. */
export async function beginPurge(db: Catalog, sourceId: number, run: number): Promise<void> {
  await db.call('begin_purge', { source: sourceId, run })
}

/**
 * Marks that the bytes of these runs are removed, and deletes their checkpoints. Calling it twice
 * is safe.
 */
export async function markPurged(
  db: Catalog,
  sourceId: number,
  runs: readonly number[],
): Promise<void> {
  await db.call('mark_purged', { source: sourceId, runs })
}
