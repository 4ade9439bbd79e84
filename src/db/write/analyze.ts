// After a big load: statistics for the planner, and hint bits set once here instead of by the first
// reader of every page.

import { messageOf } from '../../core/errors.ts'
import type { Db } from '../pool.ts'

// The planner needs no statistics of documents, and making them reads every one.
const TABLES = [
  'products (source_id, external_id, seq, status, brand, manufacturer, run_id, changed_at)',
  'variants',
  'prices',
  'images',
]

/**
 * Vacuums and analyses the big tables. Only their owner may; for any other role `refused` is told
 * why and nothing happens.
 */
export async function analyzeAfterLoad(db: Db, refused: (why: string) => void): Promise<void> {
  await Promise.all(
    TABLES.map(async (table) => {
      try {
        await db.query(`vacuum (analyze) catalog.${table}`)
      } catch (error) {
        refused(messageOf(error))
      }
    }),
  )
}
