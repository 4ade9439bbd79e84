// The costs of every page of the dashboard, without a clock: the bytes of its response, and the statements
// that it sends to Postgres. The bench measures times.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { openDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { listPages, requestPage } from '../support/page-requests.ts'
import { stockShelves } from '../support/shelves.ts'

const BYTES_MAX = 100_000
/** Two of them check the session. A page must not need a statement for each of its rows. */
const STATEMENTS_MAX = 20
const SEARCHES = ['/products?q=cream', '/products?status=all&sort=title']

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
const database = await openTestDatabase(lifetime)
const storeRoot = await mkdtemp(join(tmpdir(), 'page-costs-'))
ends.defer(() => rm(storeRoot, { recursive: true }))
await stockShelves(lifetime, { db: database.pool, storeRoot, products: 3_000 })
const dashboard = await openDashboard(lifetime, database)
const { cookie } = await dashboard.signIn()

test('every page is small, and needs few statements', async (t) => {
  const sent = t.mock.method(pg.Client.prototype, 'query')
  const examples = listPages().map(({ example }) => example)
  for (const address of [...examples, ...SEARCHES]) {
    const url = dashboard.url + address
    await requestPage(url, cookie)
    sent.mock.resetCalls()
    const { status, bytes } = await requestPage(url, cookie)
    const statements = sent.mock.callCount()
    t.diagnostic(`${address}: ${bytes} bytes, ${statements} statements`)
    assert.equal(status, 200, address)
    assert.ok(bytes < BYTES_MAX, `${address}: ${bytes} bytes`)
    assert.ok(
      statements > 0 && statements <= STATEMENTS_MAX,
      `${address}: ${statements} statements`,
    )
  }
})
