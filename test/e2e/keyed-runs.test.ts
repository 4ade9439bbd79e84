// Refreshes and imports: runs that cover named products, beside any other run of their source.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openPool, type Db } from '../../src/db/pool.ts'
import { loadStatus } from '../../src/db/read/source-summaries.ts'
import { listRefreshKeys } from '../../src/db/sources.ts'
import { rejectRun } from '../../src/db/write/decisions.ts'
import type { RunReport } from '../../src/pipeline/run-in-process.ts'
import { onNthPass, watchQueries, type Failpoint } from '../faults/failpoints.ts'
import { openTestDatabase } from '../support/database.ts'
import { approveAll } from '../support/decisions.ts'
import { countOutcomes } from '../support/pipeline.ts'
import { openServices } from '../support/services.ts'
import { listProducts, snapshotCatalogue } from '../support/snapshot.ts'
import { openToy, type OpenedToy } from '../support/toy/open.ts'

const EVERY_PRODUCT = { cron: '0 * * * *', products: 'all', atMost: 100 } as const
const database = await openTestDatabase()
const db = database.pool

/** A source of 30 products that is synced. */
async function openSynced(t: TestContext): Promise<OpenedToy> {
  const opened = await openToy(t, { db })
  await opened.pipeline.sync()
  opened.supplier.clock.advance(3_600_000)
  return opened
}

/** A pool that calls `act` at the first pass of `place`. */
async function openWatchedPool(
  t: TestContext,
  place: Failpoint,
  act: () => Promise<void>,
): Promise<Db> {
  const pool = await openPool(database.url, { applicationName: 'watched' })
  t.after(() => pool.end())
  watchQueries(pool, onNthPass(place, 1, act))
  return pool
}

/** Runs a full sync, and calls `act` once on its way, at `place`. */
async function syncAround(
  t: TestContext,
  { pipeline }: OpenedToy,
  place: Failpoint,
  act: () => Promise<void>,
): Promise<RunReport> {
  const pool = await openWatchedPool(t, place, act)
  return pipeline.sync({ tools: { db: pool } })
}

async function findTitle({ pipeline }: OpenedToy, id: string): Promise<string | null> {
  const [row] = await pipeline.query<{ title: string | null }>(
    'select title from catalog.products p join catalog.sources s on s.id = p.source_id where s.name = $1 and external_id = $2',
    pipeline.name,
    id,
  )
  return row?.title ?? null
}

async function countMisses({ pipeline }: OpenedToy): Promise<number> {
  const [row] = await pipeline.query<{ count: string }>(
    'select count(*) from catalog.misses where source_id = $1',
    (await pipeline.source()).id,
  )
  return Number(row?.count)
}

test('an import creates the named products and nothing else; known products are refreshed', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const imported = await pipeline.syncKeys(['p-3', 'p-1', 'p-3'])
  assert.deepEqual([imported.kind, imported.state], ['import', 'succeeded'])
  assert.deepEqual([...(await listProducts(pipeline)).keys()], ['p-1', 'p-3'])
  const refreshed = await pipeline.syncKeys(['p-1', 'p-3'])
  assert.deepEqual([refreshed.kind, refreshed.state], ['refresh', 'succeeded'])
  assert.deepEqual(countOutcomes(refreshed), { unchanged: 2 })
  const full = await pipeline.sync()
  assert.deepEqual(countOutcomes(full), { created: 28, unchanged: 2 })
  const changes = await pipeline.query<{ kind: string }>(
    'select kind from api.changes where source = $1',
    pipeline.name,
  )
  assert.equal(changes.length, 30, 'every product was reported once')
})

