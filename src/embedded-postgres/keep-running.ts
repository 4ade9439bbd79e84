// Restarts an embedded server that ended while this process uses it.

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../core/errors.ts'
import type { Joined } from './presence.ts'

/** Delay between two attempts to restart a server: a full disk may have space by then. */
const RETRY_MS = 5_000

/**
 * Joins the server again whenever it ends, until `leaving` fires. It completes a join that is in
 * progress before it returns, so that no server remains without a user.
 */
export async function keepRunning(
  first: Joined,
  rejoin: () => Promise<Joined>,
  warn: (message: string) => void,
  leaving: AbortSignal,
): Promise<void> {
  const left = new Promise<void>((leave) =>
    leaving.addEventListener('abort', () => leave(), { once: true }),
  )
  let gone: Promise<void> | null = first.gone
  while (!leaving.aborted) {
    if (gone !== null) {
      await Promise.race([gone, left])
      if (leaving.aborted) return
      warn('the embedded database ended unexpectedly; restarting it')
    }
    try {
      const joined = await rejoin()
      gone = joined.gone
      if (joined.port !== first.port)
        warn(
          `the embedded database now runs on port ${joined.port} instead of ${first.port}: ` +
            'restart this process',
        )
    } catch (error) {
      gone = null
      warn(`the embedded database cannot be restarted: ${messageOf(error)}`)
      await Promise.race([sleep(RETRY_MS, undefined, { ref: false }), left])
    }
  }
}
