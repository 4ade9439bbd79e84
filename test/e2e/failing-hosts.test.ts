// The failures of a source's host: their class, since when, how many in a row, and the spacing of the
// scheduled runs of a flagged source.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { RESPONSES, type ShopifyFaultInput } from '../../simulators/shopify/faults.ts'
import { startShopify, type ShopifySimulator } from '../../simulators/shopify/server.ts'
import { shopify } from '../../src/connectors/shopify/connector.ts'
import { loadSourceSummary, type HostFailure } from '../../src/db/read/source-summaries.ts'
import { listScheduledSources, saveSource } from '../../src/db/sources.ts'
import { openTestDatabase } from '../support/database.ts'
import { openPipeline, type TestPipeline } from '../support/pipeline.ts'

const { pool: db } = await openTestDatabase()
const DAY_MS = 86_400_000

async function openShop(
  t: TestContext,
): Promise<{ readonly shop: ShopifySimulator; readonly pipeline: TestPipeline }> {
  const shop = await startShopify({ products: 3 })
  t.after(shop.close)
  const settings = { url: shop.url, currency: 'AUD', minIntervalMs: 0 }
  return { shop, pipeline: await openPipeline(t, { db, connector: shopify, settings }) }
}

async function failWith(
  { shop, pipeline }: { shop: ShopifySimulator; pipeline: TestPipeline },
  fault: ShopifyFaultInput,
): Promise<HostFailure | null> {
  shop.faults.clear()
  shop.faults.set({ ...fault, path: '/products.json?page=1', times: null })
  assert.equal((await pipeline.sync()).state, 'failed')
  return (await loadSourceSummary(db, pipeline.name)).failure
}

test('the failures of a host are counted with the class of the last one, until the host responds', async (t) => {
  const shop = await openShop(t)
  await shop.pipeline.sync()
  const first = await failWith(shop, RESPONSES.password)
  assert.partialDeepStrictEqual(first, { class: 'closed', runs: 1, flagged: false })
  const second = await failWith(shop, RESPONSES.missing)
  assert.partialDeepStrictEqual(second, { class: 'gone', runs: 2, sinceAt: first?.sinceAt })
  const third = await failWith(shop, RESPONSES.refused)
  assert.partialDeepStrictEqual(third, { class: 'blocked', runs: 3, flagged: true })
  const fourth = await failWith(shop, RESPONSES.webPage)
  assert.partialDeepStrictEqual(fourth, { class: 'malformed', runs: 4, flagged: true })

  shop.shop.faults.clear()
  await shop.pipeline.replay((await shop.pipeline.source()).latestRun ?? 0)
  assert.equal((await loadSourceSummary(db, shop.pipeline.name)).failure?.runs, 4)
  assert.equal((await shop.pipeline.sync()).state, 'succeeded')
  assert.equal((await loadSourceSummary(db, shop.pipeline.name)).failure, null)
})

test('a flagged source waits one day for its next scheduled run, then two, four and at most seven', async (t) => {
  const { pipeline } = await openShop(t)
  await pipeline.query(
    `update catalog.sources set failures = 2, failure_class = 'gone', failing_since = now(), failed_at = now()
     where name = $1`,
    pipeline.name,
  )
  const findDays = async (failures: number): Promise<number> => {
    await pipeline.query(
      'update catalog.sources set failures = $1 where name = $2',
      failures,
      pipeline.name,
    )
    const { failure } = await loadSourceSummary(db, pipeline.name)
    const due = (await listScheduledSources(db)).find(({ source }) => source === pipeline.name)
    if (failure?.notBeforeAt) assert.deepEqual(due?.sinceAt, failure.notBeforeAt)
    else assert.ok(due && due.sinceAt < due.now)
    return (
      ((failure?.notBeforeAt ?? failure?.lastAt ?? new Date()).getTime() -
        (failure?.lastAt.getTime() ?? 0)) /
      DAY_MS
    )
  }
  const days: number[] = []
  for (const failures of [2, 3, 4, 5, 6, 1000]) days.push(await findDays(failures))
  assert.deepEqual(days, [0, 1, 2, 4, 7, 7])
})

test('new settings clear the failures of a host, and another state of the source does not', async (t) => {
  const shop = await openShop(t)
  await failWith(shop, RESPONSES.frozen)
  const { id, settings } = await shop.pipeline.source()
  await saveSource(db, id, { state: 'active' })
  assert.equal((await loadSourceSummary(db, shop.pipeline.name)).failure?.class, 'closed')
  await saveSource(db, id, { settings })
  assert.equal((await loadSourceSummary(db, shop.pipeline.name)).failure, null)
})
