// A WooCommerce shop through the whole pipeline into a real Postgres.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { WooOptions, WooSimulator } from '../../../simulators/woocommerce/server.ts'
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
