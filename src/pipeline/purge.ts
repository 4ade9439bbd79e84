// purge: removes the artifacts of runs that are no longer kept, and then records it. If it is
// interrupted in between, the next purge repeats it.

import { toLatestKey } from '../artifacts/latest-file.ts'
import { toArtifactPrefix } from '../artifacts/manifest.ts'
import { type Keep, selectRunsToPurge, selectRunsForRebuild } from '../artifacts/retention.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { Catalog } from '../db/catalog.ts'
import {
  beginPurge,
  listRetained,
  markPurged,
  purgeExpiredRows,
  type RetainedRun,
} from '../db/write/retention.ts'
import { listSources, saveCopy, type Source } from '../db/sources.ts'
import type { Log } from './context.ts'

export interface PurgeTools {
  readonly db: Catalog
  readonly store: ArtifactStore
  readonly log: Log
}

export interface Purged {
  readonly source: string
  readonly runs: readonly number[]
  /** Recorded size of what was removed, or would be. */
  readonly storedBytes: number
  /** Runs that were not purged because their artifacts are not in this store. */
  readonly elsewhere: readonly number[]
  /** Runs that are kept because a rebuild of the catalogue needs them. */
  readonly rebuild: readonly number[]
}

/**
 * Removes content whose licence has ended: rows of all sources, then the archives of those whose
 * policy limits it. Calling it twice is safe.
 *
 * @throws SyncError `artifact/unwritable` · `db/…`
 */
export async function purgeExpired(tools: PurgeTools): Promise<void> {
  const rows = await purgeExpiredRows(tools.db)
  if (rows > 0) tools.log.info({ rows }, 'expired content purged')
  for (const source of await listSources(tools.db)) {
    if (source.policy.expiresAfterHours === null) continue
    const { runs, storedBytes } = await purgeSource(tools, source, 'all')
    if (runs.length > 0)
      tools.log.info({ source: source.name, runs, storedBytes }, 'expired artifacts purged')
  }
}

/**
 * Removes all objects of the purged runs, including manifests and unrecorded parts. Their rows stay
 * and become `purged`. A run whose parts are not in this store is reported and not purged: its
 * objects are most likely where ARTIFACTS pointed before.
 *
 * @throws SyncError `artifact/unwritable`; objects removed before the error stay removed
 */
export async function purgeSource(
  { db, store, log }: PurgeTools,
  source: Source,
  keep: Keep,
  { dryRun = false } = {},
): Promise<Purged> {
  const purged: RetainedRun[] = []
  const elsewhere: number[] = []
  const retained = await listRetained(db, source.id)
  // The copy is written for sources whose content does not expire.
  if (source.policy.expiresAfterHours !== null && source.copy !== null && !dryRun) {
    await store.remove([source.name, ...source.formerNames].map(toLatestKey))
    await saveCopy(db, source.id, null)
  }
  const rebuild = keep === 'none' ? [] : selectRunsForRebuild(retained).map(({ run }) => run)
  for (const retainedRun of selectRunsToPurge(retained, keep)) {
    const { run } = retainedRun
    const keys = await listArtifactKeys(store, source, retainedRun)
    if (keys.length === 0 && (await isElsewhere(db, source, run))) {
      elsewhere.push(run)
      continue
    }
    if (!dryRun) {
      // Recorded before the first object is removed, so that a later purge that finds none knows
      // that they were removed here. Other objects of the source in the store prove nothing: after
      // ARTIFACTS has changed, the new store has those of later runs.
      await beginPurge(db, source.id, run)
      await store.remove(keys)
      await markPurged(db, source.id, [run])
    }
    purged.push(retainedRun)
  }
  if (elsewhere.length > 0) {
    const runs = `run${elsewhere.length === 1 ? '' : 's'} ${elsewhere.join(', ')}`
    log.warn(
      { source: source.name, runs: elsewhere },
      `the artifacts of ${runs} are not in this store, ${store.describe()}, and were not purged. Was ARTIFACTS changed? Copy them over under the same keys, or set ARTIFACTS back and purge there`,
    )
  }
  return {
    source: source.name,
    runs: purged.map(({ run }) => run),
    storedBytes: purged.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    elsewhere,
    rebuild,
  }
}

/** Lists the objects of a run, under the present name of its source and under the former ones. */
export async function listArtifactKeys(
  store: ArtifactStore,
  { name, formerNames }: Source,
  { run, startedAt }: Pick<RetainedRun, 'run' | 'startedAt'>,
): Promise<string[]> {
  const keys: string[] = []
  for (const source of [name, ...formerNames]) {
    const prefix = toArtifactPrefix({ source, run: String(run), startedAt })
    for await (const { key } of store.list(prefix)) keys.push(key)
  }
  return keys
}

/** Reads the rows again, because another process may be purging the run. */
async function isElsewhere(db: Catalog, source: Source, run: number): Promise<boolean> {
  return (await listRetained(db, source.id)).some(
    (retained) => retained.run === run && retained.archived,
  )
}
