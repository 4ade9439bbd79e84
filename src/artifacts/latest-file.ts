// `<source>/latest.ndjson`: the newest complete catalogue of a source as one plain file, for other
// programs. It is an overwritten copy; the parts and their manifest are the archive.

import type { Part } from './parts.ts'
import { readParts } from './parts.ts'
import type { ArtifactStore } from './store.ts'

export function toLatestKey(source: string): string {
  return `${source}/latest.ndjson`
}

/**
 * Writes `parts`, which must be those of a complete full run, with at most one part in memory.
 * Readers see the old file or the new one; an error leaves the old one. Safe to repeat.
 *
 * @throws SyncError `artifact/corrupt` · `artifact/missing` when a part is not what was archived ·
 * as `ArtifactStore.putStream`
 */
export async function writeLatest(
  store: ArtifactStore,
  source: string,
  parts: readonly Part[],
): Promise<void> {
  await store.putStream(toLatestKey(source), readParts(store, parts))
}
