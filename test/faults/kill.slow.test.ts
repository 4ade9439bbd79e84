// The critical places for a kill: bytes without their row, rows before their commit, and just
// before and after settling.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import { killSyncAt, testSyncKills } from './sync-kills.ts'

const database = await openTestDatabase()

testSyncKills(database, [
  ['after put', 2],
  ['after apply_batch', 2],
  ['after commit', 3],
  ['before settle_run', 1],
  ['after settle_run', 1],
])

test('the first load survives repeated kills', async (t) => {
  const { pipeline, supplier } = await openToy(t, {
    db: database.pool,
    start: { products: 16 },
  })
  await killSyncAt(pipeline, database, ['after add_part', 1])
  await killSyncAt(pipeline, database, ['after commit', 2])
  const report = await pipeline.sync({ mode: 'auto' })
  assert.equal(report.state, 'succeeded')
  assert.equal(report.ledger.created, 16)
  const uninterrupted = await openToy(t, { db: database.pool, supplier })
  await uninterrupted.pipeline.sync()
  assert.deepEqual(
    await snapshotCatalogue(pipeline),
    await snapshotCatalogue(uninterrupted.pipeline),
  )
})
