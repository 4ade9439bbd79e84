// Analyses the big tables after a large load, so that the planner has statistics at once.
// Autovacuum follows later.

import { messageOf } from '../../core/errors.ts'
import type { DbClient } from '../transaction.ts'

// The planner needs no statistics of documents, and collecting them reads every one.
const ANALYZE = `analyze
  catalog.products (source_id, external_id, seq, status, brand, manufacturer, run_id, changed_at),
  catalog.variants, catalog.prices, catalog.images`

/**
 * Analyses the big tables. Only their owner may: for any other role Postgres skips them. `onSkipped`
 * receives the reason of an error.
 */
export async function analyzeTables(
  db: Pick<DbClient, 'query'>,
  onSkipped: (reason: string) => void,
): Promise<void> {
  await db.query(ANALYZE).catch((error: unknown) => onSkipped(messageOf(error)))
}
