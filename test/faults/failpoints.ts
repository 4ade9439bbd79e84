// Places at which a test can stop the pipeline without changing its code: the database pool and the
// store that it receives are watched. A place is `before` or `after` an SQL statement (`begin`,
// `commit`, or the name of a catalogue function), `put` of the store, or `ack`, when the queue
// learns that a job is done; `in copy` is when Postgres has half of the bytes that a COPY sends at
// once.

import { Writable } from 'node:stream'
import type { ArtifactStore } from '../../src/artifacts/store.ts'
import type { Db } from '../../src/db/pool.ts'

export type Failpoint = `${'before' | 'after'} ${string}` | 'in copy'

/**
 * Called at every place. The statement waits for the returned promise and fails with a thrown
 * error.
 */
export type FailpointWatcher = (place: Failpoint) => void | Promise<void>

/** Calls `act` when `place` is passed for the `nth` time, counted from 1. */
export function onNthPass(
  place: Failpoint,
  nth: number,
  act: () => void | Promise<void>,
): FailpointWatcher {
  let left = nth
  return (passed) => (passed === place && --left === 0 ? act() : undefined)
}

/** Watches every statement of `db` from now on, on every borrowed connection. */
export function watchQueries(db: Db, watch: FailpointWatcher): void {
  const watched = new WeakSet<object>()
  const connect = db.connect.bind(db)
  const instrument = (client: Queryable): void => {
    if (watched.has(client)) return
    watched.add(client)
    const query = client.query.bind(client)
    client.query = (...call: unknown[]): unknown => {
      if (call[0] instanceof Writable) watchCopy(call[0], watch)
      const name = nameStatement(call[0])
      if (name === null) return query(...call)
      const callback = call.at(-1)
      const outcome = (async () => {
        await watch(`before ${name}`)
        const result = await query(...(typeof callback === 'function' ? call.slice(0, -1) : call))
        await watch(`after ${name}`)
        return result
      })()
      if (typeof callback !== 'function') return outcome
      outcome.then(
        (result) => callback(null, result),
        (error: unknown) => callback(error),
      )
      return undefined
    }
  }
  const watchedConnect = (
    callback?: (error: unknown, client: Queryable | undefined, release: unknown) => void,
  ): unknown => {
    if (!callback)
      return connect().then((client) => (instrument(client as unknown as Queryable), client))
    return (connect as (callback: unknown) => void)(
      (error: unknown, client: Queryable | undefined, release: unknown) => {
        if (client) instrument(client)
        callback(error, client, release)
      },
    )
  }
  Object.assign(db, { connect: watchedConnect })
}

export function watchStore(store: ArtifactStore, watch: FailpointWatcher): ArtifactStore {
  return {
    describe: () => store.describe(),
    check: () => store.check(),
    sweep: (before) => store.sweep(before),
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    remove: (keys) => store.remove(keys),
    putStream: (key, source) => store.putStream(key, source),
    async put(key, bytes) {
      await watch('before put')
      await store.put(key, bytes)
      await watch('after put')
    },
  }
}

function watchCopy(copy: Writable, watch: FailpointWatcher): void {
  // oxlint-disable-next-line eslint/no-underscore-dangle -- Node's name for what a stream does with a chunk
  const write = copy._write.bind(copy)
  // oxlint-disable-next-line eslint/no-underscore-dangle
  copy._write = (bytes: Buffer, encoding, done) => {
    const middle = bytes.length >> 1
    const writeRest = async (): Promise<void> => {
      await watch('in copy')
      write(bytes.subarray(middle), encoding, done)
    }
    write(bytes.subarray(0, middle), encoding, (error) => {
      if (error) done(error)
      else writeRest().catch(done)
    })
  }
}

interface Queryable {
  query(...call: unknown[]): unknown
}

function nameStatement(statement: unknown): string | null {
  // The queries of the queue have a time limit, so they are objects.
  const { text } = Object(statement) as { readonly text?: unknown }
  if (/\bmove_to_completed/.test(String(text ?? statement))) return 'ack'
  if (typeof statement !== 'string') return null
  return /catalog\.(\w+)\(/.exec(statement)?.[1] ?? statement.split(' ', 1)[0] ?? statement
}
