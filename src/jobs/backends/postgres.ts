// BullMQ's backend on Postgres, made calmer for the days when Postgres answers and yet gives out no
// job: read-only, out of room, too busy; and able to begin once more when Postgres was away just as
// it began.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  createPostgresBackend,
  type BackendFactory,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
} from 'bullmq'

/**
 * When a job that could not be taken is asked for again. BullMQ would ask at once, as often as a
 * core can.
 */
const RETRY_MS = 1000
/**
 * How long a worker listens before it looks by itself. BullMQ's hour would be the hour that a job
 * waits whose notification got lost.
 */
const LISTEN_SECONDS_MAX = 5

export function createCalmBackend(
  wait: (ms: number) => Promise<unknown> = sleep,
): BackendFactory<PostgresQueueBackend, PostgresConnectionOptions> {
  return (name, options, more) => {
    const backend = createPostgresBackend(name, options, more)
    const moveToActive = backend.moveToActive.bind(backend)
    backend.moveToActive = async (token, jobName) => {
      try {
        return await moveToActive(token, jobName)
      } catch (error) {
        await wait(RETRY_MS)
        throw error
      }
    }
    for (const memo of [backend, backend.connection]) forgetFailure(memo)
    return Object.defineProperty(backend, 'maximumBlockTimeout', { value: LISTEN_SECONDS_MAX })
  }
}

/**
 * BullMQ asks once whether its connection is ready, and keeps a "no" for ever: its workers would
 * take no job until the process starts anew.
 */
function forgetFailure(memo: { waitUntilReady(): Promise<void> }): void {
  const waitUntilReady = memo.waitUntilReady.bind(memo)
  memo.waitUntilReady = async () => {
    try {
      await waitUntilReady()
    } catch (error) {
      Reflect.deleteProperty(memo, 'readyPromise')
      throw error
    }
  }
}
