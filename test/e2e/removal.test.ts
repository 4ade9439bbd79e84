// Removal of products: two complete runs in a row without the product, a small share, no unreadable
// record; and products that return.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadRunDetails, loadRunSummary } from '../../src/db/read/run-summaries.ts'
import { createMetricsReader } from '../../src/db/read/metrics.ts'
import { rejectRun } from '../../src/db/write/decisions.ts'
import { listSourceSummaries, loadStatus } from '../../src/db/read/source-summaries.ts'
import { openTestDatabase } from '../support/database.ts'
import { approveAll } from '../support/decisions.ts'
import { countOutcomes } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import type { ToySupplier } from '../support/toy/supplier.ts'
import { listProducts } from '../support/snapshot.ts'

const { pool: db } = await openTestDatabase()

async function open(t: Parameters<typeof openToy>[0], products = 30) {
  const { pipeline, supplier } = await openToy(t, { db, start: { products } })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  const [gone = ''] = ids
  const statusOf = async (id: string): Promise<string | undefined> =>
    (await listProducts(pipeline)).get(id)?.status
  return { pipeline, supplier, ids, gone, statusOf }
}

test('a product is removed when two complete runs in a row do not include it', async (t) => {
  const { pipeline, supplier, gone, statusOf } = await open(t)
  supplier.catalogue.remove([gone])
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 29, missing: 1 })
  assert.equal(await statusOf(gone), 'active')
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 29, removed: 1 })
  assert.equal(await statusOf(gone), 'removed')
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 29 })
})

test('a product that returns is active again, with the same row and price', async (t) => {
  const { pipeline, supplier, gone, statusOf } = await open(t)
  supplier.catalogue.remove([gone])
  await pipeline.sync()
  await pipeline.sync()
  supplier.catalogue.restore([gone])
  assert.deepEqual(countOutcomes(await pipeline.sync()), { updated: 1, unchanged: 29 })
  assert.equal(await statusOf(gone), 'active')
  assert.deepEqual((await listProducts(pipeline)).get(gone)?.prices, { current: 1000 })
  const changes = await pipeline.query<{ kind: string }>(
    'select kind from catalog.changes where source_id = $1 and product_external_id = $2 order by position',
    (await pipeline.source()).id,
    gone,
  )
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ['removed', 'returned'],
  )
})

test('a product that is seen in between starts a new count, also in an incremental run', async (t) => {
  const { pipeline, supplier, gone, statusOf } = await open(t)
  supplier.catalogue.remove([gone])
  await pipeline.sync()
  supplier.clock.advance(3_600_000)
  supplier.catalogue.restore([gone])
  await pipeline.sync({ mode: 'incremental', sinceAt: new Date(supplier.clock.nowMs() - 1000) })
  supplier.catalogue.remove([gone])
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 29, missing: 1 })
  assert.equal(await statusOf(gone), 'active')
})

test('an incremental, a held and an incomplete run count no misses', async (t) => {
  const { pipeline, supplier, ids, gone, statusOf } = await open(t)
  supplier.catalogue.remove([gone])
  await pipeline.sync()
  await pipeline.sync({ mode: 'incremental' })
  supplier.catalogue.remove(ids.slice(1, 12))
  assert.equal((await pipeline.sync()).state, 'held')
  supplier.catalogue.restore(ids.slice(1, 12))
  supplier.setFaults({ kind: 'cut', afterLines: 3 }, { kind: 'empty', skip: 1, times: null })
  assert.equal((await pipeline.sync()).state, 'held')
  assert.equal(await statusOf(gone), 'active')
})

test('a small source may lose one product at a time, but not two', async (t) => {
  const { pipeline, supplier, ids, gone, statusOf } = await open(t, 6)
  supplier.catalogue.remove([gone])
  assert.equal((await pipeline.sync()).state, 'succeeded')
  assert.equal((await pipeline.sync()).ledger.removed, 1)
  assert.equal(await statusOf(gone), 'removed')
  supplier.catalogue.remove(ids.slice(1, 3))
  const report = await pipeline.sync()
  assert.equal(report.state, 'held')
  assert.match(report.reason ?? '', /2 of 5 products are missing/)
})

test('the share of products that may be removed is set for each source', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { removalShare: 0.5 } })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.catalogue.remove(ids.slice(0, 12))
  assert.equal((await pipeline.sync()).ledger.missing, 12)
  assert.equal((await pipeline.sync()).ledger.removed, 12)
})

test('a quarantined record with a readable id counts as seen', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  const [gone = ''] = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.misstate([gone], { price: 'much' })
  for (let night = 0; night < 3; night++)
    assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 29, quarantined: 1 })
  assert.equal((await listProducts(pipeline)).get(gone)?.status, 'active')
})

const NAMED: readonly (readonly [
  what: string,
  spoil: (supplier: ToySupplier, id: string) => void,
])[] = [
  [
    'too large to be parsed',
    (supplier, id) => supplier.misstate([id], { padding: 'x'.repeat(1_000_000) }),
  ],
  [
    'cut off in its middle',
    (supplier) => supplier.setFaults({ kind: 'half-line', at: 4, times: null }),
  ],
]

