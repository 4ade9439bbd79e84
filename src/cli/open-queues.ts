// Everything that commands work with, and the queue besides.

import { migrateQueue, openQueues, QUEUE_SCHEMA, type Queues } from '../jobs/queues.ts'
import type { Log } from '../telemetry/log.ts'
import type { Settings } from '../config/settings.ts'
import { openTools, type Tools } from './open.ts'
import type { Output } from './output.ts'

export interface QueueTools extends Tools {
  readonly queues: Queues
}

/**
 * `log`: of a process that stays, in place of the command's own; it looks after the embedded
 * database. @throws SyncError as `openTools`, and `queue/unreachable`
 */
export async function openQueueTools(
  output: Output,
  settings: Settings,
  log?: Log,
): Promise<QueueTools> {
  await using opened = new AsyncDisposableStack()
  const tools = {
    ...opened.use(
      await openTools(output, settings, {
        searchPath: QUEUE_SCHEMA,
        ...(log && { tend: (warning) => log.warn({}, warning) }),
      }),
    ),
    ...(log && { log }),
  }
  if (settings.databaseUrl === null) await migrateQueue(tools.db)
  const queues = await openQueues(
    tools.db,
    settings.queue.url,
    sparingly((cause) => tools.log.warn({ cause }, 'the queue is disturbed; trying again')),
  )
  opened.defer(() => queues.close())
  const { evictionPolicy: policy } = queues
  if (policy !== null && policy !== 'noeviction')
    tools.log.warn(
      { policy },
      'the Redis of QUEUE_URL may drop jobs when its memory is full: set maxmemory-policy noeviction',
    )
  const kept = opened.move()
  return { ...tools, queues, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/**
 * What breaks there mends itself, and until then says so a hundred times a minute: it is told once
 * a minute.
 */
function sparingly(say: (cause: string) => void): (error: Error) => void {
  let told = new Set<string>()
  let sinceMs = -Infinity
  return ({ message }) => {
    if (performance.now() - sinceMs > 60_000) [told, sinceMs] = [new Set(), performance.now()]
    if (told.has(message)) return
    told.add(message)
    say(message)
  }
}
