// Decisions of a person on held runs and held prices. The rules are in the SQL functions decide_run
// and decide_price.

import { type Catalog, one } from '../catalog.ts'
import { loadReview } from '../read/reviews.ts'

/**
 * Decides a held run. Approving publishes its prices and changes, and removes the products that it
 * found missing; rejecting discards its pending prices and changes. Returns the number of products
 * removed.
 *
 * @throws SyncError `run/unknown` · `run/not-held`
 */
export async function decideRun(
  db: Catalog,
  run: number,
  approve: boolean,
  by: string,
): Promise<number> {
  return one(await db.call<number>('decide_run', { run, approve, by }))
}

/** Makes a held price current, or rejects it. @throws SyncError `review/unknown` */
export async function decidePrice(
  db: Catalog,
  review: number,
  approve: boolean,
  by: string,
): Promise<void> {
  await db.call('decide_price', { review, approve, by })
}

/** Decides on an open review of either kind. @throws SyncError `review/unknown` */
export async function decideReview(
  db: Catalog,
  id: number,
  approve: boolean,
  by: string,
): Promise<void> {
  const { kind, run } = await loadReview(db, id)
  await (kind === 'run' ? decideRun(db, run, approve, by) : decidePrice(db, id, approve, by))
}
