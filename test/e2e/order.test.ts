// Applying the same data again writes nothing, and an older record never overwrites a newer one, in
// any order of lines, parts and artifacts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startShopify } from '../../simulators/shopify/server.ts'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import type { Json } from '../../src/core/json.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import type { PipelineOptions } from '../../src/pipeline/options.ts'
import { planSource, type Plan } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, openPipeline, type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import { listRowVersions, listProducts, snapshotCatalogue } from '../support/snapshot.ts'

const { pool: db } = await openTestDatabase()

interface Version {
  readonly id: string
  readonly name?: string
  readonly cents?: number
  /** Epoch milliseconds, or the value that a supplier sends instead. */
  readonly at: Json | undefined
}

/** A plausible time, in epoch milliseconds. */
const T = 1_700_000_000_000

/** Opens a source whose supplier sends exactly the given lines. */
async function openFeed(
  t: Parameters<typeof openToy>[0],
  options: Partial<PipelineOptions> = { partBytesMax: 1, lanes: 1 },
): Promise<{ pipeline: TestPipeline; send(...versions: readonly Version[]): void }> {
  const { pipeline, supplier } = await openToy(t, {
    db,
    start: { pageSize: options.partBytesMax === 1 ? 1 : 40 },
    options,
  })
  let sent = 0
  return {
    pipeline,
    send(...versions) {
      supplier.setRecords(
        versions.map(({ id, name = id, cents = 1000, at }) => ({
          seen: ++sent,
          ...(at === undefined ? {} : { updated_at: at }),
          id,
          name,
          price: cents,
          tags: [],
          text: '',
        })),
      )
    },
  }
}

const findProduct = async (pipeline: TestPipeline, id = 'A') => {
  const { title, prices, status } = (await listProducts(pipeline)).get(id) ?? {}
  return { title, prices, status }
}

async function planSync(pipeline: TestPipeline): Promise<Plan> {
  return planSource(
    pipeline.tools,
    bindConnector(pipeline.connector, await pipeline.source()),
    { mode: 'full', sinceAt: null, now: new Date() },
    { progress: createProgress(), signal: new AbortController().signal, onChange: () => {} },
  )
}

test('applying the same artifact a second time writes no row', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { run } = await pipeline.sync()
  const before = await listRowVersions(pipeline)
  assert.deepEqual(countOutcomes(await pipeline.replay(run)), { unchanged: 30 })
  assert.deepEqual(countOutcomes(await pipeline.replay(run)), { unchanged: 30 })
  assert.deepEqual(await listRowVersions(pipeline), before)
})

test('an unchanged feed writes no row, even when every volatile member has moved', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  await pipeline.sync()
  const before = await listRowVersions(pipeline)
  supplier.clock.advance(86_400_000)
  supplier.catalogue.touch('all')
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 30 })
  assert.deepEqual(await listRowVersions(pipeline), before)
})

test('a new normaliser version reads every record and writes only the differences', async (t) => {
  const { pipeline } = await openToy(t, { db })
  await pipeline.sync()
  const before = await listRowVersions(pipeline)
  const newer = { ...pipeline.connector, normaliserVersion: 2 }
  assert.deepEqual(countOutcomes(await pipeline.sync({ connector: newer })), { unchanged: 30 })
  assert.deepEqual(await listRowVersions(pipeline), before)
})

test('a replay of an older artifact changes no row that a newer one wrote', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const ids = supplier.catalogue.ids()
  const first = await pipeline.sync()
  supplier.clock.advance(60_000)
  supplier.catalogue.setPrice(ids.slice(0, 1), { cents: 1200 })
  supplier.catalogue.update(ids.slice(1, 3))
  const [gone = ''] = supplier.catalogue.remove(ids.slice(3, 4))
  await pipeline.sync()
  await pipeline.sync()
  assert.equal((await listProducts(pipeline)).get(gone)?.status, 'removed')
  const before = await snapshotCatalogue(pipeline)
  const replay = await pipeline.replay(first.run)
  assert.equal(replay.state, 'succeeded')
  assert.deepEqual(countOutcomes(replay), { unchanged: 27, older: 3 })
  assert.deepEqual(await snapshotCatalogue(pipeline), before)
})

test('a replay of an older artifact does not revert a product that a newer run saw unchanged', async (t) => {
  const { pipeline, send } = await openFeed(t)
  send({ id: 'A', name: 'first', at: T + 100 })
  await pipeline.sync()
  send({ id: 'A', name: 'second', at: T + 200 })
  const second = await pipeline.sync()
  send({ id: 'A', name: 'first', at: T + 300 })
  await pipeline.sync()
  send({ id: 'A', name: 'first', at: T + 400 })
  await pipeline.sync()
  await pipeline.replay(second.run)
  assert.equal((await findProduct(pipeline)).title, 'first')
})

