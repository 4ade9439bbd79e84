// The deadline of an answer that needs the database. One that is silent, rather than gone, would
// keep all who ask waiting without end.

import { SyncError } from '../../core/errors.ts'
import { within } from '../../lib/deadline.ts'

/**
 * Soon enough for a probe or a dashboard to hear of it, long enough for a database that is only
 * busy.
 */
export const RESPONSE_MS = 5_000

/**
 * What `work` comes to. It goes on when the time is over: what was asked for may still be done.
 *
 * @throws SyncError `db/unreachable` after `timeoutMs`, and whatever `work` throws
 */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const what = `The database has not answered within ${timeoutMs / 1000} s. What was asked for may still be done; asking again is safe`
  return within(work, timeoutMs, () => new SyncError('db/unreachable', what))
}
