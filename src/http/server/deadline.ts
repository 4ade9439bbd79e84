// The deadline of a response that needs the database. A database that hangs must not keep callers
// waiting.

import { SyncError } from '../../core/errors.ts'
import { withTimeout } from '../../lib/timeout.ts'

/** Short enough for a probe or a dashboard, long enough for a busy database. */
export const RESPONSE_MS = 5_000

/**
 * Returns the result of `work`. After the deadline the work continues and may still take effect.
 *
 * @throws SyncError `db/unreachable` after `timeoutMs`; any error of `work`
 */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const message =
    `The database did not respond within ${timeoutMs / 1000} s. ` +
    'The request may still take effect; repeating it is safe'
  return withTimeout(work, timeoutMs, () => new SyncError('db/unreachable', message))
}