test('within a run the newest record of a product wins in any order of the parts', async (t) => {
  for (const order of [
    [100, 200, 300],
    [300, 200, 100],
    [200, 300, 100],
    [300, 100, 200],
  ]) {
    const { pipeline, send } = await openFeed(t)
    send(...order.map((at) => ({ id: 'A', name: `at ${at}`, cents: 1000 + at, at: T + at })))
    const report = await pipeline.sync()
    assert.deepEqual(
      await findProduct(pipeline),
      { title: 'at 300', prices: { current: 1300 }, status: 'active' },
      order.join(),
    )
    assert.equal(report.ledger.fetched, 3)
  }
})

test('within a run an older record does not overwrite a newer one that changed nothing', async (t) => {
  for (const before of [[], [{ id: 'A', name: 'before', at: T }]]) {
    const { pipeline, send } = await openFeed(t, { partBytesMax: 1, batchRecordsMax: 1, lanes: 1 })
    send({ id: 'B', at: T }, ...before)
    await pipeline.sync()
    send(
      { id: 'B', at: T },
      { id: 'A', name: 'newest', at: T + 100 },
      { id: 'A', name: 'newest', at: T + 300 },
      { id: 'A', name: 'older', cents: 1100, at: T + 200 },
    )
    const planned = countOutcomes(await planSync(pipeline))
    const { run, ...report } = await pipeline.sync()
    const first = before.length === 0 ? 'created' : 'updated'
    assert.deepEqual(countOutcomes(report), { [first]: 1, duplicate: 1, unchanged: 2 })
    assert.deepEqual(planned, countOutcomes(report))
    const newest = { title: 'newest', prices: { current: 1000 }, status: 'active' }
    assert.deepEqual(await findProduct(pipeline), newest)
    const versions = await listRowVersions(pipeline)
    await pipeline.replay(run)
    assert.deepEqual(await listRowVersions(pipeline), versions)
  }
})

test('of two records with the same time the later line wins', async (t) => {
  const { pipeline, send } = await openFeed(t)
  send({ id: 'A', name: 'first', at: T + 100 }, { id: 'A', name: 'second', at: T + 100 })
  await pipeline.sync()
  assert.equal((await findProduct(pipeline)).title, 'second')
})

test('a known and a new record of the same product are compared in either order', async (t) => {
  for (const reverse of [false, true]) {
    for (const newest of ['known', 'new']) {
      const { pipeline, send } = await openFeed(t)
      send({ id: 'A', name: 'known', at: T + 100 }, { id: 'B', at: T + 100 })
      await pipeline.sync()
      const pair = [
        { id: 'A', name: 'known', at: T + (newest === 'known' ? 300 : 200) },
        { id: 'A', name: 'new', cents: 1100, at: T + (newest === 'new' ? 300 : 200) },
      ]
      send(...(reverse ? pair.reverse() : pair), { id: 'B', at: T + 100 })
      const report = await pipeline.sync()
      assert.equal(report.state, 'succeeded')
      assert.deepEqual(
        await findProduct(pipeline),
        { title: newest, prices: { current: newest === 'new' ? 1100 : 1000 }, status: 'active' },
        `${newest} ${reverse}`,
      )
    }
  }
})

test('a record with an implausible price that loses against a known one leaves no held price', async (t) => {
  const { pipeline, send } = await openFeed(t)
  send({ id: 'A', at: T + 100 })
  await pipeline.sync()
  send({ id: 'A', cents: 90_000, at: T + 200 }, { id: 'A', at: T + 300 })
  await pipeline.sync()
  assert.deepEqual((await findProduct(pipeline)).prices, { current: 1000 })
})

test('a product that is created and repriced in one run has the newest price', async (t) => {
  for (const cents of [1100, 90_000]) {
    const { pipeline, send } = await openFeed(t)
    send({ id: 'A', cents: 1000, at: T + 100 }, { id: 'A', cents, at: T + 200 })
    await pipeline.sync()
    assert.deepEqual((await findProduct(pipeline)).prices, { current: cents })
  }
})

