// The objects of a process that works with the queue.

import type { Settings } from '../config/settings.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA, type Queues } from '../jobs/queues.ts'
import { type Host, openTools, type Tools } from './compose.ts'
import type { DatabaseOptions } from './open-database.ts'

const REPEAT_AFTER_MS = 60_000

export interface QueueTools extends Tools {
  readonly queues: Queues
}

/** @throws SyncError as `openTools`, and `queue/unreachable` */
export async function openQueueTools(
  settings: Settings,
  host: Host,
  options: Pick<DatabaseOptions, 'onServerLost'> = {},
): Promise<QueueTools> {
  await using opened = new AsyncDisposableStack()
  const tools = opened.use(
    await openTools(settings, host, { searchPath: QUEUE_SCHEMA, ...options }),
  )
  if (settings.databaseUrl === null) await migrateQueue(tools.db)
  const queues = await openQueues(
    tools.db,
    settings.queue.url,
    limitRepeats((cause) => host.log.warn({ cause }, 'the queue failed; trying again')),
  )
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
 * BullMQ reconnects without help and repeats the same error up to a hundred times a minute. Each
 * message is reported once a minute.
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
