// The overview, the status page and `GET /late`, read by a login with only the rights of the role
// web.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../../../test/support/database.ts'
import { openDashboard } from '../../../../test/support/dashboard.ts'
import { addManySources } from '../../../../test/support/many-sources.ts'

const database = await openTestDatabase()
const { pool: db } = database

test('without PUBLIC_STATUS the status page is an unknown path', async (t) => {
  const { url } = await openDashboard(t, database)
  assert.equal((await fetch(`${url}/status-page`)).status, 404)
})

test('the overview names what needs a person, lists and filters the sources, and /late names none', async (t) => {
  const settings = { webUrl: null, publicStatus: true }
  let addedMs = 0
  const nowMs = () => Date.now() + addedMs
  const { url, signIn } = await openDashboard(t, database, { settings, nowMs })
  const visitor = await signIn()
  assert.match(await visitor.read('/'), /No source yet[^]*shelfsync add https:/)
  await addManySources(db, 120)
  // No earlier time is due.
  await db.query('update catalog.sources set schedule_set_at = now() where true')
  addedMs += 60_000
  const page = await visitor.read('/')
  assert.match(
    page,
    /Needs a person[^]*run \d+ is held until a person decides[^]*decide about run \d+/,
  )
  assert.match(page, /shop-1"[^]*Next page/)
  const held = await visitor.read('/?state=held')
  assert.equal(held.match(/<th scope="row"/g)?.length, 1)
  assert.equal((await visitor.read('/?text=SHOP-11')).match(/<th scope="row"/g)?.length, 11)
  assert.match(await visitor.read('/?text=none'), /No source matches the filters/)
  assert.equal((await visitor.read('/?after=100')).match(/<th scope="row"/g)?.length, 20)
  const late = async () => {
    const response = await fetch(`${url}/late`)
    return [response.status, await response.json()]
  }
  assert.deepEqual(await late(), [200, { late: 0, sources: 120, error: null }])
  await db.query(`update catalog.sources set schedule_set_at = now() - interval '9 days' where id = 2;
    update catalog.runs set started_at = now() - interval '9 days' where source_id = 2`)
  addedMs += 60_000
  assert.deepEqual(await late(), [503, { late: 1, sources: 120, error: null }])
  const status = await (await fetch(`${url}/status-page`)).text()
  assert.match(status, /shop-2[^]*late/)
  assert.doesNotMatch(status, /held|shopify|run \d/)
  await db.query('alter function catalog.source_healths rename to lost')
  addedMs += 60_000
  const [code, body] = await late()
  assert.deepEqual([code, Object(body).late], [503, null])
})
