// The rule for a batch that has failed: request it again, leave it out, or end the fetch. Pure.

import type { SyncError } from '../core/errors.ts'

/** A supplier that refuses several batches in a row is down: the others would waste the quota. */
const LEFT_IN_ROW_MAX = 5
/** A longer Retry-After is a quota that is used up: the next run tries again. */
const RETRY_AFTER_MS_MAX = 5 * 60_000

/** The failures so far. */
export interface Failures {
  /** Failed requests of the present batch. */
  readonly attempts: number
  /** Batches that were left out, one after the other. */
  readonly leftInRow: number
}

export const NO_FAILURES: Failures = { attempts: 0, leftInRow: 0 }

export type BatchDecision =
  /** Requests the batch again after at least this time. */
  | { readonly kind: 'retry'; readonly leastMs: number; readonly failures: Failures }
  /** Continues with the next batch. */
  | { readonly kind: 'leave'; readonly failures: Failures }
  /** Ends the fetch with what has arrived. */
  | { readonly kind: 'stop' }
  /** Ends the run with the error. */
  | { readonly kind: 'fail' }

/** Decides about the batch that has failed with `error`, after `failures` before it. */
export function decideBatch(
  { code, action, retryAfterMs }: Pick<SyncError, 'code' | 'action' | 'retryAfterMs'>,
  failures: Failures,
  delaysMs: readonly number[],
): BatchDecision {
  const demandedMs = retryAfterMs ?? 0
  if (code === 'source/circuit-open') return { kind: 'stop' }
  const isLimit = code === 'source/rate-limited'
  if (isLimit && demandedMs > RETRY_AFTER_MS_MAX) return { kind: 'stop' }
  const isOdd = code === 'source/malformed'
  if (action !== 'retry' && !isOdd) return { kind: 'fail' }
  const delayMs = delaysMs[failures.attempts]
  if (delayMs !== undefined && !isOdd) {
    const next = { ...failures, attempts: failures.attempts + 1 }
    return { kind: 'retry', leastMs: Math.max(delayMs, demandedMs), failures: next }
  }
  const leftInRow = failures.leftInRow + 1
  if (isLimit || leftInRow >= LEFT_IN_ROW_MAX) return { kind: 'stop' }
  return { kind: 'leave', failures: { ...failures, attempts: 0, leftInRow } }
}
