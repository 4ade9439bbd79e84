// Prices: which ones wait for settle, which ones for a person, and that the last good price stays
// meanwhile.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listReviews } from '../../src/db/read/reviews.ts'
import { decideReview, rejectRun } from '../../src/db/write/decisions.ts'
import { openPool } from '../../src/db/pool.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import { planSource } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { approveAll } from '../support/decisions.ts'
import { countOutcomes } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import { listProducts, type ListedProduct } from '../support/snapshot.ts'
import { onNthPass, watchQueries } from '../faults/failpoints.ts'

const { pool: db, url: databaseUrl } = await openTestDatabase()

async function open(t: Parameters<typeof openToy>[0]) {
  const { pipeline, supplier } = await openToy(t, { db })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.clock.advance(3_600_000)
  const [id = ''] = ids
  const prices = async (of = id): Promise<ListedProduct['prices'] | undefined> =>
    (await listProducts(pipeline)).get(of)?.prices
  const loadShownPrice = async (): Promise<number | undefined> => {
    const [row] = await pipeline.query<{ amount_minor: number }>(
      'select amount_minor from api.prices where source = $1 and product_external_id = $2',
      pipeline.name,
      id,
    )
    return row?.amount_minor
  }
  const review = async () =>
    (await listReviews(db, { source: pipeline.name, kind: 'price', limit: 100 })).items.find(
      ({ priceType }) => priceType === 'public',
    )
  return { pipeline, supplier, ids, id, prices, loadShownPrice, review }
}

test('a changed price is pending until its run settles, then current', async (t) => {
  const { pipeline, supplier, id, prices, loadShownPrice } = await open(t)
  supplier.catalogue.setPrice([id], { cents: 1500 })
  const own = await openPool(databaseUrl, { applicationName: 'watched' })
  t.after(() => own.end())
  const seen: unknown[] = []
  watchQueries(
    own,
    onNthPass(
      'before settle_run',
      1,
      async () => void seen.push(await prices(), await loadShownPrice()),
    ),
  )
  await pipeline.sync({ tools: { db: own } })
  assert.deepEqual(seen, [{ current: 1000, pending: 1500 }, 1000])
  assert.deepEqual(await prices(), { current: 1500 })
  const history = await pipeline.query<{ amount_minor: number }>(
    `select amount_minor from api.price_history where source = $1 and product_external_id = $2 and price_type = 'public' order by observed_at`,
    pipeline.name,
    id,
  )
  assert.deepEqual(
    history.map(({ amount_minor }) => amount_minor),
    [1000, 1500],
  )
})

for (const [what, cents, reason] of [
  ['zero', 0, /the price is zero/],
  ['×100', 100_000, /rose ×100/],
  ['×10', 10_000, /rose ×10/],
  ['÷10', 100, /fell ÷10/],
] as const) {
  test(`a price that becomes ${what} is held, and the last good one stays`, async (t) => {
    const { pipeline, supplier, id, prices, loadShownPrice, review } = await open(t)
    supplier.catalogue.setPrice([id], { cents })
    const report = await pipeline.sync()
    assert.equal(report.state, 'succeeded')
    assert.deepEqual(countOutcomes(report), { unchanged: 29, held: 1 })
    assert.deepEqual(await prices(), { current: 1000, held: cents })
    assert.equal(await loadShownPrice(), 1000)
    assert.match((await review())?.reason ?? '', reason)
    assert.deepEqual(
      countOutcomes(await pipeline.sync()),
      { unchanged: 30 },
      'it is reviewed only once',
    )
  })
}

test('a price just inside the gates is not held', async (t) => {
  const { pipeline, supplier, ids, prices } = await open(t)
  supplier.catalogue.setPrice(ids.slice(0, 1), { cents: 9_700 })
  supplier.catalogue.setPrice(ids.slice(1, 2), { cents: 105 })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { updated: 2, unchanged: 28 })
  assert.deepEqual(
    [await prices(ids[0]), await prices(ids[1])],
    [{ current: 9_700 }, { current: 105 }],
  )
})

test('an approved price becomes current and the measure of the next one', async (t) => {
  const { pipeline, supplier, id, prices } = await open(t)
  supplier.catalogue.setPrice([id], { cents: 50_000 })
  await pipeline.sync()
  for (const waiting of (await listReviews(db, { source: pipeline.name, limit: 100 })).items)
    await decideReview(db, waiting.id, { approve: true, by: 'me' })
  assert.deepEqual(await prices(), { current: 50_000 })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 30 })
  supplier.catalogue.setPrice([id], { cents: 40_000 })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { updated: 1, unchanged: 29 })
  assert.deepEqual(await prices(), { current: 40_000 })
})

test('a rejected price does not return when the supplier states it again', async (t) => {
  const { pipeline, supplier, id, prices, review } = await open(t)
  supplier.catalogue.setPrice([id], { cents: 50_000 })
  await pipeline.sync()
  await decideReview(db, (await review())?.id ?? 0, { approve: false, by: 'me' })
  supplier.catalogue.update([id])
  await pipeline.sync()
  assert.deepEqual(await prices(), { current: 1000 })
  assert.equal(await review(), undefined)
  await assert.rejects(decideReview(db, 0, { approve: true, by: 'me' }), {
    code: 'review/unknown',
    message: 'Review 0 does not exist',
  })
})

