// Retries after transient errors: Postgres restarts or is out of space, the network fails, a disk
// is full. No other layer retries these errors; fetch retries the supplier. Retried work continues
// from its last commit.

import { hasAction, type SyncError } from '../core/errors.ts'
import { countLines } from '../core/ledger.ts'
import { isEndedByBreaker } from '../core/refreshing.ts'
import { toSyncError } from '../db/errors.ts'
import type { LeasedRun } from '../db/write/runs.ts'
import { chooseDelayMs } from '../lib/back-off.ts'
import { describeComponent } from '../telemetry/outages.ts'
import type { Progress, RunContext } from './context.ts'

/** Part of a run's context that waiting needs. */
export type Waiting = Pick<
  RunContext,
  'options' | 'progress' | 'log' | 'outages' | 'signal' | 'onPause'
>

/**
 * Returns the result of `attempt`, and retries it with back-off while it fails with a retryable error.
 * Outages are reported under the name `work`. Gives up after `options.retryWithinMs` without progress.
 *
 * @throws any other error of `attempt`, and the last retryable one
 */
export async function withRetry<T>(
  context: Waiting,
  work: string,
  attempt: () => Promise<T>,
): Promise<T> {
  const { options, progress, outages, signal } = context
  let stalledMs = 0
  for (let failures = 0; ; failures++) {
    const [startedMs, before] = [performance.now(), countWorkDone(progress)]
    try {
      const result = await attempt()
      outages.worked(work)
      return result
    } catch (error) {
      signal.throwIfAborted()
      const failure = toSyncError(error)
      const gotFurther = countWorkDone(progress) > before
      // After progress, this is a new problem.
      if (gotFurther) [stalledMs, failures] = [0, 0]
      if (
        !hasAction(failure, 'retry') ||
        failure.code.startsWith('source/') ||
        stalledMs >= options.retryWithinMs
      )
        throw failure
      outages.failed(failure, { work, startedMs })
      const triedMs = gotFurther ? 0 : performance.now() - startedMs
      stalledMs +=
        triedMs + (await waitBeforeRetry(context, failure, { attempt: failures, triedMs }))
    }
  }
}

/** Grows with fetched and committed lines. Lines that were read without a commit do not count. */
function countWorkDone({ fetchedLines, counts }: Progress): number {
  return fetchedLines + countLines(counts)
}

export interface Attempt {
  /** Counts from 0. */
  readonly attempt: number
  /** See `Pause`. */
  readonly triedMs?: number
  /** Lower bound of the wait. */
  readonly leastMs?: number
  /** Upper bound of what is added to the least wait, in place of exponential back-off. */
  readonly jitterMs?: number
  /** The host of the supplier, unless the wait is for something else. */
  readonly host?: string
}

/** Waits before the next attempt. Returns the milliseconds. The caller reports the outage. */
export async function waitBeforeRetry(
  context: Waiting,
  failure: SyncError,
  { attempt, triedMs = 0, leastMs = 0, jitterMs, host }: Attempt,
): Promise<number> {
  const { options, progress, log, signal, onPause } = context
  const waitMs = chooseDelayMs(attempt, {
    ...(jitterMs === undefined ? options.backOff : { baseMs: jitterMs, maxMs: jitterMs }),
    retryAfterMs: Math.max(failure.retryAfterMs ?? 0, leastMs),
  })
  log.debug({ code: failure.code, attempt: attempt + 1, waitMs }, 'waiting before the next attempt')
  progress.waiting = `waiting for ${describeComponent(failure.code, host)}; next attempt in ${Math.ceil(waitMs / 1000)} s`
  onPause?.({ code: failure.code, waitMs, triedMs })
  if (host !== undefined) progress.supplierWaitMs += waitMs
  await options.wait(waitMs, signal)
  progress.waiting = null
  return waitMs
}

/**
 * True when a run is tried again after an error. A refresh or an import does not wait for a supplier that is
 * down: a person gets the error at once, and the schedule refreshes the products again. All other runs wait
 * for the test of the circuit breaker.
 */
export function isRetried({ keys }: Pick<LeasedRun, 'keys'>, error: unknown): boolean {
  return hasAction(error, 'retry') && !isEndedByBreaker(keys, error.code)
}
