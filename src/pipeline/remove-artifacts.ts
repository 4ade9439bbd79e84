// Removes the artifacts of a source that is about to be removed, or its copy when it is renamed.

import { toLatestKey } from '../artifacts/latest-file.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import { beginPurge, listRetained, markPurged } from '../db/write/retention.ts'
import type { Source } from '../db/sources.ts'
import { listArtifactKeys, type PurgeTools } from './purge.ts'

export interface RemovedArtifacts {
  /** Runs whose artifacts were removed. */
  readonly runs: readonly number[]
  /** Runs whose artifacts are not in this store: most likely they are where ARTIFACTS pointed before. */
  readonly elsewhere: readonly number[]
}

/**
 * Removes all artifacts of the source, also those of held and interrupted runs, and
 * `latest.ndjson`. Safe to repeat.
 *
 * @throws SyncError `artifact/unwritable`; objects removed before the error stay removed
 */
export async function removeArtifacts(
  { db, store }: PurgeTools,
  source: Source,
): Promise<RemovedArtifacts> {
  const runs: number[] = []
  const elsewhere: number[] = []
  for (const retained of await listRetained(db, source.id)) {
    const keys = await listArtifactKeys(store, source, retained)
    if (keys.length === 0 && retained.archived) {
      elsewhere.push(retained.run)
      continue
    }
    await beginPurge(db, source.id, retained.run)
    await store.remove(keys)
    await markPurged(db, source.id, [retained.run])
    if (keys.length > 0) runs.push(retained.run)
  }
  await removeLatest(store, source.name)
  return { runs, elsewhere }
}

/** Removes `latest.ndjson` of the source named `name`, if it exists. */
export async function removeLatest(store: ArtifactStore, name: string): Promise<void> {
  await store.remove([toLatestKey(name)])
}
