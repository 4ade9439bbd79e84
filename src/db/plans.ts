// What a batch or a whole run would do, asked from the same SQL that would do it.

import type { Json } from '../core/json.ts'
import { ask } from './failures.ts'
import type { Db, DbClient } from './pool.ts'
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
export async function planBatch(client: DbClient, sourceId: number, partNo: number, rules: BatchRules): Promise<PlannedLine[]> {
  const { rows } = await ask(client.query<Omit<PlannedLine, 'externalId'> & { external_id: string }>('select * from catalog.plan_batch($1, $2, $3, $4)', [
    sourceId,
    partNo,
    rules.volatilePaths,
    rules.priceFactor,
  ]))
  return rows.map(({ external_id: externalId, ...line }) => ({ ...line, externalId }))
}

/** Products that a complete run would miss; those missed before would be removed. */
export async function listMissing(db: Db, sourceId: number, seen: Buffer): Promise<{ externalId: string; title: string | null; missedBefore: boolean }[]> {
  const { rows } = await db.query<{ external_id: string; title: string | null; missed_before: boolean }>('select * from catalog.list_missing($1, $2)', [sourceId, seen])
  return rows.map((row) => ({ externalId: row.external_id, title: row.title, missedBefore: row.missed_before }))
}
