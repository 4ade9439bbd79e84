// Ends of licences, one rule at a time: what renews an end, what does not, and the effect of a changed
// policy on content that a source has already.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { toAsin } from '../../simulators/amazon/product.ts'
import { keepPurging } from '../../src/app/keep-purging.ts'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import type { Connector } from '../../src/core/connector.ts'
import type { Policy } from '../../src/core/policy.ts'
import { saveSource } from '../../src/db/sources.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { purgeExpiredRows } from '../../src/db/write/retention.ts'
import { openAmazonPipeline, type AmazonPipeline } from '../support/amazon-pipeline.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, type TestPipeline } from '../support/pipeline.ts'
import { passTime } from '../support/readable.ts'
import { openToy } from '../support/toy/open.ts'
import { waitUntil } from '../support/wait-until.ts'

const { pool: db } = await openTestDatabase()
const ASIN = toAsin(0)
const INSERT_PRICE = `select api.rpc_insert_price(p_source => $1, p_platform_product_id => $2,
  p_platform_variant_id => 'v', p_price => 6, p_currency => 'USD')`

async function open(
  t: TestContext,
  policy: Partial<Policy> = {},
): Promise<AmazonPipeline & { readonly sync: () => Promise<number> }> {
  const { simulator, pipeline } = await openAmazonPipeline(t, { db, policy })
  const sync = async (): Promise<number> => (await pipeline.syncKeys([ASIN])).run
  simulator.update(ASIN, { title: 'First', priceMinor: 1_000 })
  await sync()
  return { simulator, pipeline, sync }
}

/** Values of the product as readers see them. */
async function findShown(pipeline: TestPipeline) {
  const [row] = await pipeline.query<{
    title: string | null
    price: number | null
    change: Record<string, unknown> | null
    hours: number | null
  }>(
    `select (select title from api.products where source = $1) as title,
       (select amount_minor::integer from api.prices where source = $1 and price_type = 'public') as price,
       (select detail from api.changes where source = $1 order by position desc limit 1) as change,
       (select round(extract(epoch from expires_at - now()) / 3600)::integer from api.products where source = $1) as hours`,
    pipeline.name,
  )
  assert.ok(row)
  return row
}

async function listPrices(pipeline: TestPipeline): Promise<string[]> {
  const rows = await pipeline.query<{ price: string }>(
    `select state || ' ' || coalesce(amount_minor::text, 'none') as price from catalog.prices
     where source_id = $1 and price_type = 'public' order by run_id`,
    (await pipeline.source()).id,
  )
  return rows.map(({ price }) => price)
}

test('a refresh renews what it states again, and the values before a change end at their own time', async (t) => {
  const { simulator, pipeline, sync } = await open(t)
  assert.equal((await findShown(pipeline)).hours, 24)
  await passTime(db, '20 hours')
  simulator.update(ASIN, { title: 'Second', priceMinor: 1_200 })
  await sync()
  const changed = await findShown(pipeline)
  assert.deepEqual([changed.title, changed.price, changed.hours], ['Second', 1_200, 24])
  const member = `price:${ASIN}:public`
  assert.deepEqual(
    [changed.change?.['title'], changed.change?.[member]],
    [
      ['First', 'Second'],
      [1_000, 1_200],
    ],
  )
  await passTime(db, '5 hours')
  const later = await findShown(pipeline)
  assert.deepEqual([later.title, later.price, later.hours], ['Second', 1_200, 19])
  assert.deepEqual(later.change, { title: [], [member]: [] })
})

test('a last good price ends at its own time, and its review loses the amounts but can be decided', async (t) => {
  const { simulator, pipeline, sync } = await open(t)
  await passTime(db, '20 hours')
  simulator.update(ASIN, { priceMinor: 30_000 })
  const held = await sync()
  assert.deepEqual(
    [(await findShown(pipeline)).price, await listPrices(pipeline)],
    [1_000, ['current 1000', 'held 30000']],
  )
  await passTime(db, '5 hours')
  assert.equal((await findShown(pipeline)).price, null)
  const [review] = await pipeline.query<{ id: number; detail: unknown }>(
    `select id, detail from catalog.list_reviews(null, null, $1, null, null, 10)`,
    held,
  )
  assert.ok(review)
  assert.deepEqual(review.detail, { currency: 'USD', expired: true })
  await decideReview(db, review.id, { approve: true, by: 'ann' })
  assert.equal((await findShown(pipeline)).price, 30_000)
  assert.deepEqual(await listPrices(pipeline), ['current 30000'])
})