test('a refresh changes neither misses nor the watermark nor the last full run, and removes nothing', async (t) => {
  const opened = await openSynced(t)
  const { pipeline, supplier } = opened
  supplier.catalogue.remove(['p-1'])
  supplier.catalogue.update(['p-2'])
  const { nextSeq: _, ...before } = await pipeline.source()
  for (let round = 0; round < 3; round++) {
    const refreshed = await pipeline.syncKeys(['p-1', 'p-2'])
    assert.equal(refreshed.state, 'succeeded')
    assert.deepEqual([refreshed.ledger.removed, refreshed.ledger.missing], [0, 0])
  }
  const nothing = await pipeline.syncKeys(['p-1'])
  assert.deepEqual(
    [nothing.state, nothing.reason],
    ['held', 'the supplier sent no requested product'],
  )
  const { nextSeq: __, ...after } = await pipeline.source()
  assert.deepEqual(after, before)
  assert.equal(await countMisses(opened), 0)
  assert.equal((await listProducts(pipeline)).get('p-1')?.status, 'active')
})

test('an import beside a running full run keeps what it created', async (t) => {
  const opened = await openSynced(t)
  const { pipeline, supplier } = opened
  const added: string[] = []
  const full = await syncAround(t, opened, 'before settle_run', async () => {
    added.push(...supplier.catalogue.add(2))
    const imported = await pipeline.syncKeys(added)
    assert.deepEqual(countOutcomes(imported), { created: 2 })
  })
  assert.deepEqual([full.state, countOutcomes(full)], ['succeeded', { unchanged: 30 }])
  assert.equal(await countMisses(opened), 0)
  assert.equal((await listProducts(pipeline)).size, 32)
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 32 })
})

test('a full run does not remove a product that a refresh beside it has seen', async (t) => {
  const opened = await openSynced(t)
  const { pipeline, supplier } = opened
  supplier.catalogue.remove(['p-5'])
  await pipeline.sync()
  assert.equal(await countMisses(opened), 1)
  const full = await syncAround(t, opened, 'before settle_run', async () => {
    supplier.catalogue.restore(['p-5'])
    await pipeline.syncKeys(['p-5'])
  })
  assert.equal(full.ledger.removed, 0)
  assert.equal((await listProducts(pipeline)).get('p-5')?.status, 'active')
})

for (const seen of ['wrote', 'saw unchanged'] as const) {
  test(`a stale part of a full run never overwrites what a later refresh ${seen}`, async (t) => {
    const opened = await openSynced(t)
    const { pipeline, supplier } = opened
    // Without source times only the order of the requests decides which record is newer.
    supplier.misstate(['p-7'], { updated_at: 0 })
    await pipeline.sync()
    const original = (await findTitle(opened, 'p-7')) ?? ''
    supplier.misstate(['p-7'], { name: 'stale' })
    const full = await syncAround(t, opened, 'before apply_batch', async () => {
      supplier.misstate(['p-7'], { name: seen === 'wrote' ? 'newest' : original })
      const refreshed = await pipeline.syncKeys(['p-7'])
      assert.equal(refreshed.ledger[seen === 'wrote' ? 'updated' : 'unchanged'], 1)
    })
    assert.deepEqual(countOutcomes(full), { unchanged: 29, older: 1 })
    assert.equal(await findTitle(opened, 'p-7'), seen === 'wrote' ? 'newest' : original)
  })
}

test('a refresh that was interrupted and resumed does not overwrite what a later full run saw', async (t) => {
  const opened = await openSynced(t)
  const { pipeline, supplier } = opened
  supplier.misstate(['p-7'], { updated_at: 0 })
  await pipeline.sync()
  const original = (await findTitle(opened, 'p-7')) ?? ''
  supplier.misstate(['p-7'], { name: 'stale' })
  const stop = new AbortController()
  const pool = await openWatchedPool(t, 'before apply_batch', async () => {
    stop.abort()
    throw new Error('killed')
  })
  const cut = await pipeline.syncKeys(['p-7'], { tools: { db: pool }, signal: stop.signal })
  assert.equal(cut.state, 'failed')
  supplier.misstate(['p-7'], { name: original })
  assert.equal((await pipeline.sync()).state, 'succeeded')
  const resumed = await pipeline.syncKeys(['p-7'])
  assert.deepEqual([resumed.run, resumed.resumed], [cut.run, true])
  assert.deepEqual(countOutcomes(resumed), { older: 1 })
  assert.equal(await findTitle(opened, 'p-7'), original)
})

