// The ledger: every archived line has one outcome, and a run whose ledger does not balance never
// succeeds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPool } from '../../src/db/pool.ts'
import { OUTCOMES } from '../../src/core/ledger.ts'
import { onNthPass, watchQueries } from '../faults/failpoints.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db, url: databaseUrl } = await openTestDatabase()

test('every outcome is counted once, and the outcomes add up to the fetched records', async (t) => {
  const { pipeline, supplier } = await openToy(t, {
    db,
    policy: { quarantineShare: 0.5 },
    options: { lanes: 1 },
  })
  const ids = supplier.catalogue.ids()
  const first = await pipeline.sync()
  assert.deepEqual(countOutcomes(first), { created: 30 })
  supplier.clock.advance(60_000)
  supplier.catalogue.add(2)
  supplier.catalogue.update(ids.slice(0, 3))
  supplier.catalogue.setPrice(ids.slice(3, 4), { cents: 90_000 })
  supplier.catalogue.touch(ids.slice(4, 9))
  supplier.misstate(ids.slice(9, 11), { price: 'much' })
  supplier.setFaults({ kind: 'insert-line', at: 8, text: '' }, { kind: 'duplicate-line', at: 20 })
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.deepEqual(countOutcomes(report), {
    created: 2,
    updated: 3,
    unchanged: 24,
    duplicate: 1,
    blank: 1,
    quarantined: 2,
    held: 1,
  })
  assert.equal(report.ledger.expected, 32)
  assert.equal(report.ledger.fetched, 34)
  assert.equal(
    OUTCOMES.reduce((sum, outcome) => sum + report.ledger[outcome], 0),
    34,
  )
  const [row] = await pipeline.query<{ ledger: unknown }>(
    'select ledger from catalog.runs where id = $1',
    report.run,
  )
  assert.deepEqual(
    { ...(row?.ledger as object), unreadable: undefined },
    { ...report.ledger, unreadable: undefined },
  )
})

test('a run with unaccounted lines is held', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const own = await openPool(databaseUrl, { applicationName: 'watched' })
  t.after(() => own.end())
  watchQueries(
    own,
    onNthPass('before settle_run', 1, async () => {
      await pipeline.query(
        `delete from catalog.checkpoints where part_no = 1 and source_id = $1`,
        (await pipeline.source()).id,
      )
    }),
  )
  const { id } = await pipeline.source()
  await assert.rejects(pipeline.sync({ tools: { db: own } }), /the ledger does not balance/)
  const [run] = await pipeline.query<{ state: string; reason: string }>(
    'select state, reason from catalog.runs where source_id = $1',
    id,
  )
  assert.equal(run?.state, 'held')
  assert.match(run.reason, /the ledger does not balance: 30 records archived, \d+ accounted for/)
})
