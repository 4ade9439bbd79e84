// Raw first, whole batches, and only the holder of the lease writes: with a failing store, failing
// statements, and two workers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../../src/core/errors.ts'
import { openPool } from '../../src/db/pool.ts'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import type { ToySupplier } from '../support/toy/supplier.ts'
import { listRowVersions, listProducts } from '../support/snapshot.ts'
import {
  onNthPass,
  watchQueries,
  watchStore,
  type Failpoint,
  type FailpointWatcher,
} from './failpoints.ts'

const { pool: db, url: databaseUrl } = await openTestDatabase()

/** The same worker with a separate database pool and store, both watched. */
async function watched(
  t: Lifetime,
  pipeline: TestPipeline,
  watch: FailpointWatcher,
): Promise<{ tools: Partial<TestPipeline['tools']> }> {
  const own = await openPool(databaseUrl, { applicationName: 'watched' })
  t.after(() => own.end())
  watchQueries(own, watch)
  return { tools: { db: own, store: watchStore(pipeline.tools.store, watch) } }
}

/** The checkpoints account for every product in the table, and for no other. */
async function assertAccounted(pipeline: TestPipeline): Promise<void> {
  // One statement, so that no other lane commits in between.
  const [row] = await pipeline.query<{ products: number; accounted: number }>(
    `select (select count(*) from catalog.products where source_id = s.id) as products,
       (select coalesce(sum((counts ->> 'created')::int), 0)::bigint from catalog.checkpoints where source_id = s.id) as accounted
     from catalog.sources s where name = $1`,
    pipeline.name,
  )
  assert.equal(row?.products, row?.accounted)
}

/** No page of the list was requested twice. */
function assertEachPageOnce({ requests }: ToySupplier): void {
  assert.equal(new Set(requests).size, requests.length)
}

test('the store holds exactly the bytes that the supplier served', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, start: { products: 40, pageSize: 8 } })
  const { run, ledger } = await pipeline.sync()
  assert.equal(ledger.created, 40)
  const served = supplier.requests.map(async (path) =>
    (await fetch(`${supplier.url}${path}`)).text(),
  )
  assert.equal(await pipeline.archived(run), (await Promise.all(served)).join(''))
})

test('data that the store refused is not applied, and the supplier is not requested again for it', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, start: { products: 40 } })
  const full = (): never => {
    throw new SyncError('artifact/unwritable', 'no space is left on the disk')
  }
  const failed = await pipeline.sync({
    tools: {
      store: watchStore(pipeline.tools.store, (place) =>
        place === 'before put' ? full() : undefined,
      ),
    },
  })
  assert.equal(failed.state, 'failed')
  assert.match(failed.reason ?? '', /no space is left/)
  assert.equal((await listProducts(pipeline)).size, 0)
  assertEachPageOnce(supplier)

  const healed = await pipeline.sync({ mode: 'auto' })
  assert.deepEqual([healed.state, healed.resumed, healed.ledger.created], ['succeeded', true, 40])
})

test('a part is applied only after its bytes are stored and its row is written', async (t) => {
  const { pipeline } = await openToy(t, { db })
  let stored = 0
  let recorded = 0
  let opened = 0
  const own = await watched(t, pipeline, (place) => {
    if (place === 'after put') stored += 1
    if (place === 'before add_part')
      assert.ok(recorded < stored, 'the row of a part comes after its bytes')
    if (place === 'after add_part') recorded += 1
    if (place === 'before apply_batch') opened += 1
    if (place === 'before apply_batch')
      assert.ok(recorded > 0, 'a batch comes after the row of its part')
  })
  assert.equal((await pipeline.sync(own)).state, 'succeeded')
  assert.ok(recorded > 3 && opened > 3)
})

