// Removes old changes of the feed.

import { type Catalog, one } from '../catalog.ts'

/** Changes that one statement removes, so that no writer waits long. */
const REMOVED_MAX = 10_000

/** Removes published changes that are older than `days`. Returns their number. */
export async function removeOldChanges(db: Catalog, days: number): Promise<number> {
  let removed = 0
  for (;;) {
    const some = one(await db.call<number>('remove_old_changes', { days, limit: REMOVED_MAX }))
    if (some === 0) return removed
    removed += some
  }
}