test('a supplier whose clock was ahead is trusted again once it is corrected', async (t) => {
  const { pipeline, send } = await openFeed(t)
  const yearMs = 31_536_000_000
  const nextYear = Date.now() + yearMs
  send({ id: 'A', name: 'from the future', at: nextYear })
  await pipeline.sync()
  send({ id: 'A', name: 'corrected', at: nextYear - yearMs + 10 })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { updated: 1 })
  assert.equal((await findProduct(pipeline)).title, 'corrected')
  send({ id: 'A', name: 'and on', at: nextYear - yearMs + 20 })
  await pipeline.sync()
  assert.equal((await findProduct(pipeline)).title, 'and on')
  const { watermarkAt } = await pipeline.source()
  assert.ok(
    watermarkAt && watermarkAt <= new Date(),
    'the next incremental run requests no future changes',
  )
})

/** Times that do not order records. */
const UNTRUSTED: readonly (readonly [what: string, at: Json | undefined])[] = [
  ['absent', undefined],
  ['null', null],
  ['in the year 2100', 4_102_444_800_000],
  ['an hour ahead', Date.now() + 3_600_000],
  ['in microseconds', 1_700_000_000_000_000],
  ['in the year 10000', 253_402_300_800_000],
  ['beyond every calendar', 8_640_000_000_000_001],
  ['beyond every number', Number.MAX_VALUE],
  ['zero', 0],
  ['below zero', -62_135_596_800_000],
  ['a word', 'yesterday'],
  ['an object', { seconds: 1 }],
]

test('a product with an untrusted time takes the record of each following run', async (t) => {
  const { pipeline, send } = await openFeed(t)
  const dated = { id: 'B', at: T + 100 }
  const all = (name: string, cents = 1000, time?: number) => [
    ...UNTRUSTED.map(([what, at]) => ({ id: what, name, cents, at: time ?? at })),
    dated,
  ]
  const titles = async () =>
    new Set(
      (
        await pipeline.query<{ title: string }>(
          'select title from catalog.products where source_id = $1 and external_id <> $2',
          (await pipeline.source()).id,
          dated.id,
        )
      ).map(({ title }) => title),
    )
  send(...all('first'))
  assert.equal((await pipeline.sync()).state, 'succeeded')
  const known = await pipeline.query(
    'select external_id from catalog.products where source_updated_at is not null and source_id = $1',
    (await pipeline.source()).id,
  )
  assert.deepEqual(known, [{ external_id: dated.id }])
  assert.equal(
    (await pipeline.source()).watermarkAt?.getTime(),
    T + 100,
    'an unknown time does not advance the watermark',
  )

  const expected = { updated: UNTRUSTED.length, unchanged: 1 }
  send(...all('second', 1100, T + 300))
  assert.deepEqual(countOutcomes(await planSync(pipeline)), expected)
  const second = await pipeline.sync()
  assert.deepEqual(countOutcomes(second), expected)
  assert.deepEqual(await findProduct(pipeline, 'null'), {
    title: 'second',
    prices: { current: 1100 },
    status: 'active',
  })

  send(...all('third'))
  assert.deepEqual(countOutcomes(await pipeline.sync()), expected)
  send(...all('fourth', 1000, T + 200))
  assert.deepEqual(countOutcomes(await pipeline.sync()), expected)
  assert.deepEqual(await titles(), new Set(['fourth']))
  assert.deepEqual(countOutcomes(await pipeline.replay(second.run)), {
    older: UNTRUSTED.length,
    unchanged: 1,
  })
  assert.deepEqual(await titles(), new Set(['fourth']))
})

test('a product whose time became untrusted accepts a lower time later', async (t) => {
  const { pipeline, send } = await openFeed(t)
  const all = (name: string, cents: number, time?: number) =>
    UNTRUSTED.map(([what, at]) => ({ id: what, name, cents, at: time ?? at }))
  send(...all('first', 1000, T + 200))
  await pipeline.sync()
  send(...all('first', 1000))
  // The warning about an invalid time is stored with the product.
  assert.deepEqual(countOutcomes(await pipeline.sync()), {
    unchanged: 4,
    updated: UNTRUSTED.length - 4,
  })
  send(...all('second', 1100, T + 100))
  assert.deepEqual(countOutcomes(await pipeline.sync()), { updated: UNTRUSTED.length })
  assert.deepEqual(await findProduct(pipeline, 'null'), {
    title: 'second',
    prices: { current: 1100 },
    status: 'active',
  })
})

