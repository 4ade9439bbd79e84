// Restarts an embedded server that ended while this process uses it.

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../core/errors.ts'
import type { Joined } from './presence.ts'

/** Delay between two attempts to restart a server: a full disk may have space by then. */
const RETRY_MS = 5_000

export interface ServerEvents {
  /** The server has ended, and is restarted. */
  onLost(): void
  /** The server accepts connections again, possibly on another port. */
  onRestarted(url: string): void
  /** A restart has failed, and is tried again. */
  onFailed(reason: string): void
}

/**
 * Joins the server again whenever it ends, until `leaving` fires. It completes a join that is in
 * progress before it returns, so that no server remains without a user.
 */
export async function keepRunning(
  first: Joined,
  rejoin: () => Promise<Joined>,
  events: ServerEvents,
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
      events.onLost()
    }
    try {
      const joined = await rejoin()
      gone = joined.gone
      events.onRestarted(joined.url)
    } catch (error) {
      gone = null
      events.onFailed(messageOf(error))
      await Promise.race([sleep(RETRY_MS, undefined, { ref: false }), left])
    }
  }
}
