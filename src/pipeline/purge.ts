// purge: removes the bytes of runs that are no longer kept, and then says so in the database. Cut
// in between, it is done again.

import { artifactPrefix } from '../artifacts/manifest.ts'
import { type Keep, selectRunsToPurge, selectRunsForRebuild } from '../artifacts/retention.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { Catalog } from '../db/catalog.ts'
import { beginPurge, listRetained, markPurged, type RetainedRun } from '../db/write/retention.ts'
import type { Source } from '../db/sources.ts'
import type { Log } from './context.ts'

export interface PurgeTools {
  readonly db: Catalog
  readonly store: ArtifactStore
  readonly log: Log
}

export interface Purged {
  readonly source: string
  readonly runs: readonly number[]
  /** As recorded: what was freed, or would be. */
  readonly storedBytes: number
  /** Runs that were left as they are, because nothing of them is in this store. */
  readonly elsewhere: readonly number[]
  /** The runs that a rebuild of the catalogue needs, and that stay for it. */
  readonly rebuild: readonly number[]
}

/**
 * Removes everything that the purged runs have archived, manifests and unrecorded parts too. Their
 * rows stay, and say `purged`. A run that has parts, but none in this store, is warned of and left
 * alone: its bytes are most likely where ARTIFACTS pointed before.
 *
 * @throws SyncError `artifact/unwritable`; what was removed until then is removed
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
  const rebuild = keep === 'none' ? [] : selectRunsForRebuild(retained).map(({ run }) => run)
  for (const doomed of selectRunsToPurge(retained, keep)) {
    const { run, startedAt } = doomed
    const keys = await Array.fromAsync(
      store.list(artifactPrefix({ source: source.name, run: String(run), startedAt })),
      ({ key }) => key,
    )
    if (keys.length === 0 && (await isElsewhere(db, source, run))) {
      elsewhere.push(run)
      continue
    }
    if (!dryRun) {
      // Noted before the first byte goes: whoever finds nothing later knows that it was removed
      // here. Whether the store has other objects of the source would not tell, since a store to
      // which ARTIFACTS has moved has those of the runs after that.
      await beginPurge(db, source.id, run)
      await store.remove(keys)
      await markPurged(db, source.id, [run])
    }
    purged.push(doomed)
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

/** Asked anew: another process may be purging the run at this moment. */
async function isElsewhere(db: Catalog, source: Source, run: number): Promise<boolean> {
  return (await listRetained(db, source.id)).some(
    (retained) => retained.run === run && retained.archived,
  )
}
