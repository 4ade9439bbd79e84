// Decides what the sender of a key may do. A missing key and a wrong one get the same response in
// the same time. A right key always passes, even from a banned network: behind a proxy, many
// callers share an address.

import { setTimeout as delay } from 'node:timers/promises'
import { SyncError } from '../../core/errors.ts'
import { digestSecrets, isAnyOf } from '../../node/secret-digests.ts'
import type { Log } from '../../telemetry/log.ts'
import { toNetwork } from './client-address.ts'
import { createKeyAttempts } from './key-attempts.ts'

/** The reason for refusing a request: a closed set, usable as a metric label. */
export type AuthFailure = 'missing' | 'wrong' | 'banned' | 'crowded'

export interface KeyCheckOptions {
  /** The keys for everything: the current one, and the next one during a rotation. */
  readonly keys: readonly string[]
  /** The keys for the routes that start and watch runs. */
  readonly syncKeys: readonly string[]
  /** The keys that may only look. */
  readonly readKeys?: readonly string[]
  readonly nowMs: () => number
  /** Delays a request from a banned network. Default: a timer. */
  readonly slow?: (ms: number) => Promise<void>
  /** Called with the reason of every refusal. */
  readonly onAuthFailure?: (reason: AuthFailure) => void
}

export type KeyKind = 'admin' | 'sync' | 'read'

export interface KeySender {
  /** The address of the caller. */
  readonly client: string
  readonly log: Log
}

/**
 * Returns the kind of the key. All routes of a server share the counts of wrong keys.
 *
 * @throws SyncError `request/unauthorized` · `request/too-many-failures`
 */
export type KeyCheck = (given: string | undefined, sender: KeySender) => Promise<KeyKind>

/**
 * Delay of each request from a banned network: long enough to make guessing useless, shorter than
 * any timeout of a caller with the right key.
 */
const SLOW_MS = 1000
/** The most wrong keys that are delayed at once; further ones are refused immediately. */
const SLOWED_MAX = 100

/**
 * @throws SyncError `settings/invalid` without any admin key, so that a server is never open by
 * mistake
 */
export function createKeyCheck({
  keys,
  syncKeys,
  readKeys = [],
  nowMs,
  slow = delay,
  onAuthFailure = () => undefined,
}: KeyCheckOptions): KeyCheck {
  if (keys.length === 0)
    throw new SyncError(
      'settings/invalid',
      'ADMIN_KEY: missing; the HTTP servers do not start without it',
    )
  const digests = {
    admin: digestSecrets(keys),
    sync: digestSecrets(syncKeys),
    read: digestSecrets(readKeys),
  }
  const attempts = createKeyAttempts(nowMs)
  let slowed = 0

  /** Compares with the keys of every kind, so that the duration reveals nothing. */
  const findKind = (given: string): KeyKind | null => {
    const isRead = isAnyOf(digests.read, given)
    const isSync = isAnyOf(digests.sync, given)
    if (isAnyOf(digests.admin, given)) return 'admin'
    if (isSync) return 'sync'
    return isRead ? 'read' : null
  }

  return async (given, { client, log }) => {
    const network = toNetwork(client)
    const kind = findKind(given ?? '')
    const refusal = attempts.findRefusal(network)
    if (refusal && (kind !== null || slowed < SLOWED_MAX)) {
      if (kind === null) slowed += 1
      await slow(SLOW_MS)
      if (kind === null) slowed -= 1
    }
    if (kind !== null) {
      attempts.recordSuccess(network)
      return kind
    }
    if (refusal) {
      onAuthFailure(refusal.reason)
      throw new SyncError('request/too-many-failures', 'Too many requests without the right key', {
        retryAfterMs: refusal.waitMs,
      })
    }
    const reason = given === undefined ? 'missing' : 'wrong'
    onAuthFailure(reason)
    const bannedSeconds = attempts.recordFailure(network) / 1000
    log.warn({ client, reason, bannedSeconds }, 'a request had a missing or wrong key')
    throw new SyncError('request/unauthorized', 'The key is missing or wrong')
  }
}
