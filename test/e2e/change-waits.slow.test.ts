// Requests to /api/v1/changes that wait, on a real Postgres and real connections.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFeedPlace } from '../../src/db/read/feed.ts'
import { createResponseCheck, serveCatalogue } from '../support/catalogue-api.ts'
import { openTestDatabase } from '../support/database.ts'
import { openDeliveries } from '../support/deliveries.ts'
import { waitUntil } from '../support/wait-until.ts'

const { pool: db } = await openTestDatabase()
const check = createResponseCheck()
const ROUTE = '/api/v1/changes'

interface Changes {
  readonly items: readonly { readonly position: number; readonly kind: string }[]
  readonly next: number
  readonly more: boolean
}

const findLast = async (): Promise<number> => (await findFeedPlace(db, null)).last
const toChanges = async (response: Response | Promise<Response>): Promise<Changes> =>
  (await check(ROUTE, await response)) as Changes
const isWaiting = async (): Promise<boolean> => (await countListeners()) === 1

/** Connections that listen: it is their last statement. */
async function countListeners(): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::integer from pg_stat_activity
     where datname = current_database() and state = 'idle' and query = 'listen shelfsync_changes'`,
  )
  return rows[0]?.count ?? 0
}

test('a request that waits returns with the first change that matches, and all share one connection', async (t) => {
  const feed = await openDeliveries(t, db)
  const api = await serveCatalogue(t, db)
  const start = await findLast()
  const ask = (query: string): Promise<Changes> =>
    toChanges(api.sendRequest(`${ROUTE}?after=${start}&wait=30&${query}`))
  const waiting = [
    ask('kind=repriced,removed'),
    ask(`kind=removed&source=${feed.source}`),
    ask('kind=unavailable'),
  ]
  await waitUntil(isWaiting)
  await feed.publish('a', { kind: 'updated' })
  const repriced = await feed.publish('a', { kind: 'repriced' })
  const removed = await feed.publish('a', { kind: 'removed' })
  const unavailable = await feed.publish('b', { kind: 'unavailable' })
  const pages = await Promise.all(waiting)
  assert.deepEqual(
    pages.map(({ items: [first] }) => first?.position),
    [repriced, removed, unavailable],
  )
  await waitUntil(async () => (await countListeners()) === 0)
})

test('a request that waits for nothing gets an empty page, and the changes that exist at once', async (t) => {
  const feed = await openDeliveries(t, db)
  const api = await serveCatalogue(t, db)
  const start = await findLast()
  const position = await feed.publish('a')
  const found = await toChanges(api.sendRequest(`${ROUTE}?after=${start}&wait=30`))
  assert.deepEqual(
    found.items.map((change) => change.position),
    [position],
  )
  const none = await toChanges(api.sendRequest(`${ROUTE}?after=${start}&wait=1&kind=returned`))
  assert.deepEqual(none, { items: [], next: position, more: false })
})

test('few requests wait at once, and one whose client leaves makes place', async (t) => {
  await openDeliveries(t, db)
  const api = await serveCatalogue(t, db, { waitsMax: 1 })
  const address = `${ROUTE}?after=${await findLast()}&wait=30`
  const leaving = new AbortController()
  const left = api.sendRequest(address, { signal: leaving.signal })
  await waitUntil(isWaiting)
  const refused = await api.sendRequest(address)
  assert.equal(refused.status, 429)
  assert.equal(refused.headers.get('retry-after'), '5')
  assert.match(await refused.text(), /"code":"request\/too-many-waits"/)
  leaving.abort()
  await assert.rejects(left)
  await waitUntil(async () => (await countListeners()) === 0)
  assert.equal((await api.sendRequest(`${ROUTE}?after=0&wait=30`)).status, 200)
})

test('requests that wait get their response when the process stops, and survive the loss of their connection', async (t) => {
  const feed = await openDeliveries(t, db)
  const stopping = new AbortController()
  const api = await serveCatalogue(t, db, { stopping: stopping.signal })
  const start = await findLast()
  const lost = toChanges(api.sendRequest(`${ROUTE}?after=${start}&wait=30&kind=removed`))
  await waitUntil(isWaiting)
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and query = 'listen shelfsync_changes'`,
  )
  await waitUntil(isWaiting)
  const position = await feed.publish('a', { kind: 'removed' })
  assert.equal((await lost).next, position)
  const stopped = toChanges(api.sendRequest(`${ROUTE}?after=${position}&wait=30`))
  await waitUntil(isWaiting)
  stopping.abort()
  assert.deepEqual(await stopped, { items: [], next: position, more: false })
  await waitUntil(async () => (await countListeners()) === 0)
})
