// The objects of a process that works with the queue.

import type { Settings } from '../config/settings.ts'
import { toQueueError } from '../jobs/queue-errors.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA, type Queues } from '../jobs/queues.ts'
import { type Host, openTools, type Tools } from './compose.ts'

const REPEAT_AFTER_MS = 60_000
/**
 * Follows an outage that was longer than the lock of a job, or after which Redis is empty. The job is
 * delivered or enqueued again, and the lease of its task decides who may write.
 */
const LOST_JOB = /could not renew lock for job|Missing (lock|key) for job/i

export interface QueueTools extends Tools {
  readonly queues: Queues
}

/** @throws SyncError as `openTools`, and `queue/unreachable` */
export async function openQueueTools(settings: Settings, host: Host): Promise<QueueTools> {
  await using opened = new AsyncDisposableStack()
  const tools = opened.use(await openTools(settings, host, { searchPath: QUEUE_SCHEMA }))
  if (settings.databaseUrl === null) await migrateQueue(tools.db)
  const { outages } = tools
  const backend = settings.queue.url === null ? 'postgres' : 'redis'
  const report = limitRepeats((cause) => host.log.warn({ cause }, 'the queue failed; trying again'))
  const queues = await openQueues(tools.db, settings.queue.url, {
    onError(error) {
      if (LOST_JOB.test(error.message)) host.log.debug({ cause: error.message }, 'a job is lost')
      else if (!outages.failed(toQueueError({ backend }, error), { work: 'queue' })) report(error)
    },
    onReached: () => outages.reached('queue/unreachable'),
  })
  opened.defer(() => queues.close())
  const { evictionPolicy: policy } = queues
  if (policy !== null && policy !== 'noeviction')
    host.log.warn(
      { policy },
      'the Redis of QUEUE_URL may drop jobs when its memory is full: set maxmemory-policy noeviction',
    )
  const kept = opened.move()
  return { ...tools, queues, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/**
 * BullMQ tries again by itself, and may repeat an error that is not an outage up to a hundred times a
 * minute. Each message is reported once a minute.
 */
function limitRepeats(report: (cause: string) => void): (error: Error) => void {
  let reported = new Set<string>()
  let sinceMs = -Infinity
  return ({ message }) => {
    if (performance.now() - sinceMs > REPEAT_AFTER_MS) {
      reported = new Set()
      sinceMs = performance.now()
    }
    if (reported.has(message)) return
    reported.add(message)
    report(message)
  }
}
