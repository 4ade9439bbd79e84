// Refreshes of single products: how many the quota allows, and what became of a request.

import type { ErrorCode } from '../../core/error-table.ts'
import { jsonb, one, type Catalog } from '../catalog.ts'
import type { Run } from './runs.ts'

/** The daily quota of the requests of a source, by the bucket that counts them. */
export interface Quota {
  readonly scope: string
  /** As stored: a hash if the name of the bucket contains a secret. */
  readonly key: string
  readonly perDay: number
  readonly perSecond: number
  /** The share that is kept for imports. */
  readonly reserve: number
  readonly productsPerRequest: number
}

/** Records the quota of a source, so that processes without its credentials know it. Null: none. */
export async function saveQuota(db: Catalog, source: number, quota: Quota | null): Promise<void> {
  const document = quota && {
    scope: quota.scope,
    key: quota.key,
    per_day: quota.perDay,
    per_second: quota.perSecond,
    reserve: quota.reserve,
    products_per_request: quota.productsPerRequest,
  }
  await db.call('record_quota', { source, quota: document && jsonb(document) })
}

/** Returns how many products a refresh may request now, when the next one is `intervalMs` later. */
export async function planRefresh(
  db: Catalog,
  source: number,
  { intervalMs, atMost }: { readonly intervalMs: number; readonly atMost: number },
): Promise<number> {
  const interval = `${intervalMs} milliseconds`
  return one(await db.call<number>('plan_refresh', { source, interval, at_most: atMost }))
}

/** A failed request for products of a refresh. */
export interface FailedAttempt {
  /** Attempts before this one. */
  readonly retries: number
  readonly code: ErrorCode
  /** Redacted. */
  readonly message: string
}

/** Records a failed request in the jobs of these products. A later attempt may succeed. */
export async function saveFailedAttempt(
  db: Catalog,
  { id, sourceId }: Pick<Run, 'id' | 'sourceId'>,
  products: readonly string[],
  { retries, code, message }: FailedAttempt,
): Promise<void> {
  const breaker = code === 'source/circuit-open' ? 'open' : 'closed'
  const error = jsonb({ retries, code, message, breaker })
  await db.call('record_retries', { source: sourceId, run: id, products, error })
}

/** Counts of the products of a source that refreshes its due products. */
export interface Freshness {
  readonly products: number
  readonly hot: number
  readonly due: number
  readonly late: number
  /** Number of products that the quota keeps fresh. Null without a quota. */
  readonly capacity: number | null
  readonly perDay: number | null
  readonly leftToday: number | null
  /** Sources that share the quota. */
  readonly sharing: number | null
}

/**
 * Null for a source that does not refresh due products. Counts every product of the source, given by
 * its name.
 */
export async function measureFreshness(
  db: Catalog,
  source: string,
  intervalMs: number,
): Promise<Freshness | null> {
  const [row] = await db.call<
    Omit<Freshness, 'perDay' | 'leftToday'> & { per_day: number | null; left_today: number | null }
  >('measure_freshness', { source, interval: `${intervalMs} milliseconds` })
  if (row === undefined) return null
  const { products, hot, due, late, capacity, per_day, left_today, sharing } = row
  return { products, hot, due, late, capacity, perDay: per_day, leftToday: left_today, sharing }
}

/** Marks products as hot, or not. Returns those that the source has and refreshes by their age. */
export function markHot(
  db: Catalog,
  source: number,
  products: readonly string[],
  hot: boolean,
): Promise<string[]> {
  return db.call<string>('mark_hot', { source, products, hot })
}
