// `<source>/latest.ndjson`: a source's newest whole catalogue as one plain file, for those who read
// that. It is a copy: nothing here reads it, and it is overwritten, so who needs yesterday's or a
// proof reads the parts and their manifest.

import type { Part } from './parts.ts'
import { catArtifact } from './parts.ts'
import type { ArtifactStore } from './store.ts'

export function latestKey(source: string): string {
  return `${source}/latest.ndjson`
}

/**
 * Writes `parts`, which must be those of a complete full run, as the NDJSON that was archived;
 * never more than a part in memory. Readers see the old file or the new one. Twice is safe;
 * whatever fails leaves the old one.
 *
 * @throws SyncError `artifact/corrupt` · `artifact/missing` when a part is not what was archived ·
 * as `ArtifactStore.putStream`
 */
export async function writeLatest(
  store: ArtifactStore,
  source: string,
  parts: readonly Part[],
): Promise<void> {
  await store.putStream(latestKey(source), catArtifact(store, parts))
}
