// Lets only callers with the admin key through. A missing key and a wrong one are the same answer,
// found in the same time. The right key always passes, however many others fail from the same
// network: behind one proxy they have one address.

import { hash, timingSafeEqual } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { MiddlewareHandler } from 'hono'
import { SyncError } from '../../core/errors.ts'
import type { ServerEnv } from './responses.ts'
import { networkOf } from './client-address.ts'
import { createFailedKeys } from './key-attempts.ts'

/** Why a request was refused: a closed set, fit for a metric's label. */
export type AuthFailure = 'missing' | 'wrong' | 'banned' | 'crowded'

export interface KeyGuardOptions {
  /** The key that callers must send, and while it is changed the next one too. */
  readonly keys: readonly string[]
  readonly nowMs: () => number
  /** How a request from a banned network is slowed. Default: by a timer. */
  readonly slow?: (ms: number) => Promise<void>
  /** Told of every refusal, to count them. */
  readonly onAuthFailure?: (reason: AuthFailure) => void
}

/**
 * What a request from a banned network waits: a second for each guess, and no time limit of a
 * caller who knows the key.
 */
const SLOW_MS = 1000
/** So many wrong ones are held at a time, and no more: those beyond are refused at once. */
const SLOWED_MAX = 100

/** @throws SyncError `settings/invalid` without any key: a face is never open by mistake */
export function createKeyGuard({
  keys,
  nowMs,
  slow = delay,
  onAuthFailure = () => undefined,
}: KeyGuardOptions): MiddlewareHandler<ServerEnv> {
  if (keys.length === 0)
    throw new SyncError(
      'settings/invalid',
      'ADMIN_KEY: missing; the HTTP faces do not start without it',
    )
  const digests = keys.map((key) => digestOf(Buffer.from(key)))
  const failedKeys = createFailedKeys(nowMs)
  let slowed = 0

  return async (c, next) => {
    const network = networkOf(c.var.client)
    const given =
      c.req.header('X-ADMIN-KEY') ??
      /^Bearer +(.+)$/i.exec(c.req.header('Authorization') ?? '')?.[1]
    const isRight = isAnyOf(digests, given ?? '')
    const refusal = failedKeys.refusal(network)
    if (refusal && (isRight || slowed < SLOWED_MAX)) {
      if (!isRight) slowed += 1
      await slow(SLOW_MS)
      if (!isRight) slowed -= 1
    }
    if (isRight) {
      failedKeys.succeeded(network)
      return next()
    }
    if (refusal) {
      onAuthFailure(refusal.reason)
      c.header('Retry-After', String(Math.ceil(refusal.waitMs / 1000)))
      throw new SyncError('request/too-many-failures', 'Too many requests without the right key')
    }
    const reason = given === undefined ? 'missing' : 'wrong'
    onAuthFailure(reason)
    const bannedSeconds = failedKeys.failed(network) / 1000
    c.var.log.warn(
      { client: c.var.client, reason, bannedSeconds },
      'a request came without the right key',
    )
    c.header('WWW-Authenticate', 'Bearer')
    throw new SyncError('request/unauthorized', 'The key is missing or wrong')
  }
}

/**
 * Looks at every key, so that the time tells neither which of them nor how much of it was right.
 */
function isAnyOf(digests: readonly Buffer[], given: string): boolean {
  // Header values come as Latin-1, whatever bytes the caller sent.
  const digest = digestOf(Buffer.from(given, 'latin1'))
  let found = false
  for (const key of digests) found = timingSafeEqual(key, digest) || found
  return found
}

function digestOf(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer')
}
