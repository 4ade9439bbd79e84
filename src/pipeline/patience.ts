// Waiting out what passes: a Postgres that restarts or is out of room, a network that is cut, a disk that is full. The one layer that
// tries again for these; what a supplier does is fetch's business. Whatever is done again begins at its last commit, so twice is safe.

import { asks, type SyncError } from '../core/errors.ts'
import { nameFailure } from '../db/failures.ts'
import { delayMs } from '../lib/back-off.ts'
import type { RunContext } from './context.ts'

/**
 * What `work` returns, tried again with back-off for as long as `options.patienceMs` while it fails for a reason that passes.
 *
 * @throws whatever else `work` throws, and the last failure when patience is over
 */
export async function patiently<T>(context: RunContext, work: () => Promise<T>): Promise<T> {
  let waitedMs = 0
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      context.signal.throwIfAborted()
      const failure = nameFailure(error)
      if (!asks(failure, 'retry') || failure.code.startsWith('source/') || waitedMs >= context.options.patienceMs) throw failure
      waitedMs += await waitOut(context, failure, attempt)
    }
  }
}

/** Waits `leastMs` or longer before the next attempt, and says why to whoever watches. `attempt` counts from 0. Returns the milliseconds. */
export async function waitOut(context: RunContext, failure: SyncError, attempt: number, leastMs = 0): Promise<number> {
  const { options, progress, log, signal, onPause } = context
  const askedMs = typeof failure.detail.retryAfterMs === 'number' ? failure.detail.retryAfterMs : 0
  const waitMs = delayMs(attempt, { ...options.backOff, retryAfterMs: Math.max(askedMs, leastMs) })
  log.warn({ code: failure.code, attempt: attempt + 1, waitMs }, failure.message)
  progress.waiting = `${failure.message}; next attempt in ${Math.ceil(waitMs / 1000)} s`
  onPause?.({ code: failure.code, waitMs })
  await options.wait(waitMs, signal)
  progress.waiting = null
  return waitMs
}
