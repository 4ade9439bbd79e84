// Requires a key in the header of a request: an admin key, on routes that start or watch runs a
// sync key, and on routes that only look a read key.

import type { Context, MiddlewareHandler } from 'hono'
import { SyncError } from '../../core/errors.ts'
import type { KeyCheck, KeyKind } from './key-check.ts'
import type { ServerEnv } from './responses.ts'

/** The keys besides an admin key that a route accepts. */
export interface RouteAccess {
  readonly allowsSyncKey: boolean
  readonly allowsReadKey: boolean
}

/** Returns the handler for one kind of route. */
export type KeyGuard = (route: RouteAccess) => MiddlewareHandler<ServerEnv>

export function createKeyGuard(check: KeyCheck): KeyGuard {
  return ({ allowsSyncKey, allowsReadKey }) =>
    async (c, next) => {
      const kind = await check(readKey(c), c.var).catch((error: unknown) => {
        if (error instanceof SyncError && error.code === 'request/unauthorized')
          c.header('WWW-Authenticate', 'Bearer')
        throw error
      })
      const allowed = { admin: true, sync: allowsSyncKey, read: allowsReadKey }
      if (allowed[kind]) return next()
      throw new SyncError('request/forbidden', LIMITS[kind])
    }
}

const LIMITS: Readonly<Record<KeyKind, string>> = {
  admin: 'This key may not use the route',
  sync: 'A SYNC_KEY may only start and watch runs',
  read: 'A READ_KEY may only look',
}

function readKey(c: Context<ServerEnv>): string | undefined {
  return (
    c.req.header('X-ADMIN-KEY') ?? /^Bearer +(.+)$/i.exec(c.req.header('Authorization') ?? '')?.[1]
  )
}
