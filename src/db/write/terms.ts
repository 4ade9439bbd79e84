// Brands, organisations and categories.

import type { Term } from '../../core/product.ts'
import { type Catalog, jsonb } from '../catalog.ts'
import type { LeasedRun } from './runs.ts'

/**
 * Writes the terms that differ from the stored ones. A second call writes nothing.
 *
 * @throws SyncError `run/fenced`
 */
export async function writeTerms(
  db: Catalog,
  run: LeasedRun,
  terms: readonly Term[],
): Promise<void> {
  const rows = terms.map((term) => ({
    ...term,
    external_id: term.externalId,
    parent_id: term.parentId,
  }))
  await db.call('upsert_terms', {
    source: run.sourceId,
    run: run.id,
    token: run.token,
    terms: jsonb(rows),
  })
}