test('a held price is dropped when the supplier withdraws it or states a better one', async (t) => {
  const { pipeline, supplier, ids, id, prices, review } = await open(t)
  supplier.catalogue.setPrice(ids.slice(0, 2), { cents: 50_000 })
  await pipeline.sync()
  supplier.catalogue.setPrice([id], { cents: 1000 })
  supplier.catalogue.setPrice(ids.slice(1, 2), { cents: 1100 })
  await pipeline.sync()
  assert.deepEqual([await prices(), await prices(ids[1])], [{ current: 1000 }, { current: 1100 }])
  assert.equal(await review(), undefined)
})

test('a first price of zero is held, and the first good one is taken', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const [id = ''] = supplier.catalogue.ids()
  supplier.catalogue.setPrice([id], { cents: 0 })
  assert.equal((await pipeline.sync()).ledger.held, 1)
  assert.deepEqual((await listProducts(pipeline)).get(id)?.prices, { held: 0 })
  supplier.catalogue.setPrice([id], { cents: 500 })
  await pipeline.sync()
  assert.deepEqual((await listProducts(pipeline)).get(id)?.prices, { current: 500 })
})

test('a price that the supplier withdraws is no longer shown', async (t) => {
  const { pipeline, supplier, id, loadShownPrice } = await open(t)
  supplier.catalogue.update([id], { price: null })
  assert.equal((await pipeline.sync()).ledger.updated, 1)
  assert.equal((await loadShownPrice()) ?? null, null)
})

test('a source that withdraws all prices is held, in its plan too, and the prices stay', async (t) => {
  const { pipeline, supplier, ids, prices } = await open(t)
  supplier.catalogue.update(ids, { price: null })
  const reason = new RegExp(`${ids.length} of \\d+ products with a price would lose every price`)
  const request = { mode: 'full', sinceAt: null, now: new Date() } as const
  const plan = await planSource(
    pipeline.tools,
    bindConnector(pipeline.connector, await pipeline.source()),
    request,
    { progress: createProgress(), signal: new AbortController().signal, onChange: () => {} },
  )
  assert.match(plan.reason ?? '', reason)
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  assert.match(held.reason ?? '', reason)
  assert.equal(held.reason, plan.reason)
  assert.equal((await prices())?.current, 1000)
  const again = await planSource(
    pipeline.tools,
    bindConnector(pipeline.connector, await pipeline.source()),
    request,
    { progress: createProgress(), signal: new AbortController().signal, onChange: () => {} },
  )
  assert.match(again.reason ?? '', reason, 'prices that an earlier run left pending')
  await approveAll(db, held.run)
  assert.equal((await prices())?.current ?? null, null)
  assert.equal((await pipeline.sync()).state, 'succeeded')
})

test('a change of currency holds every affected price', async (t) => {
  const { pipeline, supplier, id, prices } = await open(t)
  supplier.catalogue.update([id], { currency: 'USD' })
  await pipeline.sync()
  assert.deepEqual((await prices())?.current, 1000)
  const { items: reviews } = await listReviews(db, {
    source: pipeline.name,
    kind: 'price',
    limit: 100,
  })
  assert.match(reviews[0]?.reason ?? '', /the currency changed from EUR to USD/)
})

test('a source whose prices all shift is held, and approving makes the new prices current', async (t) => {
  const { pipeline, supplier, ids, prices } = await open(t)
  supplier.catalogue.setPrice(ids, { cents: 2000 })
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  assert.match(held.reason ?? '', /prices moved together \(median ×2/)
  assert.deepEqual(await prices(), { current: 1000, pending: 2000 })
  const again = await pipeline.sync()
  assert.deepEqual(
    [again.state, countOutcomes(again)],
    ['held', { unchanged: 30 }],
    'stating it again does not make it right',
  )
  await approveAll(db, again.run)
  assert.deepEqual(await prices(), { current: 2000 })
  assert.equal((await pipeline.sync()).state, 'succeeded')
})

test('a source whose prices all shift keeps the old ones when a person rejects', async (t) => {
  const { pipeline, supplier, ids, prices } = await open(t)
  supplier.catalogue.setPrice(ids, { cents: 500 })
  await pipeline.sync()
  const held = await pipeline.sync()
  await rejectRun(db, held.run, 'me')
  assert.deepEqual(await prices(), { current: 1000 })
  assert.equal((await pipeline.sync()).state, 'succeeded')
  assert.deepEqual(await prices(), { current: 1000 })
  supplier.catalogue.setPrice(ids, { cents: 1010 })
  assert.equal((await pipeline.sync()).state, 'succeeded')
  assert.deepEqual(await prices(), { current: 1010 })
})

test('prices that are all ×100 hold the run and every price', async (t) => {
  const { pipeline, supplier, ids, prices } = await open(t)
  supplier.misstate(ids, { price: 100_000 })
  const report = await pipeline.sync()
  assert.equal(report.state, 'held')
  assert.match(report.reason ?? '', /prices failed a gate/)
  assert.deepEqual(await prices(), { current: 1000, held: 100_000 })
  supplier.heal()
  assert.equal((await pipeline.sync()).state, 'succeeded')
  assert.deepEqual(await prices(), { current: 1000 }, 'the next good run repairs it')
})