test('a full run restores products that a refresh with an earlier request overwrote meanwhile', async (t) => {
  const opened = await openSynced(t)
  const { pipeline, supplier } = opened
  supplier.misstate(['p-7'], { updated_at: 0 })
  await pipeline.sync()
  const original = (await findTitle(opened, 'p-7')) ?? ''
  supplier.misstate(['p-7'], { name: 'stale' })
  const asked = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const pool = await openWatchedPool(t, 'before apply_batch', async () => {
    asked.resolve()
    await release.promise
  })
  const refreshing = pipeline.syncKeys(['p-7'], { tools: { db: pool } })
  await asked.promise
  supplier.misstate(['p-7'], { name: original })
  const full = await syncAround(t, opened, 'before list_overwritten_products', async () => {
    release.resolve()
    assert.equal((await refreshing).ledger.updated, 1)
    assert.equal(await findTitle(opened, 'p-7'), 'stale')
  })
  assert.equal(full.state, 'succeeded')
  assert.equal(await findTitle(opened, 'p-7'), original)
})

test('approving a held full run does not remove what a refresh has seen since', async (t) => {
  const opened = await openSynced(t)
  const { pipeline, supplier } = opened
  const gone = supplier.catalogue.ids().slice(0, 10)
  supplier.catalogue.remove(gone)
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  supplier.catalogue.restore(gone.slice(0, 1))
  const added = supplier.catalogue.add(1)
  await pipeline.syncKeys(gone.slice(0, 1))
  await pipeline.syncKeys(added)
  assert.equal((await approveAll(db, held.run)).removed, 9)
  const products = await listProducts(pipeline)
  assert.equal(products.get(gone[0] ?? '')?.status, 'active')
  assert.equal(products.get(added[0] ?? '')?.status, 'active')
})

test('a refresh publishes its own prices, and leaves those of a held run to a person', async (t) => {
  const { pipeline, supplier } = await openSynced(t)
  supplier.catalogue.setPrice('all', { factor: 2 })
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  const refreshed = await pipeline.syncKeys(['p-1'])
  assert.deepEqual([refreshed.state, countOutcomes(refreshed)], ['succeeded', { updated: 1 }])
  const products = await listProducts(pipeline)
  assert.deepEqual(products.get('p-1')?.prices, { current: 2000 })
  assert.deepEqual(products.get('p-2')?.prices, { current: 1000, pending: 2000 })
  await approveAll(db, held.run)
  assert.deepEqual((await listProducts(pipeline)).get('p-2')?.prices, { current: 2000 })
})

test('prices that move together hold a refresh, however large the source is', async (t) => {
  const { pipeline, supplier } = await openSynced(t)
  const ids = supplier.catalogue.ids().slice(0, 6)
  supplier.catalogue.setPrice(ids, { factor: 2 })
  const refreshed = await pipeline.syncKeys(ids)
  assert.deepEqual(
    [refreshed.state, refreshed.reason?.split(';')[0]],
    ['held', '6 of 6 prices moved together (median ×2)'],
  )
  await rejectRun(db, refreshed.run, 'test')
  assert.deepEqual((await listProducts(pipeline)).get('p-0')?.prices, { current: 1000 })
})

test('a full run does not publish the prices of an import that is under way', async (t) => {
  const opened = await openSynced(t)
  const { pipeline, supplier } = opened
  supplier.catalogue.setPrice(['p-4'], { cents: 1500 })
  const pool = await openWatchedPool(t, 'before settle_run', async () => {
    const full = await pipeline.sync()
    assert.equal(full.state, 'succeeded')
    assert.deepEqual((await listProducts(pipeline)).get('p-4')?.prices, {
      current: 1000,
      pending: 1500,
    })
  })
  const refreshed = await pipeline.syncKeys(['p-4'], { tools: { db: pool } })
  assert.equal(refreshed.state, 'succeeded')
  assert.deepEqual((await listProducts(pipeline)).get('p-4')?.prices, { current: 1500 })
})