test('within a run an untrusted time ranks below every other in any order of the lines', async (t) => {
  for (const [partBytesMax, untrusted] of [
    [1, UNTRUSTED.slice(1, 4)],
    [8_000_000, UNTRUSTED],
  ] as const) {
    const { pipeline, send } = await openFeed(t, { lanes: 1, partBytesMax })
    const pairs = (dated: string, time: number) =>
      untrusted.flatMap(([what, at]) => {
        const pair = (id: string) => [
          { id, name: dated, at: time },
          { id, name: 'undated', at },
        ]
        return [...pair(what), ...pair(`${what}, first`).reverse()]
      })
    const wrong = (dated: string) =>
      pipeline.query(
        'select external_id, title from catalog.products where title <> $1 and source_id = (select id from catalog.sources where name = $2)',
        dated,
        pipeline.name,
      )
    send(...pairs('dated', T + 100))
    await pipeline.sync()
    assert.deepEqual(await wrong('dated'), [])
    send(...pairs('dated', T + 150))
    await pipeline.sync()
    assert.deepEqual(await wrong('dated'), [], 'a known record and a new one')
    send(...pairs('dated again', T + 200))
    await pipeline.sync()
    assert.deepEqual(await wrong('dated again'), [], 'two new ones')
  }
})

test('a clock that is ahead by less than the tolerance blocks no later record', async (t) => {
  const { pipeline, send } = await openFeed(t)
  send({ id: 'A', name: 'ahead', at: Date.now() + 200_000 })
  await pipeline.sync()
  const [row] = await pipeline.query<{ ok: boolean }>(
    'select source_updated_at <= now() as ok from catalog.products where source_id = $1',
    (await pipeline.source()).id,
  )
  assert.equal(row?.ok, true)
  send({ id: 'A', name: 'corrected', at: Date.now() + 100_000 })
  await pipeline.sync()
  assert.equal((await findProduct(pipeline)).title, 'corrected')
})

test('a shop without times, or with times in the future, still updates the catalogue', async (t) => {
  const simulator = await startShopify({ products: UNDATED.length })
  t.after(simulator.close)
  const { shop } = simulator
  const connector = CONNECTORS.get('shopify')
  assert.ok(connector)
  const pipeline = await openPipeline(t, {
    db,
    connector,
    settings: { url: simulator.url, currency: 'AUD', minIntervalMs: 0 },
    policy: { priceShiftShare: 1 },
  })
  const ids = shop.products().map(({ id }) => id)
  ids.forEach((id, index) =>
    shop.update(id, { title: 'first', updated_at: UNDATED[index] as string }),
  )
  const { ledger } = await pipeline.sync()
  assert.equal(ledger.created + ledger.held, ids.length)
  for (const id of ids) shop.update(id, { title: 'second', updated_at: '2026-06-01T00:00:00Z' })
  assert.equal((await pipeline.sync()).ledger.older, 0)
  const rows = await pipeline.query<{ title: string }>(
    'select distinct title from catalog.products where source_id = $1',
    (await pipeline.source()).id,
  )
  assert.deepEqual(rows, [{ title: 'second' }])
  ids.forEach((id, index) =>
    shop.update(id, { title: 'third', updated_at: UNDATED[index] as string }),
  )
  assert.equal((await pipeline.sync()).ledger.older, 0)
})

test('a product whose time became unknown accepts a lower time of the shop later', async (t) => {
  const simulator = await startShopify({ products: 1 })
  t.after(simulator.close)
  const connector = CONNECTORS.get('shopify')
  assert.ok(connector)
  const pipeline = await openPipeline(t, {
    db,
    connector,
    settings: { url: simulator.url, currency: 'AUD', minIntervalMs: 0 },
  })
  const [id = 0] = simulator.shop.products().map((product) => product.id)
  const send = async (title: string, updated_at: unknown) => {
    simulator.shop.update(id, { title, updated_at: updated_at as string })
    return countOutcomes(await pipeline.sync())
  }
  assert.deepEqual(await send('first', '2026-06-01T00:00:00Z'), { created: 1 })
  assert.deepEqual(await send('first', null), { unchanged: 1 })
  assert.deepEqual(await send('first', null), { unchanged: 1 })
  assert.deepEqual(await send('second', '2026-05-01T00:00:00Z'), { updated: 1 })
  // An unknown time becomes known again: from now on the order of times counts.
  assert.deepEqual(await send('third', null), { updated: 1 })
  assert.deepEqual(await send('third', '2026-06-01T00:00:00Z'), { unchanged: 1 })
  assert.deepEqual(await send('fourth', '2026-05-01T00:00:00Z'), { older: 1 })
})

const UNDATED: readonly unknown[] = [
  undefined,
  null,
  '',
  'yesterday',
  'Product 5',
  7,
  1_780_000_000,
  '2100-01-01T00:00:00Z',
  '+020000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '1970-01-01T00:00:00-04:00',
  '0000-00-00T00:00:00Z',
  '2026-06-01T00:00:00',
  '2026-13-45T99:99:99Z',
  ['2026-06-01T00:00:00Z'],
  { at: 1 },
  true,
]
