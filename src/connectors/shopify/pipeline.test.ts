// A Shopify shop through the whole pipeline into a real Postgres, with both kinds of access.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ShopifyOptions, ShopifySimulator } from '../../../simulators/shopify/server.ts'
import { sourceVariable } from '../../core/credentials.ts'
import { saveSource } from '../../db/sources.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { countOutcomes, openPipeline, type TestPipeline } from '../../../test/support/pipeline.ts'
import { openShop } from '../../../test/support/shopify.ts'
import { shopify } from './connector.ts'

const { pool: db } = await openTestDatabase()
const TOKEN = 'shop-token'

async function open(
  t: TestContext,
  options: ShopifyOptions = {},
): Promise<{
  simulator: ShopifySimulator
  pipeline: TestPipeline
  set(settings: object): Promise<void>
}> {
  const simulator = await openShop(t, { products: 40, adminToken: TOKEN, ...options })
  const settings = { url: simulator.url, currency: 'AUD', minIntervalMs: 0 }
  const name = `shop-${process.pid}-${simulator.url.split(':').at(-1)}`
  const credentials = { [sourceVariable(name, 'token')]: TOKEN }
  const pipeline = await openPipeline(t, { db, connector: shopify, settings, name, credentials })
  return {
    simulator,
    pipeline,
    async set(changed) {
      const { id } = await pipeline.source()
      await saveSource(db, id, { settings: { ...settings, ...changed } })
    },
  }
}

async function pricesOf(pipeline: TestPipeline) {
  const { id } = await pipeline.source()
  return pipeline.query<{ variant: string; amount: number }>(
    `select variant_external_id as variant, amount_minor as amount from catalog.prices
      where source_id = $1 and state = 'current' order by 1`,
    id,
  )
}

test('a change of access neither loses nor reprices a product, in both directions', async (t) => {
  const { simulator, pipeline, set } = await open(t)
  await pipeline.sync()
  const prices = await pricesOf(pipeline)
  for (const settings of [{ access: 'admin', adminUrl: simulator.url }, {}]) {
    await set(settings)
    const report = await pipeline.sync()
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    assert.equal(report.ledger.fetched, 40)
    assert.equal(report.ledger.created, 0)
    assert.deepEqual(await pricesOf(pipeline), prices)
  }
  const changes = await pipeline.query<{ kind: string }>(
    `select distinct kind from catalog.changes where source_id = $1`,
    (await pipeline.source()).id,
  )
  assert.deepEqual(changes.map(({ kind }) => kind).sort(), ['loaded', 'updated'])
})

test('the Admin API writes nothing for the same products, and removes one only after two complete runs', async (t) => {
  const { simulator, pipeline, set } = await open(t, { drafts: 1 })
  await set({ access: 'admin', adminUrl: simulator.url })
  assert.equal((await pipeline.sync()).ledger.fetched, 41)
  simulator.shop.touch()
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 41 })
  const gone = simulator.shop.products()[3]
  simulator.shop.remove(gone?.id ?? 0)
  const removed = async () =>
    pipeline.query<{ id: string }>(
      `select external_id as id from catalog.products where source_id = $1 and status = 'removed'`,
      (await pipeline.source()).id,
    )
  await pipeline.sync()
  assert.deepEqual(await removed(), [])
  await pipeline.sync()
  assert.deepEqual(await removed(), [{ id: String(gone?.id) }])
})

test('operations that fail are retried in one run, and a run whose file is cut short removes nothing', async (t) => {
  const { simulator, pipeline, set } = await open(t)
  await set({ access: 'admin', adminUrl: simulator.url })
  await pipeline.sync()
  simulator.set({ outcomes: ['COMPLETED', 'TIMEOUT', 'EXPIRED'] })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 40 })
  simulator.set({ lostLines: 1 })
  simulator.shop.remove(...simulator.shop.products().map(({ id }) => id))
  for (let run = 0; run < 3; run++) assert.notEqual((await pipeline.sync()).state, 'succeeded')
  const rows = await pipeline.query<{ count: number }>(
    `select count(*)::integer as count from catalog.products where source_id = $1 and status <> 'removed'`,
    (await pipeline.source()).id,
  )
  assert.deepEqual(rows, [{ count: 40 }])
})

test('without a token, no run of the Admin API starts, and the public list needs none', async (t) => {
  const { simulator, set } = await open(t)
  const settings = { url: simulator.url, currency: 'AUD', minIntervalMs: 0 }
  const pipeline = await openPipeline(t, { db, connector: shopify, settings })
  assert.equal((await pipeline.sync()).state, 'succeeded')
  const admin = { ...settings, access: 'admin', adminUrl: simulator.url }
  const other = await openPipeline(t, { db, connector: shopify, settings: admin })
  await assert.rejects(other.sync(), {
    code: 'settings/invalid',
    message: /set SECRET_<SOURCE>_TOKEN/,
  })
  await set({})
})
