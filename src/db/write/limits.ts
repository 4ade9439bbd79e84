// The limits of requests and the circuit breakers, as rows that all workers share. The rules of the
// rows are in the SQL functions of the same names.

import type { Breaker } from '../../core/breaker.ts'
import { jsonb, one, type Catalog } from '../catalog.ts'

/** A bucket by its stored name. */
export interface Bucket {
  readonly scope: string
  readonly key: string
  readonly intervalMs: number
  readonly burst: number
  readonly concurrency: number | null
  readonly perDay: number | null
}

export interface Turn {
  /** Identifies this request among those in progress. */
  readonly holder: string
  readonly owner: string
  /** A process that is known to be dead: its requests do not count. */
  readonly deadOwner: string | null
  /** Longest wait that is reserved. */
  readonly waitMsMax: number
  /** The request counts as ended after this time without `holdLimit`. */
  readonly holdMs: number
}

/** The result of one round trip. */
export interface Entry {
  readonly breaker: StoredBreaker
  /**
   * Number of buckets that were entered. If `waitMs` is positive, the request waits for the last of them
   * before it enters the others.
   */
  readonly entered: number
  /** The next bucket was not entered, and nothing of it is reserved. */
  readonly refused: boolean
  readonly waitMs: number
  /** The owner of a request in progress, when too many are in progress. */
  readonly blockedBy: string | null
}

interface EntryRow extends BreakerRow {
  readonly entered: number
  readonly refused: boolean
  readonly wait_ms: number
  readonly blocked_by: string | null
}

/** Reads the circuit breaker, null for none, and enters the buckets in order if it is closed. */
export async function admitRequest(
  db: Catalog,
  breaker: BreakerName | null,
  buckets: readonly Bucket[],
  turn: Turn,
): Promise<Entry> {
  const row = one(
    await db.call<EntryRow>('admit_request', {
      scope: breaker?.scope ?? null,
      key: breaker?.key ?? null,
      limits: jsonb(
        buckets.map(({ scope, key, intervalMs, burst, concurrency, perDay }) => ({
          scope,
          key,
          interval: intervalMs,
          burst,
          concurrency,
          per_day: perDay,
        })),
      ),
      max_wait: turn.waitMsMax,
      holder: turn.holder,
      owner: turn.owner,
      dead_owner: turn.deadOwner,
      hold: turn.holdMs,
    }),
  )
  return {
    breaker: toStoredBreaker(row),
    entered: row.entered,
    refused: row.refused,
    waitMs: row.wait_ms,
    blockedBy: row.blocked_by,
  }
}

export async function holdLimit(
  db: Catalog,
  { scope, key }: Bucket,
  holder: string,
  holdMs: number,
): Promise<void> {
  await db.call('hold_limit', { scope, key, holder, hold: holdMs })
}

export async function leaveLimit(
  db: Catalog,
  { scope, key }: Bucket,
  holder: string,
): Promise<void> {
  await db.call('leave_limit', { scope, key, holder })
}

/** No request of the bucket is sent for `delayMs`. */
export async function delayLimit(
  db: Catalog,
  { scope, key, intervalMs, burst }: Bucket,
  delayMs: number,
): Promise<void> {
  await db.call('delay_limit', { scope, key, interval: intervalMs, burst, delay: delayMs })
}

export interface StoredBreaker {
  readonly breaker: Breaker
  /** 0 if no request has ever failed. */
  readonly version: number
  /** The clock of the database. */
  readonly nowMs: number
}

interface BreakerRow {
  readonly version: number
  readonly state: Breaker['state']
  readonly failed_at_ms: readonly number[]
  readonly failures: number
  readonly opened_at_ms: number | null
  readonly retry_at_ms: number | null
  readonly cooldown_ms: number
  readonly now_ms: number
}

export interface BreakerName {
  readonly scope: string
  readonly key: string
}

export async function loadBreaker(
  db: Catalog,
  { scope, key }: BreakerName,
): Promise<StoredBreaker> {
  return toStoredBreaker(one(await db.call<BreakerRow>('load_breaker', { scope, key })))
}

function toStoredBreaker(row: BreakerRow): StoredBreaker {
  return {
    version: row.version,
    nowMs: row.now_ms,
    breaker: {
      state: row.state,
      failedAtMs: row.failed_at_ms,
      failures: row.failures,
      openedAtMs: row.opened_at_ms,
      retryAtMs: row.retry_at_ms,
      cooldownMs: row.cooldown_ms,
    },
  }
}

/** Replaces the state, unless another worker has changed it since `version` was read. */
export async function saveBreaker(
  db: Catalog,
  { scope, key }: BreakerName,
  version: number,
  next: Breaker,
  reason: string | null,
): Promise<boolean> {
  const state = jsonb({
    state: next.state,
    failed_at_ms: next.failedAtMs,
    failures: next.failures,
    opened_at_ms: next.openedAtMs,
    retry_at_ms: next.retryAtMs,
    cooldown_ms: next.cooldownMs,
  })
  return one(await db.call<boolean>('save_breaker', { scope, key, version, state, reason }))
}
