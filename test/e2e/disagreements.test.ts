// Prices that a supplier states in different ways: the last good price stays, and a person decides
// which claim is right.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listReviews } from '../../src/db/read/reviews.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import { planSource } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes } from '../support/pipeline.ts'
import { listProducts, listRowVersions } from '../support/snapshot.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()

const claim = (source: string, amountMinor: number, quotation = `${source}: ${amountMinor}`) => ({
  source,
  amountMinor,
  quotation,
})
const TWO = [claim('json-ld', 1200), claim('microdata', 1500)]

async function open(t: Parameters<typeof openToy>[0], firstClaims?: typeof TWO) {
  const { pipeline, supplier } = await openToy(t, { db })
  const [id = ''] = supplier.catalogue.ids()
  if (firstClaims) supplier.catalogue.update([id], { claims: firstClaims })
  const first = await pipeline.sync()
  const reviews = async () =>
    (await listReviews(db, { source: pipeline.name, limit: 100 })).items.map(
      ({ id: review, kind, reason, detail }) => ({ review, kind, reason, detail }),
    )
  return {
    pipeline,
    supplier,
    id,
    first,
    reviews,
    price: async () => (await listProducts(pipeline)).get(id)?.prices,
    /** Changes the record of the product, and applies it. */
    state: (patch: Parameters<typeof supplier.catalogue.update>[1]) => {
      supplier.clock.advance(3_600_000)
      supplier.catalogue.update([id], patch)
      return pipeline.sync()
    },
  }
}

test('a price in disagreement keeps the last good one, and opens one review with both quotations', async (t) => {
  const { state, price, reviews } = await open(t)
  const run = await state({ claims: TWO })
  assert.deepEqual([run.state, countOutcomes(run)], ['succeeded', { unchanged: 29, held: 1 }])
  assert.deepEqual(await price(), { current: 1000 })
  const [review, ...others] = await reviews()
  assert.deepEqual(
    [review?.kind, review?.reason, review?.detail, others],
    [
      'disagreement',
      'json-ld and microdata state different prices',
      {
        from: 1000,
        to: null,
        currency: 'EUR',
        claims: TWO.map((one) => ({ ...one, currency: 'EUR' })),
      },
      [],
    ],
  )
})

test('the same claims in other words and in another order open nothing, and write no price', async (t) => {
  const { state, price, reviews } = await open(t)
  await state({ claims: TWO })
  const before = await reviews()
  const run = await state({
    claims: [claim('microdata', 1500, 'now €15'), claim('json-ld', 1200, 'nonce 7')],
    name: 'Another name',
  })
  assert.deepEqual(countOutcomes(run), { unchanged: 29, updated: 1 })
  assert.deepEqual([await reviews(), await price()], [before, { current: 1000 }])
})

test('changed claims supersede the review, and agreement closes it', async (t) => {
  const { state, price, reviews } = await open(t)
  await state({ claims: TWO })
  const [first] = await reviews()
  await state({ claims: [claim('json-ld', 1300), claim('microdata', 1500)] })
  const [second, ...others] = await reviews()
  assert.deepEqual([second?.detail.claims?.[0]?.amountMinor, others], [1300, []])
  assert.notEqual(second?.review, first?.review)
  await state({ claims: [], price: 1300 })
  assert.deepEqual([await reviews(), await price()], [[], { current: 1300 }])
})

test('agreement on the last good price closes the review too, and the claims open another one later', async (t) => {
  const { state, price, reviews } = await open(t)
  await state({ claims: TWO })
  await state({ claims: [] })
  assert.deepEqual([await reviews(), await price()], [[], { current: 1000 }])
  await state({ claims: TWO })
  assert.equal((await reviews()).length, 1)
})

test('approving takes the first claim, or the one that the person names', async (t) => {
  for (const [named, amount] of [
    [undefined, 1200],
    [2, 1500],
  ] as const) {
    const { state, price, reviews, pipeline } = await open(t)
    await state({ claims: TWO })
    const id = (await reviews())[0]?.review ?? 0
    await assert.rejects(decideReview(db, id, { approve: true, by: 'me', claim: 3 }), {
      code: 'usage/invalid',
      message: `Review ${id} has no claim 3: it has 2 claims`,
    })
    await decideReview(db, id, { approve: true, by: 'me', claim: named })
    assert.deepEqual([await price(), await reviews()], [{ current: amount }, []])
    const versions = await listRowVersions(pipeline)
    await pipeline.sync()
    assert.deepEqual(await listRowVersions(pipeline), versions)
    await state({ name: 'Another name' })
    assert.deepEqual([await price(), await reviews()], [{ current: amount }, []])
  }
})

test('rejecting keeps the last good price, and the same claims open nothing again', async (t) => {
  const { state, price, reviews } = await open(t)
  await state({ claims: TWO })
  await decideReview(db, (await reviews())[0]?.review ?? 0, { approve: false, by: 'me' })
  await state({ name: 'Another name' })
  assert.deepEqual([await price(), await reviews()], [{ current: 1000 }, []])
  await state({ claims: [], price: 1200 })
  assert.deepEqual(await price(), { current: 1200 })
})

test('a first load with a disagreement has no price until a person decides', async (t) => {
  const { first, price, reviews } = await open(t, TWO)
  assert.deepEqual(countOutcomes(first), { created: 29, held: 1 })
  assert.deepEqual(await price(), {})
  const [review] = await reviews()
  assert.equal(review?.detail.from, null)
  await decideReview(db, review?.review ?? 0, { approve: true, by: 'me' })
  assert.deepEqual(await price(), { current: 1200 })
})

test('a plan shows a disagreement as the run would hold it, and writes nothing', async (t) => {
  const { pipeline, supplier, id, reviews } = await open(t)
  supplier.catalogue.update([id], { claims: TWO })
  const versions = await listRowVersions(pipeline)
  const changes: unknown[] = []
  const { ledger } = await planSource(
    pipeline.tools,
    bindConnector(pipeline.connector, await pipeline.source()),
    { mode: 'full', sinceAt: null, now: new Date() },
    {
      progress: createProgress(),
      signal: new AbortController().signal,
      onChange: ({ detail }) => void changes.push(detail),
    },
  )
  assert.deepEqual(
    [ledger.held, changes],
    [1, [{ [`price:${id}:public`]: [1000, null, 'json-ld and microdata state different prices'] }]],
  )
  assert.deepEqual([await listRowVersions(pipeline), await reviews()], [versions, []])
})

test('a record that states a price and a disagreement about it is quarantined', async (t) => {
  const { pipeline, supplier, id } = await open(t)
  supplier.catalogue.update([id], { claims: [...TWO], also_stated: true })
  const run = await pipeline.sync()
  assert.deepEqual(countOutcomes(run), { unchanged: 29, quarantined: 1 })
})