test('without a history of prices, one current price stays, and no prior price is known', async (t) => {
  const { simulator, pipeline, sync } = await open(t)
  const reprice = async (priceMinor: number): Promise<void> => {
    simulator.update(ASIN, { priceMinor })
    await sync()
  }
  await reprice(1_100)
  await reprice(1_200)
  assert.deepEqual(await listPrices(pipeline), ['current 1200'])
  const [prior] = await pipeline.query<{ amount: unknown; reason: string }>(
    `select amount_minor as amount, reason from api.prior_price($1, $2, $2, now(), 'public')`,
    pipeline.name,
    ASIN,
  )
  assert.equal(prior?.amount, null)
  assert.match(prior?.reason ?? '', /keeps no history of prices/)
  const { id } = await pipeline.source()
  await saveSource(db, id, { policy: { keepPriceHistory: true } })
  await reprice(1_300)
  assert.deepEqual(await listPrices(pipeline), ['past 1200', 'current 1300'])
  await saveSource(db, id, { policy: { keepPriceHistory: false } })
  assert.deepEqual(await listPrices(pipeline), ['current 1300'])
})

test('an end that is set later holds for what the source has already', async (t) => {
  const { pipeline } = await open(t, { expiresAfterHours: null })
  const { id } = await pipeline.source()
  await passTime(db, '10 hours')
  assert.deepEqual(
    [(await findShown(pipeline)).title, (await findShown(pipeline)).hours],
    ['First', null],
  )
  await saveSource(db, id, { policy: { expiresAfterHours: 48 } })
  assert.equal((await findShown(pipeline)).hours, 38)
  await saveSource(db, id, { policy: { expiresAfterHours: 5 } })
  assert.equal((await findShown(pipeline)).title, null)
})

test('an end that is taken back no longer holds after the next full run, which changes nothing', async (t) => {
  const { pipeline } = await openToy(t, { db, policy: { expiresAfterHours: 24 } })
  await pipeline.sync()
  const { id } = await pipeline.source()
  const countEnding = async (): Promise<number> =>
    (
      await pipeline.query(
        `select from catalog.products where source_id = $1 and expires_at is not null`,
        id,
      )
    ).length
  assert.equal(await countEnding(), 30)
  await saveSource(db, id, { policy: { expiresAfterHours: null } })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 30 })
  assert.equal(await countEnding(), 0)
})

test('the values before a change end at their own time when the source no longer has an end', async (t) => {
  const { simulator, pipeline, sync } = await open(t)
  await saveSource(db, (await pipeline.source()).id, { policy: { expiresAfterHours: null } })
  simulator.update(ASIN, { title: 'Second' })
  await sync()
  const changed = await findShown(pipeline)
  assert.deepEqual([changed.hours, changed.change], [null, { title: ['First', 'Second'] }])
  await passTime(db, '25 hours')
  assert.deepEqual((await findShown(pipeline)).change, { title: [] })
})

test('an earlier price ends at its own time when the source no longer has an end', async (t) => {
  const { simulator, pipeline, sync } = await open(t, { keepPriceHistory: true })
  await saveSource(db, (await pipeline.source()).id, { policy: { expiresAfterHours: null } })
  simulator.update(ASIN, { priceMinor: 1_100 })
  await sync()
  assert.deepEqual(await listPrices(pipeline), ['past 1000', 'current 1100'])
  await passTime(db, '25 hours')
  await purgeExpiredRows(db)
  assert.deepEqual(await listPrices(pipeline), ['current 1100'])
})

