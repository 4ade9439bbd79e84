// Pauses and resumes sources, also for a login that may change nothing else of them.

import type { Catalog } from '../catalog.ts'
import type { Source } from '../sources.ts'

/** Saves the state of the source `id`. Calling it again changes nothing. */
export async function setSourceState(
  db: Catalog,
  id: number,
  state: Source['state'],
): Promise<void> {
  await db.call('set_source_state', { source: id, state })
}
