// Requires a key: an admin key, or on some routes a sync key. A missing key and a wrong one get the
// same response in the same time. A right key always passes, even from a banned network: behind a
// proxy, many callers share an address.

import { setTimeout as delay } from 'node:timers/promises'
import type { Context, MiddlewareHandler } from 'hono'
import { SyncError } from '../../core/errors.ts'
import { digestSecrets, isAnyOf } from '../../node/secret-digests.ts'
import type { ServerEnv } from './responses.ts'
import { toNetwork } from './client-address.ts'
import { createKeyAttempts } from './key-attempts.ts'

/** The reason for refusing a request: a closed set, usable as a metric label. */
export type AuthFailure = 'missing' | 'wrong' | 'banned' | 'crowded'

export interface KeyGuardOptions {
  /** The keys for every route: the current one, and the next one during a rotation. */
  readonly keys: readonly string[]
  /** The keys for the routes that start and watch runs. */
  readonly syncKeys: readonly string[]
  readonly nowMs: () => number
  /** Delays a request from a banned network. Default: a timer. */
  readonly slow?: (ms: number) => Promise<void>
  /** Called with the reason of every refusal. */
  readonly onAuthFailure?: (reason: AuthFailure) => void
}

/**
 * Delay of each request from a banned network: long enough to make guessing useless, shorter than
 * any timeout of a caller with the right key.
 */
const SLOW_MS = 1000
/** The most wrong keys that are delayed at once; further ones are refused immediately. */
const SLOWED_MAX = 100

/** Returns the handler for one kind of route. All of them share the counts of wrong keys. */
export type KeyGuard = (route: { readonly allowsSyncKey: boolean }) => MiddlewareHandler<ServerEnv>

/**
 * @throws SyncError `settings/invalid` without any admin key, so that a server is never open by
 * mistake
 */
export function createKeyGuard({
  keys,
  syncKeys,
  nowMs,
  slow = delay,
  onAuthFailure = () => undefined,
}: KeyGuardOptions): KeyGuard {
  if (keys.length === 0)
    throw new SyncError(
      'settings/invalid',
      'ADMIN_KEY: missing; the HTTP servers do not start without it',
    )
  const adminDigests = digestSecrets(keys)
  const syncDigests = digestSecrets(syncKeys)
  const attempts = createKeyAttempts(nowMs)
  let slowed = 0

  return ({ allowsSyncKey }) =>
    async (c, next) => {
      const network = toNetwork(c.var.client)
      const given = readKey(c)
      const isAdmin = isAnyOf(adminDigests, given ?? '')
      const isRight = isAnyOf(syncDigests, given ?? '') || isAdmin
      const refusal = attempts.findRefusal(network)
      if (refusal && (isRight || slowed < SLOWED_MAX)) {
        if (!isRight) slowed += 1
        await slow(SLOW_MS)
        if (!isRight) slowed -= 1
      }
      if (isRight) {
        attempts.recordSuccess(network)
        if (isAdmin || allowsSyncKey) return next()
        throw new SyncError('request/forbidden', 'A SYNC_KEY may only start and watch runs')
      }
      if (refusal) {
        onAuthFailure(refusal.reason)
        throw new SyncError(
          'request/too-many-failures',
          'Too many requests without the right key',
          { retryAfterMs: refusal.waitMs },
        )
      }
      const reason = given === undefined ? 'missing' : 'wrong'
      onAuthFailure(reason)
      const bannedSeconds = attempts.recordFailure(network) / 1000
      c.var.log.warn(
        { client: c.var.client, reason, bannedSeconds },
        'a request had a missing or wrong key',
      )
      c.header('WWW-Authenticate', 'Bearer')
      throw new SyncError('request/unauthorized', 'The key is missing or wrong')
    }
}

function readKey(c: Context<ServerEnv>): string | undefined {
  return (
    c.req.header('X-ADMIN-KEY') ?? /^Bearer +(.+)$/i.exec(c.req.header('Authorization') ?? '')?.[1]
  )
}
