// purge: removes the bytes of runs that are no longer kept, and then says so in the database. Cut in between, it is done again.

import { artifactPrefix } from '../artifacts/manifest.ts'
import { runsToPurge } from '../artifacts/retention.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { Catalog } from '../db/catalog.ts'
import { listRetained, markPurged } from '../db/retention.ts'
import type { Source } from '../db/sources.ts'

export interface Purged {
  readonly source: string
  readonly runs: readonly number[]
  /** As recorded: what was freed, or would be. */
  readonly storedBytes: number
}

/**
 * Removes everything that the purged runs have archived, manifests and unrecorded parts too. Their rows stay, and say `purged`.
 *
 * @throws SyncError `artifact/unwritable`; what was removed until then is removed
 */
export async function purgeSource(db: Catalog, store: ArtifactStore, source: Source, keep: number | 'all', { dryRun = false } = {}): Promise<Purged> {
  const doomed = runsToPurge(await listRetained(db, source.id), keep)
  if (!dryRun) {
    for (const { run, startedAt } of doomed) {
      const keys = await Array.fromAsync(store.list(artifactPrefix({ source: source.name, run: String(run), startedAt })), ({ key }) => key)
      await store.remove(keys)
      await markPurged(db, source.id, [run])
    }
  }
  return { source: source.name, runs: doomed.map(({ run }) => run), storedBytes: doomed.reduce((sum, { storedBytes }) => sum + storedBytes, 0) }
}
