// Errors of the queue: which of them mean that it is unreachable. A queue in Postgres is out with the
// database.

import { SyncError } from '../core/errors.ts'
import { isConnectionError, toSyncError } from '../db/errors.ts'
import type { Queues } from './queues.ts'

/** Messages of ioredis about connections, which have no code. */
const REDIS_CONNECTION = /Connection is closed|sentinels are unreachable|refresh slots|CLUSTERDOWN/i

/** The code of an outage of the queue: that of the database, if the queue is there. */
export function findOutageCode({
  backend,
}: Pick<Queues, 'backend'>): 'db/unreachable' | 'queue/unreachable' {
  return backend === 'postgres' ? 'db/unreachable' : 'queue/unreachable'
}

/** Returns the SyncError for a known error of the queue. Any other error is returned unchanged. */
export function toQueueError(queues: Pick<Queues, 'backend'>, error: unknown): unknown {
  if (queues.backend === 'postgres' || error instanceof SyncError) return toSyncError(error)
  if (!(error instanceof Error)) return error
  if (!isConnectionError(error) && !REDIS_CONNECTION.test(error.message)) return error
  return new SyncError('queue/unreachable', error.message || error.name, { cause: error })
}
