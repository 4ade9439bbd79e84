// Lets a request look by a key, or by the session of a signed-in browser: the page that tries the
// API sends no key.

import type { MiddlewareHandler } from 'hono'
import { createKeyGuard } from '../server/key-guard.ts'
import type { KeyCheck } from '../server/key-check.ts'
import type { ServerEnv } from '../server/responses.ts'
import type { Sessions } from './sessions.ts'

interface ReaderGuardTools {
  readonly checkKey: KeyCheck
  readonly sessions: Sessions
}

/**
 * An admin key or a read key may use every method. A session may only GET, because a request with its
 * cookie has no token against forged forms.
 */
export function createReaderGuard({
  checkKey,
  sessions,
}: ReaderGuardTools): MiddlewareHandler<ServerEnv> {
  const guard = createKeyGuard(checkKey)({ allowsSyncKey: false, allowsReadKey: true })
  return async (c, next) => {
    const hasKey = c.req.header('X-ADMIN-KEY') ?? c.req.header('Authorization')
    const looks = c.req.method === 'GET' || c.req.method === 'HEAD'
    if (hasKey === undefined && looks && (await sessions.find(c)) !== null) return next()
    return guard(c, next)
  }
}