for (const [what, spoil] of NAMED) {
  test(`a record that is ${what} is quarantined with its id and counts as seen, and missing products are removed`, async (t) => {
    const { pipeline, supplier } = await openToy(t, {
      db,
      policy: { quarantineShare: 0.5 },
      options: { recordBytesMax: 1_000_000 },
    })
    const ids = supplier.catalogue.ids()
    await pipeline.sync()
    const [large = ''] = ids
    spoil(supplier, large)
    const gone = ids.at(-1) ?? ''
    supplier.catalogue.remove([gone])
    assert.deepEqual(countOutcomes(await pipeline.sync()), {
      unchanged: 28,
      quarantined: 1,
      missing: 1,
    })
    const report = await pipeline.sync()
    assert.deepEqual(
      [countOutcomes(report), report.removalsOff],
      [{ unchanged: 28, quarantined: 1, removed: 1 }, null],
    )
    const removed = [...(await listProducts(pipeline)).values()]
      .filter(({ status }) => status === 'removed')
      .map(({ id }) => id)
    assert.deepEqual(removed, [gone])
  })
}

test('a byte order mark before a line changes nothing, and a line that holds only one is blank', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  await pipeline.sync()
  supplier.setFaults(
    { kind: 'insert-line', at: 0, text: '\ufeff' },
    { kind: 'mark', at: 1 },
    { kind: 'mark', at: 9 },
  )
  const report = await pipeline.sync()
  assert.deepEqual(
    [report.state, countOutcomes(report)],
    ['succeeded', { unchanged: 30, blank: 1 }],
  )
})

test('a run with a record without a readable id counts no misses, and reports it until a complete run settles', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  await pipeline.sync()
  supplier.setFaults(
    { kind: 'drop-line', at: 4, times: null },
    { kind: 'insert-line', at: 4, text: '<html>', times: null },
  )
  const why =
    '1 of 30 records has no id that could be read, and each may be a product that seems to be missing'
  const listReports = async () => {
    const {
      sources: [standing],
    } = await loadStatus(db, { source: pipeline.name, limit: 1 }, 5_000)
    const status = (await listSourceSummaries(db)).find(({ source }) => source === pipeline.name)
    const readings = (await createMetricsReader(db)()).filter(
      ({ name, labels }) =>
        name === 'shelfsync_removals_off' && 'source' in labels && labels.source === pipeline.name,
    )
    return [standing?.removalsOff, status?.removalsOff, ...readings.map(({ value }) => value)]
  }
  for (let night = 0; night < 3; night++) {
    const report = await pipeline.sync()
    assert.deepEqual(
      [countOutcomes(report), report.removalsOff],
      [{ unchanged: 29, quarantined: 1 }, why],
    )
    assert.equal((await loadRunDetails(db, report.run)).removalsOff, why)
    assert.equal((await loadRunSummary(db, report.run, 5_000)).removalsOff, why)
  }
  assert.deepEqual(await listReports(), [why, why, 0, 1])
  assert.deepEqual(
    [...(await listProducts(pipeline)).values()].filter(({ status }) => status === 'removed'),
    [],
  )
  supplier.heal()
  assert.equal((await pipeline.sync({ mode: 'incremental' })).removalsOff, null)
  assert.deepEqual(await listReports(), [why, why, 0, 1])
  await pipeline.sync()
  assert.deepEqual(await listReports(), [null, null, 0, 0])
})

test('a blank line does not stand for a missing product', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  await pipeline.sync()
  supplier.setFaults(
    { kind: 'insert-line', at: 4, text: '', times: null },
    { kind: 'drop-line', at: 9, times: null },
  )
  for (let night = 0; night < 3; night++) assert.equal((await pipeline.sync()).state, 'held')
  assert.deepEqual(
    [...(await listProducts(pipeline)).values()].filter(({ status }) => status === 'removed'),
    [],
  )
})

test('approving a held run removes at once, and rejecting it changes nothing', async (t) => {
  const { pipeline, supplier, ids } = await open(t)
  supplier.catalogue.remove(ids.slice(0, 10))
  const rejected = await pipeline.sync()
  await rejectRun(db, rejected.run, 'me')
  const approved = await pipeline.sync()
  assert.equal(approved.state, 'held')
  assert.equal((await approveAll(db, approved.run)).removed, 10)
  const removed = [...(await listProducts(pipeline)).values()]
    .filter(({ status }) => status === 'removed')
    .map(({ id }) => id)
  assert.deepEqual(removed, ids.slice(0, 10).sort())
  await assert.rejects(approveAll(db, approved.run), { code: 'run/not-held' })
  await assert.rejects(approveAll(db, rejected.run), { code: 'run/not-held' })
})

test('a held run cannot be approved after a newer run has seen its missing products', async (t) => {
  const { pipeline, supplier, ids } = await open(t)
  supplier.catalogue.remove(ids.slice(0, 10))
  const held = await pipeline.sync()
  supplier.catalogue.restore(ids.slice(0, 10))
  supplier.catalogue.setPrice(ids, { cents: 2000 })
  assert.equal((await pipeline.sync()).state, 'held', 'the whole source moved its prices')
  await assert.rejects(approveAll(db, held.run), { code: 'run/not-held' })
  assert.deepEqual(
    [...(await listProducts(pipeline)).values()].filter(({ status }) => status === 'removed'),
    [],
  )
})

test('a product that the supplier deactivates is unavailable, not removed', async (t) => {
  const { pipeline, supplier, gone, statusOf } = await open(t)
  supplier.clock.advance(60_000)
  supplier.catalogue.deactivate([gone])
  await pipeline.sync()
  assert.equal(await statusOf(gone), 'unavailable')
})
