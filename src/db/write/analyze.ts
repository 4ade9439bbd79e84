// Vacuums and analyses the big tables after a large load: the planner gets statistics, and the hint
// bits of every page are set here instead of by its first reader.

import { messageOf } from '../../core/errors.ts'
import type { DbClient } from '../transaction.ts'

// The planner needs no statistics of documents, and collecting them reads every one.
const TABLES = [
  'products (source_id, external_id, seq, status, brand, manufacturer, run_id, changed_at)',
  'variants',
  'prices',
  'images',
]

/**
 * Vacuums and analyses the big tables, each on its own connection. Only their owner may: for any
 * other role `onSkipped` receives the reason and nothing happens.
 */
export async function analyzeTables(
  db: Pick<DbClient, 'query'>,
  onSkipped: (reason: string) => void,
): Promise<void> {
  await Promise.all(
    TABLES.map(async (table) => {
      try {
        await db.query(`vacuum (analyze) catalog.${table}`)
      } catch (error) {
        onSkipped(messageOf(error))
      }
    }),
  )
}
