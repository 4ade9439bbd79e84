// Everything that commands work with, and the queue besides.

import { migrateQueue, openQueues, QUEUE_SCHEMA, type Queues } from '../jobs/queues.ts'
import type { Log } from '../node/log.ts'
import type { Settings } from '../node/settings.ts'
import { openTools, type Tools } from './open.ts'
import type { Output } from './output.ts'

export interface QueueTools extends Tools {
  readonly queues: Queues
}

/** `log`: in place of the command's own. @throws SyncError as `openTools`, and `queue/unreachable` */
export async function openQueueTools(output: Output, settings: Settings, log?: Log): Promise<QueueTools> {
  await using opened = new AsyncDisposableStack()
  const tools = { ...opened.use(await openTools(output, settings, { searchPath: QUEUE_SCHEMA })), ...(log && { log }) }
  if (settings.databaseUrl === null) await migrateQueue(tools.db)
  // What breaks here mends itself; it is said once a second at most, or a database that is away would fill the disk with its log.
  const queues = await openQueues(tools.db, settings.queue.url, sparingly((error) => tools.log.warn({ cause: error.message }, 'the queue is disturbed; trying again')))
  opened.defer(() => queues.close())
  const kept = opened.move()
  return { ...tools, queues, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

function sparingly(say: (error: Error) => void): (error: Error) => void {
  let saidAtMs = -Infinity
  return (error) => {
    if (performance.now() - saidAtMs < 1000) return
    saidAtMs = performance.now()
    say(error)
  }
}