test('at every commit the checkpoints account for exactly the rows in the tables', async (t) => {
  const { pipeline } = await openToy(t, { db })
  let commits = 0
  const own = await watched(t, pipeline, async (place) => {
    if (place !== 'after commit') return
    commits += 1
    await assertAccounted(pipeline)
  })
  assert.equal((await pipeline.sync(own)).state, 'succeeded')
  assert.ok(commits > 8)
})

const broken = (): never => {
  throw new Error('Connection terminated')
}

for (const place of [
  'before apply_batch',
  'before save_checkpoint',
  'before commit',
] satisfies Failpoint[]) {
  test(`a batch that breaks ${place} leaves nothing behind`, async (t) => {
    const { pipeline } = await openToy(t, { db, options: { lanes: 1, retryWithinMs: 0 } })
    const own = await watched(t, pipeline, onNthPass(place, 3, broken))
    assert.equal((await pipeline.sync(own)).state, 'failed')
    await assertAccounted(pipeline)
    const resumed = await pipeline.sync({ mode: 'auto' })
    assert.deepEqual([resumed.state, resumed.ledger.created], ['succeeded', 30])
  })
}

for (const place of [
  'before begin',
  'before apply_batch',
  'before save_checkpoint',
  'after commit',
  'before add_part',
  'before settle_run',
  'before put',
] satisfies Failpoint[]) {
  test(`a run waits for Postgres or the store to return ${place}, and ends like an uninterrupted one`, async (t) => {
    const { pipeline, supplier } = await openToy(t, { db, options: { lanes: 1 } })
    let failures = 0
    const own = await watched(t, pipeline, (passed) => {
      if (passed === place && failures++ < 3) broken()
    })
    const report = await pipeline.sync(own)
    assert.deepEqual(
      [report.state, report.ledger.created, report.ledger.unchanged],
      ['succeeded', 30, 0],
    )
    assert.deepEqual(
      pipeline.waits.slice(0, 3).map((ms) => ms >= 0),
      [true, true, true],
    )
    assert.ok(pipeline.logged.some((text) => text.includes('db/unreachable')))
    assertEachPageOnce(supplier)
  })
}

for (const place of [
  'before apply_batch',
  'before add_part',
  'before save_checkpoint',
  'before settle_run',
  'before update_artifact',
] satisfies Failpoint[]) {
  test(`a worker whose run was taken over ${place} writes nothing more`, async (t) => {
    const { pipeline } = await openToy(t, { db, options: { lanes: 1 } })
    // For known lines only the checkpoint is written. Within a batch it would be part of a
    // transaction that a takeover has to wait for.
    if (place === 'before save_checkpoint') await pipeline.sync()
    const reached = Promise.withResolvers<void>()
    const resume = Promise.withResolvers<void>()
    const own = await watched(
      t,
      pipeline,
      onNthPass(place, 1, () => (reached.resolve(), resume.promise)),
    )
    const first = pipeline.sync(own)
    await reached.promise
    await pipeline.expireLease()
    const second = await pipeline.sync({ mode: 'auto' })
    assert.deepEqual(
      [second.state, second.resumed, second.ledger.fetched >= 30],
      ['succeeded', true, true],
    )
    const before = await listRowVersions(pipeline)
    resume.resolve()
    const report = await first
    assert.equal(report.state, 'failed')
    assert.ok(report.error instanceof SyncError)
    assert.equal(report.error.code, 'run/fenced')
    assert.deepEqual(await listRowVersions(pipeline), before)
    assert.equal((await listProducts(pipeline)).size, 30)
  })
}

test('a second worker is refused while the first one holds the lease', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const reached = Promise.withResolvers<void>()
  const resume = Promise.withResolvers<void>()
  const own = await watched(
    t,
    pipeline,
    onNthPass('before settle_run', 1, () => (reached.resolve(), resume.promise)),
  )
  const first = pipeline.sync(own)
  await reached.promise
  await assert.rejects(pipeline.sync(), { code: 'run/active' })
  resume.resolve()
  assert.equal((await first).state, 'succeeded')
})
