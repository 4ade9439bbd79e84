// Removes the rows of a source. Its artifacts are removed separately, see
// src/pipeline/remove-artifacts.ts.

import { inSession } from '../catalog.ts'
import type { Db } from '../pool.ts'

/** Tables with the number of a source. Referenced tables come last. */
export const TABLES = [
  'deliveries',
  'rules',
  'changes',
  'reviews',
  'review_rules',
  'quarantine',
  'misses',
  'enrichments',
  'enrichment_work',
  'enrichment_scans',
  'product_reads',
  'source_quotas',
  'refresh_jobs',
  'search_entries',
  'images',
  'prices',
  'variants',
  'products',
  'brands',
  'organizations',
  'categories',
  'checkpoints',
  'parts',
  'artifacts',
  'leases',
  'run_events',
  'run_ends',
  'runs',
  'successions',
]

/** Tables whose rows name their source. */
export const NAMING_TABLES = ['alerts']

/**
 * Does nothing when the source does not exist.
 *
 * @throws SyncError `run/active` while a run is active; nothing is removed
 */
export async function removeSource(db: Db, name: string): Promise<void> {
  await db.transaction(async (client) => {
    const { rows } = await client.query<{ id: number }>(
      'select id from catalog.sources where name = $1 for update',
      [name],
    )
    for (const { id } of rows) {
      await inSession(client).call('assert_idle', { source: id })
      await inSession(client).call('forget_successors', { source: id })
      await inSession(client).call('forget_feed_source', { source: id })
      for (const table of TABLES)
        await client.query(`delete from catalog.${table} where source_id = $1`, [id])
      for (const table of NAMING_TABLES)
        await client.query(`delete from catalog.${table} where source = $1`, [name])
      await client.query('delete from catalog.sources where id = $1', [id])
    }
  })
}
