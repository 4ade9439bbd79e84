// The shelves that tests of pages and of the read API use.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTestDatabase } from './database.ts'
import { stockShelves } from './shelves.ts'

test('shelves have held prices and runs, a quarantined record, a failed run and many products', async (t) => {
  const { pool: db } = await openTestDatabase(t)
  const storeRoot = await mkdtemp(join(tmpdir(), 'shelfsync-shelves-'))
  t.after(() => rm(storeRoot, { recursive: true, force: true }))
  const shelves = await stockShelves(t, { db, storeRoot, products: 100_000 })
  const count = async (sql: string) =>
    Number((await db.query<{ count: string }>(`select count(*) from ${sql}`)).rows[0]?.count)
  assert.ok((await count('catalog.products')) >= 100_000)
  assert.ok((await count("catalog.prices where state = 'held'")) >= 4)
  assert.ok((await count("catalog.reviews where state = 'open'")) >= 5)
  assert.equal(await count("catalog.quarantine where state = 'open'"), 1)
  assert.ok((await count("catalog.changes where kind = 'removed' and position is not null")) > 0)
  assert.ok((await count('catalog.products where expires_at is not null')) > 0)
  const { rows } = await db.query(
    'select id, state from catalog.runs where id = any($1) order by id',
    [[shelves.heldRun, shelves.failedRun]],
  )
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['held', 'failed'],
  )
})
