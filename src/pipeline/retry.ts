// Waiting out what passes: a Postgres that restarts or is out of room, a network that is cut, a
// disk that is full. The one layer that tries again for these; what a supplier does is fetch's
// business. Whatever is done again begins at its last commit, so twice is safe.

import { hasAction, type SyncError } from '../core/errors.ts'
import { countLines } from '../core/ledger.ts'
import { toSyncError } from '../db/errors.ts'
import { chooseDelayMs } from '../lib/back-off.ts'
import type { Progress, RunContext } from './context.ts'

/** What of a run's context is needed to wait. */
export type Waiting = Pick<RunContext, 'options' | 'progress' | 'log' | 'signal' | 'onPause'>

/**
 * What `work` returns, tried again with back-off for as long as `options.retryWithinMs` while it
 * fails for a reason that passes and gets nowhere.
 *
 * @throws whatever else `work` throws, and the last failure when patience is over
 */
export async function withRetry<T>(context: Waiting, work: () => Promise<T>): Promise<T> {
  const { options, progress, signal } = context
  let stoodMs = 0
  for (let attempt = 0; ; attempt++) {
    const [begunMs, before] = [performance.now(), workDone(progress)]
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      const failure = toSyncError(error)
      const gotFurther = workDone(progress) > before
      // Then it is another disturbance.
      if (gotFurther) [stoodMs, attempt] = [0, 0]
      if (
        !hasAction(failure, 'retry') ||
        failure.code.startsWith('source/') ||
        stoodMs >= options.retryWithinMs
      )
        throw failure
      const triedMs = gotFurther ? 0 : performance.now() - begunMs
      stoodMs += triedMs + (await waitBeforeRetry(context, failure, { attempt, triedMs }))
    }
  }
}

/**
 * Grows with what is fetched and with what is committed; lines that were only looked at may be
 * looked at again.
 */
function workDone({ fetchedLines, counts }: Progress): number {
  return fetchedLines + countLines(counts)
}

export interface Attempt {
  /** Counts from 0. */
  readonly attempt: number
  /** See `Pause`. */
  readonly triedMs?: number
  /** To be waited at least. */
  readonly leastMs?: number
}

/** Waits before the next attempt, and says why to whoever watches. Returns the milliseconds. */
export async function waitBeforeRetry(
  context: Waiting,
  failure: SyncError,
  { attempt, triedMs = 0, leastMs = 0 }: Attempt,
): Promise<number> {
  const { options, progress, log, signal, onPause } = context
  const waitMs = chooseDelayMs(attempt, {
    ...options.backOff,
    retryAfterMs: Math.max(failure.retryAfterMs ?? 0, leastMs),
  })
  log.warn({ code: failure.code, attempt: attempt + 1, waitMs }, failure.message)
  progress.waiting = `${failure.message}; next attempt in ${Math.ceil(waitMs / 1000)} s`
  onPause?.({ code: failure.code, waitMs, triedMs })
  await options.wait(waitMs, signal)
  progress.waiting = null
  return waitMs
}
