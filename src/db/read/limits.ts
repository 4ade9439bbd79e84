// The read model of limits and circuit breakers.

import { SyncError } from '../../core/errors.ts'
import { one, toInstant, type Catalog } from '../catalog.ts'

/** A circuit breaker that is not closed. */
export interface OpenBreaker {
  /** `host`, or the name of a connector. */
  readonly scope: string
  readonly key: string
  readonly state: 'open' | 'half-open'
  /** Number of failures in a row, failed probes included. */
  readonly failures: number
  readonly openedAt: Date
  /** When a request may test the supplier; while one does, when it counts as lost. */
  readonly retryAt: Date
  /** The last failure. */
  readonly reason: string | null
}

export interface BreakerRow {
  readonly scope: string
  readonly key: string
  readonly state: OpenBreaker['state']
  readonly failures: number
  readonly opened_at: string
  readonly retry_at: string
  readonly reason: string | null
}

export function toOpenBreaker({ opened_at, retry_at, ...row }: BreakerRow): OpenBreaker {
  return { ...row, openedAt: toInstant(opened_at), retryAt: toInstant(retry_at) }
}

/** The oldest first. @throws SyncError `db/unreachable`, also after `timeoutMs` */
export async function listBreakers(db: Catalog, timeoutMs?: number): Promise<OpenBreaker[]> {
  return (await db.call<BreakerRow>('list_breakers', {}, timeoutMs)).map(toOpenBreaker)
}

/** A limit, a circuit breaker, or both of one name. */
export interface LimitState {
  readonly scope: string
  readonly key: string
  readonly state: 'closed' | OpenBreaker['state']
  readonly failures: number
  readonly openedAt: Date | null
  /** The next request waits until then. */
  readonly nextAt: Date | null
  readonly inProgress: number
  /** Requests of this day in UTC, where the limit has a daily quota. */
  readonly usedToday: number
  /** The last failure, or null. */
  readonly reason: string | null
}

/** The limits that affect requests now; those of open breakers first. */
export async function listLimits(db: Catalog, timeoutMs?: number): Promise<LimitState[]> {
  const rows = await db.call<{
    scope: string
    key: string
    state: LimitState['state']
    failures: number
    opened_at: string | null
    next_at: string | null
    in_progress: number
    used: number
    reason: string | null
  }>('list_limits', {}, timeoutMs)
  return rows.map(({ opened_at, next_at, in_progress, used, ...row }) => ({
    ...row,
    openedAt: toInstant(opened_at),
    nextAt: toInstant(next_at),
    inProgress: in_progress,
    usedToday: used,
  }))
}

/**
 * Closes the circuit breaker, and lets the next request of the limit begin at once.
 *
 * @throws SyncError `usage/invalid` when there is neither
 */
export async function resetLimit(db: Catalog, scope: string, key: string): Promise<void> {
  if (!one(await db.call<boolean>('reset_limit', { scope, key })))
    throw new SyncError(
      'usage/invalid',
      `No limit or circuit breaker is named ${scope} ${key}: \`shelfsync limits\` lists them`,
    )
}