test('an import of the same keys resumes the interrupted one, and other keys start another run', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const stop = new AbortController()
  const pool = await openWatchedPool(t, 'after apply_batch', async () => stop.abort())
  const ids = supplier.catalogue.ids().slice(0, 9)
  const cut = await pipeline.syncKeys(ids, { tools: { db: pool }, signal: stop.signal })
  assert.deepEqual([cut.state, cut.kind], ['failed', 'import'])
  assert.equal((await pipeline.syncKeys(['p-20'])).resumed, false)
  assert.equal((await pipeline.sync()).resumed, false)
  const resumed = await pipeline.syncKeys(ids.toReversed())
  assert.deepEqual([resumed.run, resumed.resumed, resumed.state], [cut.run, true, 'succeeded'])
  const calm = await openToy(t, { db, supplier })
  await calm.pipeline.sync()
  assert.deepEqual(
    (await snapshotCatalogue(pipeline)).products,
    (await snapshotCatalogue(calm.pipeline)).products,
  )
})

test('a connector that cannot fetch by key refuses keys', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const connector = { ...pipeline.connector, scopes: ['all'] } as const
  await assert.rejects(pipeline.syncKeys(['p-1'], { connector }), {
    code: 'usage/invalid',
    message: /cannot fetch single products/,
  })
  await assert.rejects(pipeline.syncKeys([]), { code: 'usage/invalid' })
})

test('the queue runs an import beside a full run, and the same keys find the same run', async (t) => {
  const { pipeline, supplier } = await openSynced(t)
  const services = await openServices(t, database, pipeline)
  supplier.catalogue.update(['p-1', 'p-2'])
  const full = await services.requestRun({ mode: 'full' })
  const refresh = await services.requestRun({ keys: ['p-2', 'p-1'] })
  assert.deepEqual(
    [
      refresh.started,
      refresh.run === full.run,
      await services.requestRun({ keys: ['p-1', 'p-2'] }),
    ],
    [true, false, { ...refresh, started: false }],
  )
  services.startWorkers()
  assert.equal((await services.waitForEnd(refresh.run)).state, 'succeeded')
  assert.equal((await services.waitForEnd(full.run)).state, 'succeeded')
  await assert.rejects(services.requestRun({ keys: ['p-1'], mode: 'full' }), {
    code: 'usage/invalid',
  })
})

test('a refresh is never the last or the current run of its source in the status', async (t) => {
  const { pipeline } = await openSynced(t)
  const { name } = pipeline
  const before = await loadStatus(db, { source: name, limit: 1 }, 5_000)
  const [id = ''] = await listRefreshKeys(db, (await pipeline.source()).id, EVERY_PRODUCT, '')
  const { run } = await pipeline.syncKeys([id])
  const after = await loadStatus(db, { source: name, limit: 1 }, 5_000)
  assert.equal(after.run?.id, before.run?.id)
  assert.deepEqual(after.sources[0]?.lastRun, before.sources[0]?.lastRun)
  assert.deepEqual(after.sources[0]?.dueSinceAt, before.sources[0]?.dueSinceAt)
  assert.equal(before.sources[0]?.lastRefresh, null)
  const { lastRefresh } = after.sources[0] ?? {}
  assert.deepEqual([lastRefresh?.id, lastRefresh?.kind], [run, 'refresh'])
})

test('refreshes take the active products in turn, or those whose prices change', async (t) => {
  const { pipeline, supplier } = await openSynced(t)
  const { id } = await pipeline.source()
  const all = await listRefreshKeys(db, id, EVERY_PRODUCT, '')
  const few = { ...EVERY_PRODUCT, atMost: 4 }
  const first = await listRefreshKeys(db, id, few, '')
  assert.deepEqual(first, all.slice(0, 4))
  assert.deepEqual(await listRefreshKeys(db, id, few, first.at(-1) ?? ''), all.slice(4, 8))
  const next = await listRefreshKeys(db, id, few, all.at(-3) ?? '')
  assert.deepEqual(next, [...all.slice(-2), ...all.slice(0, 2)])
  const changing = { ...EVERY_PRODUCT, products: 'changing' } as const
  assert.deepEqual(await listRefreshKeys(db, id, changing, ''), [])
  const [product = ''] = all
  supplier.catalogue.setPrice([product], { factor: 1.1 })
  await pipeline.syncKeys([product])
  assert.deepEqual(await listRefreshKeys(db, id, changing, ''), [product])
})
