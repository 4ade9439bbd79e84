// What a batch or a whole run would do, asked from the same SQL that would do it. A session plans
// one run: it remembers what the batches before would have written.

import type { Json } from '../../core/json.ts'
import type { Counts } from '../../core/ledger.ts'
import type { Policy } from '../../core/policy.ts'
import { type Catalog, jsonb, one } from '../catalog.ts'
import { type BatchRules, openStaging } from './batches.ts'
import type { DbClient } from '../pool.ts'
import type { RunKind, Settled } from './runs.ts'

export type ChangeKind = 'created' | 'updated' | 'repriced' | 'unavailable' | 'returned' | 'removed'

export interface PlannedLine {
  /** The product's number; null when it would be new. */
  readonly seq: number | null
  readonly externalId: string
  readonly verdict: 'created' | 'updated' | 'unchanged' | 'older' | 'duplicate'
  /** A price of it would be held: the ledger says this instead of the verdict. */
  readonly held: boolean
  /** Null when nothing would change. */
  readonly kind: ChangeKind | null
  /** Member → [before, after], or [before, after, why it would be held] for a price. */
  readonly detail: Readonly<Record<string, readonly Json[]>> | null
}

/** What is known of a run when nothing but settling is left. */
export interface RunFacts {
  readonly kind: RunKind
  readonly complete: boolean
  readonly expected: number | null
  readonly fetched: number
  readonly counts: Counts
  /** The last one of the artifact, which says what ended it when it is not complete. */
  readonly warning: string | null
}

/**
 * Why a planned run would be held; whether it could tell what is missing, and of a full run that
 * could not, why.
 */
export interface PlannedRun extends Pick<Settled, 'removalsOff'> {
  readonly reasons: readonly string[]
  readonly whole: boolean
}

/** Makes the session's staging tables, and those of the plan. Once a connection. */
export async function openPlan(client: DbClient): Promise<void> {
  await openStaging(client)
  await client.query('select catalog.open_plan()')
}

/**
 * Judges what is staged, as a part of the artifact of that run; null: of one that is newer than
 * all.
 */
export async function planBatch(
  session: Catalog,
  sourceId: number,
  artifactRun: number | null,
  partNo: number,
  rules: BatchRules,
): Promise<PlannedLine[]> {
  const rows = await session.call<Omit<PlannedLine, 'externalId'> & { external_id: string }>(
    'plan_batch',
    {
      source: sourceId,
      artifact_run: artifactRun,
      part: partNo,
      seen_later: rules.seenLater,
      volatile: rules.volatilePaths,
      price_factor: rules.priceFactor,
    },
  )
  return rows.map(({ external_id: externalId, ...line }) => ({ ...line, externalId }))
}

/** The numbers of those of the products that are there. */
export async function numberProducts(
  session: Catalog,
  sourceId: number,
  ids: readonly string[],
): Promise<number[]> {
  return session.call<number>('list_product_seqs', { source: sourceId, ids })
}

/** Judges the planned run by the limits of settle. `seen` as in `settleRun`. */
export async function planRun(
  session: Catalog,
  sourceId: number,
  facts: RunFacts,
  seen: Buffer,
  policy: Policy,
): Promise<PlannedRun> {
  const row = one(
    await session.call<{ reasons: string[]; whole: boolean; removals_off: string | null }>(
      'plan_run',
      {
        source: sourceId,
        facts: jsonb(facts),
        seen,
        policy: jsonb(policy),
      },
    ),
  )
  return { reasons: row.reasons, whole: row.whole, removalsOff: row.removals_off }
}

/** Products that a complete run would miss; those missed before would be removed. */
export async function listMissing(
  db: Catalog,
  sourceId: number,
  seen: Buffer,
): Promise<{ externalId: string; title: string | null; missedBefore: boolean }[]> {
  const rows = await db.call<{ external_id: string; title: string | null; missed_before: boolean }>(
    'list_missing',
    { source: sourceId, seen },
  )
  return rows.map((row) => ({
    externalId: row.external_id,
    title: row.title,
    missedBefore: row.missed_before,
  }))
}
