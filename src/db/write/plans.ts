// Computes the effect of a batch or of a whole run by the same SQL that would write it. A session
// plans one run: its plan tables keep the rows that earlier batches would have written.

import type { Json } from '../../core/json.ts'
import type { Counts } from '../../core/ledger.ts'
import type { Policy } from '../../core/policy.ts'
import { type Catalog, jsonb, one, toInstant } from '../catalog.ts'
import type { PriceAmount, RunDiff, RunDiffRow } from '../read/run-diffs.ts'
import type { Db } from '../pool.ts'
import type { DbClient } from '../transaction.ts'
import type { BatchRules } from './batch-writer.ts'
import type { RunKind, Settled } from './runs.ts'

export type ChangeKind = 'created' | 'updated' | 'repriced' | 'unavailable' | 'returned' | 'removed'

export interface PlannedLine {
  /** The product's number; null when it would be new. */
  readonly seq: number | null
  readonly externalId: string
  readonly verdict: 'created' | 'updated' | 'unchanged' | 'older' | 'duplicate'
  /** One of its prices would be held: the ledger counts `held` instead of the verdict. */
  readonly held: boolean
  /** Null when nothing would change. */
  readonly kind: ChangeKind | null
  /** Member → [before, after], or [before, after, why it would be held] for a price. */
  readonly detail: Readonly<Record<string, readonly Json[]>> | null
  /** The new title of a changed product. */
  readonly title: string | null
  /** The currencies of the prices in `detail`, by their members: [before, after]. */
  readonly currencies: Readonly<Record<string, readonly [string | null, string | null]>> | null
}

/** Facts about a run that has fetched and applied everything. */
export interface RunFacts {
  readonly kind: RunKind
  readonly complete: boolean
  readonly expected: number | null
  readonly fetched: number
  readonly counts: Counts
  /** The artifact's last warning: the reason why it is not complete. */
  readonly warning: string | null
  readonly since: Date | null
  readonly startedAt: Date
  /** The watermark of the fetch; null without one. */
  readonly watermark: Date | null
}

/** The effect of approving the planned run, if it were held. */
export type PlannedDiff = Pick<
  RunDiff,
  'removals' | 'prices' | 'priceProducts' | 'heldPrices' | 'watermarkAt'
>

export interface PlannedRun extends Pick<Settled, 'removalsOff'> {
  /** The reasons why the run would be held; empty when it would not. */
  readonly reasons: readonly string[]
  /** True when the run can detect missing products. */
  readonly whole: boolean
  readonly diff: PlannedDiff
}

/** Creates the session's staging and plan tables. Call it once per connection. */
export async function openPlan(db: Pick<Db, 'openStaging'>, client: DbClient): Promise<void> {
  await db.openStaging(client)
  await client.query('select catalog.open_plan()')
}

export interface PlanBatch {
  readonly partNo: number
  /** The run whose artifact the part belongs to; null for one that is newer than all. */
  readonly artifactRun: number | null
  readonly rules: BatchRules
}

/** Judges the staged records as lines of that part. */
export async function planBatch(
  session: Catalog,
  sourceId: number,
  { partNo, artifactRun, rules }: PlanBatch,
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

/** Judges the planned run by the limits of settle. `seen` as in `settleRun`. */
export async function planRun(
  session: Catalog,
  sourceId: number,
  run: { readonly facts: RunFacts; readonly seen: Buffer; readonly policy: Policy },
): Promise<PlannedRun> {
  const { facts, seen, policy } = run
  const { reasons, whole, removals_off, diff } = one(
    await session.call<{
      reasons: string[]
      whole: boolean
      removals_off: string | null
      diff: Pick<RunDiffRow, 'removals' | 'prices' | 'price_products' | 'held_prices' | 'watermark'>
    }>('plan_run', { source: sourceId, facts: jsonb(facts), seen, policy: jsonb(policy) }),
  )
  return {
    reasons,
    whole,
    removalsOff: removals_off,
    diff: {
      removals: diff.removals,
      prices: diff.prices,
      priceProducts: diff.price_products,
      heldPrices: diff.held_prices,
      watermarkAt: toInstant(diff.watermark),
    },
  }
}

export interface MissingProduct {
  readonly externalId: string
  readonly title: string | null
  /** Its first current price. */
  readonly price: PriceAmount | null
  readonly missedBefore: boolean
}

/** Lists the products that are not in `seen`. Those that were missed before would be removed. */
export async function listMissing(
  db: Catalog,
  sourceId: number,
  seen: Buffer,
): Promise<MissingProduct[]> {
  const rows = await db.call<{
    external_id: string
    title: string | null
    price: PriceAmount | null
    missed_before: boolean
  }>('list_missing', { source: sourceId, seen })
  return rows.map((row) => ({
    externalId: row.external_id,
    title: row.title,
    price: row.price,
    missedBefore: row.missed_before,
  }))
}
