// BullMQ's backend on Postgres, with three changes: it pauses after an error instead of retrying at
// once (Postgres may be read-only, full or overloaded), it recovers when Postgres was unavailable at
// its start, and it does not wait for a response that never arrives.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  createPostgresBackend,
  type BackendFactory,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
} from 'bullmq'
import pg from 'pg'

/** Delay after an error before the next job is requested. BullMQ would retry without a pause. */
const RETRY_MS = 1000
/**
 * Time limit for waiting for a notification before the queue is read. With BullMQ's default of an hour,
 * a job whose notification was lost would wait that long.
 */
const LISTEN_SECONDS_MAX = 5
/** Time limit of a query. Those of the queue take milliseconds. */
const QUERY_MS = 15_000

/** `onError` is called at once: after the pause, Postgres may be available again. */
export function createCalmBackend(
  onError: (error: Error) => void,
  wait: (ms: number) => Promise<unknown> = sleep,
): BackendFactory<PostgresQueueBackend, PostgresConnectionOptions> {
  return (name, options, more) => {
    const connection = limitQueries(options.connection)
    const backend = createPostgresBackend(name, { ...options, connection }, more)
    const moveToActive = backend.moveToActive.bind(backend)
    backend.moveToActive = async (token, jobName) => {
      try {
        return await moveToActive(token, jobName)
      } catch (error) {
        if (error instanceof Error) onError(error)
        await wait(RETRY_MS)
        throw error
      }
    }
    for (const memo of [backend, backend.connection]) forgetFailure(memo)
    return Object.defineProperty(backend, 'maximumBlockTimeout', { value: LISTEN_SECONDS_MAX })
  }
}

/**
 * Ends a query without a response, and its connection. Otherwise a worker whose packets are lost
 * would wait until TCP gives up, which takes a quarter of an hour.
 */
function limitQueries<Connection>(connection: Connection): Connection {
  if (!(connection instanceof pg.Pool)) return connection
  return new Proxy(connection, {
    get(pool, name) {
      if (name === 'query')
        return (text: string, values?: unknown[]) =>
          pool.query({ text, values: values ?? [], query_timeout: QUERY_MS } as pg.QueryConfig)
      const value: unknown = Reflect.get(pool, name, pool)
      return typeof value === 'function' ? value.bind(pool) : value
    },
  })
}

/**
 * BullMQ checks its connection once and caches a failure: its workers would take no job until the
 * process restarts.
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
