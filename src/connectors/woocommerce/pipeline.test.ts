// A WooCommerce shop through the whole pipeline into a real Postgres.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { WooOptions, WooSimulator } from '../../../simulators/woocommerce/server.ts'
import { sourceVariable } from '../../core/credentials.ts'
import { saveSource } from '../../db/sources.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { countOutcomes, openPipeline, type TestPipeline } from '../../../test/support/pipeline.ts'
import { openWoo } from '../../../test/support/woocommerce.ts'
import { woocommerce } from './connector.ts'

const { pool: db } = await openTestDatabase()

async function open(
  t: TestContext,
  options: WooOptions = {},
): Promise<{ simulator: WooSimulator; pipeline: TestPipeline }> {
  const simulator = await openWoo(t, { products: 130, ...options })
  const settings = { url: simulator.home, minIntervalMs: 0 }
  return { simulator, pipeline: await openPipeline(t, { db, connector: woocommerce, settings }) }
}

async function variantsOf(pipeline: TestPipeline, id: number) {
  const { id: source } = await pipeline.source()
  return pipeline.query<{ id: string; options: unknown; amount: number | null }>(
    `select v.external_id as id, v.options, p.amount_minor as amount from catalog.variants v
       left join catalog.prices p on p.source_id = v.source_id
         and p.product_external_id = v.product_external_id and p.variant_external_id = v.external_id
         and p.state = 'current'
      where v.source_id = $1 and v.product_external_id = $2 and v.removed_at is null order by v.position`,
    source,
    String(id),
  )
}

test('a new price of one variation updates one product, and the same feed again writes nothing', async (t) => {
  const { simulator, pipeline } = await open(t)
  assert.deepEqual(countOutcomes(await pipeline.sync()), { created: 130 })
  simulator.shop.touch()
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 130 })
  const [variation] = simulator.shop.variations()
  assert.ok(variation)
  simulator.shop.price(variation.id, String(Number(variation.prices.price) + 10))
  const report = await pipeline.sync()
  assert.deepEqual(countOutcomes(report), { updated: 1, unchanged: 129 })
  const [first] = await variantsOf(pipeline, variation.parent)
  assert.equal(first?.amount, Number(variation.prices.price))
})

test('a refresh of one product reads its variations', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.sync()
  const [variation] = simulator.shop.variations()
  assert.ok(variation)
  simulator.shop.price(variation.id, String(Number(variation.prices.price) + 10))
  const report = await pipeline.syncKeys([String(variation.parent)])
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.deepEqual(countOutcomes(report), { updated: 1 })
})

test('a product is removed only after two complete runs without it', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.sync()
  simulator.shop.remove(1000)
  simulator.set({ unreadable: 1 })
  assert.equal((await pipeline.sync()).ledger.missing, 0, 'an incomplete run counts none')
  simulator.set({ unreadable: 0 })
  assert.equal((await pipeline.sync()).ledger.removed, 0)
  assert.equal((await pipeline.sync()).ledger.removed, 1)
})

test("a shop's own limit of requests delays a run and does not fail it", async (t) => {
  const { simulator, pipeline } = await open(t, { products: 30, limitStatus: 400 })
  for (let request = 0; request < 25; request++)
    await fetch(`${simulator.url}/wp-json/wc/store/v1/products`)
  const run = pipeline.sync({
    tools: {
      http: async (request, signal) => {
        const response = await pipeline.tools.http(request, signal)
        if (response.status === 400) simulator.set({ limitStatus: null })
        return response
      },
    },
  })
  assert.equal((await run).state, 'succeeded')
  assert.ok(pipeline.waits.length > 0)
})

test('a change of access neither loses nor reprices a product, in both directions', async (t) => {
  const simulator = await openWoo(t, { products: 60, keys: 'ck_1:cs_2' })
  const settings = { url: simulator.home, minIntervalMs: 0 }
  const name = `woo-${process.pid}`
  const credentials = {
    [sourceVariable(name, 'consumerKey')]: 'ck_1',
    [sourceVariable(name, 'consumerSecret')]: 'cs_2',
  }
  const pipeline = await openPipeline(t, {
    db,
    connector: woocommerce,
    settings,
    name,
    credentials,
  })
  const { id } = await pipeline.source()
  const prices = () =>
    pipeline.query<object>(
      `select variant_external_id, amount_minor from catalog.prices
        where source_id = $1 and state = 'current' order by 1`,
      id,
    )
  await pipeline.sync()
  const before = await prices()
  for (const access of ['rest', 'store']) {
    await saveSource(db, id, { settings: { ...settings, access } })
    const report = await pipeline.sync()
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    assert.deepEqual([report.ledger.fetched, report.ledger.created], [60, 0])
    assert.deepEqual(await prices(), before)
  }
})

test('with keys, an incremental run reads what has changed, and a full run finds what is gone', async (t) => {
  const simulator = await openWoo(t, { products: 60, keys: 'ck_1:cs_2' })
  const settings = { url: simulator.home, access: 'rest', minIntervalMs: 0 }
  const name = `woo-since-${process.pid}`
  const credentials = {
    [sourceVariable(name, 'consumerKey')]: 'ck_1',
    [sourceVariable(name, 'consumerSecret')]: 'cs_2',
  }
  const pipeline = await openPipeline(t, {
    db,
    connector: woocommerce,
    settings,
    name,
    credentials,
  })
  await pipeline.sync()
  const [first, second] = simulator.shop.products()
  simulator.shop.update(first?.id ?? 0, { name: 'New' })
  simulator.shop.remove(second?.id ?? 0)
  const light = await pipeline.sync({ mode: 'incremental' })
  assert.deepEqual([light.ledger.updated, light.ledger.fetched < 60], [1, true])
  const removed = async () =>
    pipeline.query<object>(
      `select external_id from catalog.products where source_id = $1 and status = 'removed'`,
      (await pipeline.source()).id,
    )
  for (const count of [0, 1]) {
    await pipeline.sync()
    assert.equal((await removed()).length, count)
  }
})
