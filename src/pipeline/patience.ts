// Waiting out what passes: a Postgres that restarts or is out of room, a network that is cut, a disk that is full. The one layer that
// tries again for these; what a supplier does is fetch's business. Whatever is done again begins at its last commit, so twice is safe.

import { asks } from '../core/errors.ts'
import { nameFailure } from '../db/failures.ts'
import { delayMs } from '../lib/back-off.ts'
import type { RunContext } from './context.ts'

/**
 * What `work` returns, tried again with back-off for as long as `options.patienceMs` while it fails for a reason that passes.
 *
 * @throws whatever else `work` throws, and the last failure when patience is over
 */
export async function patiently<T>({ options, progress, log, signal, onPause }: RunContext, work: () => Promise<T>): Promise<T> {
  let waitedMs = 0
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      const failure = nameFailure(error)
      if (!asks(failure, 'retry') || failure.code.startsWith('source/') || waitedMs >= options.patienceMs) throw failure
      const retryAfterMs = typeof failure.detail.retryAfterMs === 'number' ? failure.detail.retryAfterMs : null
      const waitMs = delayMs(attempt, { ...options.backOff, retryAfterMs })
      log.warn({ code: failure.code, attempt, waitMs }, failure.message)
      progress.waiting = `${failure.message}; trying again in ${Math.ceil(waitMs / 1000)} s`
      onPause?.({ code: failure.code, waitMs })
      await options.wait(waitMs, signal)
      progress.waiting = null
      waitedMs += waitMs
    }
  }
}