test('an end that is set later holds for the enrichments of earlier content', async (t) => {
  const { simulator, pipeline, sync } = await open(t, { expiresAfterHours: null })
  const { id } = await pipeline.source()
  await db.query(
    `select catalog.propose_value(source_id, external_id, 'attributes.use', '"home"', 'First', 0.9, 'model', content_hash, 0.5)
     from catalog.products where source_id = $1`,
    [id],
  )
  const countEnrichments = async (from: string): Promise<number> =>
    (await pipeline.query(`select from ${from}`)).length
  simulator.update(ASIN, { title: 'Second' })
  await sync()
  await saveSource(db, id, { policy: { expiresAfterHours: 24 } })
  await passTime(db, '20 hours')
  await sync()
  assert.equal(await countEnrichments('api.enrichments'), 1)
  await passTime(db, '5 hours')
  assert.equal(await countEnrichments('api.enrichments'), 0)
  await purgeExpiredRows(db)
  assert.equal(await countEnrichments('catalog.enrichments'), 0)
})

test('a replay gives no product a later end than its artifact allows', async (t) => {
  const { pipeline } = await open(t)
  const [run] = await pipeline.query<{ id: number }>(
    `select max(id) as id from catalog.runs where source_id = $1`,
    (await pipeline.source()).id,
  )
  await passTime(db, '10 hours')
  const amazon = createAmazon()
  const connector: Connector = {
    ...amazon,
    normaliserVersion: amazon.normaliserVersion + 1,
    normalise: (record, settings) => ({
      ...amazon.normalise(record, settings as never),
      title: 'Replayed',
    }),
  }
  const replayed = await pipeline.replay(Number(run?.id), { connector })
  assert.deepEqual(countOutcomes(replayed), { updated: 1 })
  const { title, hours } = await findShown(pipeline)
  assert.deepEqual([title, hours], ['Replayed', 14])
})

test('a call that states the whole product renews it, and one that states a part does not', async (t) => {
  const { pipeline } = await open(t)
  const upsert = (): Promise<unknown> =>
    pipeline.query(
      `select api.rpc_upsert_product(p_source => $1, p_platform_product_id => $2, p_name => 'Called',
         p_variants => '[{"platform_variant_id": "v", "price": 5, "currency": "USD"}]')`,
      pipeline.name,
      ASIN,
    )
  await upsert()
  await passTime(db, '10 hours')
  await upsert()
  assert.equal((await findShown(pipeline)).hours, 24)
  await passTime(db, '10 hours')
  await pipeline.query(INSERT_PRICE, pipeline.name, ASIN)
  assert.equal((await findShown(pipeline)).hours, 14)
  await passTime(db, '25 hours')
  await assert.rejects(pipeline.query(INSERT_PRICE, pipeline.name, ASIN), /has no product/)
})

test('a maintainer purges what has expired, and an interrupted run without its archive is over', async (t) => {
  const { pipeline } = await open(t)
  const { id } = await pipeline.source()
  await db.query(
    `update catalog.runs set state = 'interrupted', finished_at = null where source_id = $1`,
    [id],
  )
  await pipeline.expireLease()
  await saveSource(db, id, { policy: { expiresAfterHours: 1e-6 } })
  const stopping = new AbortController()
  const purging = keepPurging({ ...pipeline.tools, changesDays: 400 }, stopping.signal)
  const findPurged = async () =>
    (
      await pipeline.query<{ purged: boolean; run: string; artifact: string }>(
        `select p.purged_at is not null as purged, r.state as run, a.state as artifact
         from catalog.products p join catalog.runs r using (source_id)
         join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.id
         where p.source_id = $1`,
        id,
      )
    )[0]
  await waitUntil(async () => (await findPurged())?.artifact === 'purged')
  assert.deepEqual(await findPurged(), { purged: true, run: 'superseded', artifact: 'purged' })
  stopping.abort()
  await purging
})

test('the address of an image is forgotten with the last image that names it', async (t) => {
  const { pipeline } = await open(t, { storeImages: true })
  const { id } = await pipeline.source()
  await db.query(
    `with addresses as (
       insert into catalog.image_addresses (key, url, channel, due_at, changed_at)
         select sha256(url::bytea), url, 'c', now(), now() from catalog.images where source_id = $1
         returning id, url)
     update catalog.images i set address_id = a.id from addresses a where i.url = a.url and i.source_id = $1`,
    [id],
  )
  const count = async (): Promise<number> =>
    (await db.query(`select from catalog.image_addresses`)).rows.length
  assert.equal(await count(), 3)
  await passTime(db, '25 hours')
  await purgeExpiredRows(db)
  assert.equal(await count(), 0)
})
