// Places in the line where a test can stop it, without a trace of that in the line: the handles that it is given are watched.
// A place is `before` or `after` an SQL statement (`begin`, `commit`, or the name of a function of ours) or `put` of the store.

import type { ArtifactStore } from '../../src/artifacts/store.ts'
import type { Db } from '../../src/db/pool.ts'

export type Place = `${'before' | 'after'} ${string}`

/** Called at every place that is passed. What it returns is awaited there; what it throws, the statement throws. */
export type Watch = (place: Place) => void | Promise<void>

/** The `nth` time (from 1) that `place` is passed, `act`. */
export function at(place: Place, nth: number, act: () => void | Promise<void>): Watch {
  let left = nth
  return (passed) => (passed === place && --left === 0 ? act() : undefined)
}

/** Watches every statement of `db` from now on, on connections of whoever borrows them. Streams (COPY) pass unseen. */
export function watchQueries(db: Db, watch: Watch): void {
  const watched = new WeakSet<object>()
  const connect = db.connect.bind(db)
  const instrument = (client: Queryable): void => {
    if (watched.has(client)) return
    watched.add(client)
    const query = client.query.bind(client)
    client.query = (...call: unknown[]): unknown => {
      const name = nameOf(call[0])
      if (name === null) return query(...call)
      const callback = call.at(-1)
      const answer = (async () => {
        await watch(`before ${name}`)
        const result = await query(...(typeof callback === 'function' ? call.slice(0, -1) : call))
        await watch(`after ${name}`)
        return result
      })()
      if (typeof callback !== 'function') return answer
      answer.then((result) => callback(null, result), (error: unknown) => callback(error))
      return undefined
    }
  }
  const watchedConnect = (callback?: (error: unknown, client: Queryable | undefined, release: unknown) => void): unknown => {
    if (!callback) return connect().then((client) => (instrument(client as unknown as Queryable), client))
    return (connect as (callback: unknown) => void)((error: unknown, client: Queryable | undefined, release: unknown) => {
      if (client) instrument(client)
      callback(error, client, release)
    })
  }
  Object.assign(db, { connect: watchedConnect })
}

export function watchStore(store: ArtifactStore, watch: Watch): ArtifactStore {
  return {
    describe: () => store.describe(), get: (key) => store.get(key), list: (prefix) => store.list(prefix), remove: (keys) => store.remove(keys), sweep: (before) => store.sweep(before),
    async put(key, bytes) {
      await watch('before put')
      await store.put(key, bytes)
      await watch('after put')
    },
  }
}

interface Queryable {
  query(...call: unknown[]): unknown
}

function nameOf(statement: unknown): string | null {
  if (typeof statement !== 'string') return null
  return /catalog\.(\w+)\(/.exec(statement)?.[1] ?? statement.split(' ', 1)[0] ?? statement
}
