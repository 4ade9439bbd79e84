// What a batch or a whole run would do, asked from the same SQL that would do it.

import type { Json } from '../core/json.ts'
import type { Catalog } from './catalog.ts'
import type { BatchRules } from './batches.ts'

export type ChangeKind = 'created' | 'updated' | 'repriced' | 'unavailable' | 'returned' | 'removed'

export interface PlannedLine {
  /** The product's number; null when it would be new. */
  readonly seq: number | null
  readonly externalId: string
  readonly verdict: 'created' | 'updated' | 'unchanged' | 'older' | 'duplicate'
  /** Null when nothing would change. */
  readonly kind: ChangeKind | null
  /** Member → [before, after], or [before, after, why it would be held] for a price. */
  readonly detail: Readonly<Record<string, readonly Json[]>> | null
}

/** Judges what is staged. The caller rolls the transaction back. */
export async function planBatch(session: Catalog, sourceId: number, partNo: number, rules: BatchRules): Promise<PlannedLine[]> {
  const rows = await session.call<Omit<PlannedLine, 'externalId'> & { external_id: string }>('plan_batch', {
    source: sourceId, part: partNo, volatile: rules.volatilePaths, price_factor: rules.priceFactor,
  })
  return rows.map(({ external_id: externalId, ...line }) => ({ ...line, externalId }))
}

/** Products that a complete run would miss; those missed before would be removed. */
export async function listMissing(db: Catalog, sourceId: number, seen: Buffer): Promise<{ externalId: string; title: string | null; missedBefore: boolean }[]> {
  const rows = await db.call<{ external_id: string; title: string | null; missed_before: boolean }>('list_missing', { source: sourceId, seen })
  return rows.map((row) => ({ externalId: row.external_id, title: row.title, missedBefore: row.missed_before }))
}
