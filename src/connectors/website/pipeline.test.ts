// A website through the whole pipeline into a real Postgres.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { SiteOptions, SiteSimulator } from '../../../simulators/website/server.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { countOutcomes, openPipeline, type TestPipeline } from '../../../test/support/pipeline.ts'
import { openSite } from '../../../test/support/website.ts'
import { website } from './connector.ts'

const { pool: db } = await openTestDatabase()

async function open(
  t: TestContext,
  options: SiteOptions = {},
): Promise<{ simulator: SiteSimulator; pipeline: TestPipeline }> {
  const simulator = await openSite(t, { products: 12, ...options })
  const settings = { url: simulator.url, minIntervalMs: 0 }
  const policy = { quarantineShare: 0.2, removalShare: 0.5 }
  return {
    simulator,
    pipeline: await openPipeline(t, { db, connector: website, settings, policy }),
  }
}

test('a second run with nothing new sends only conditional requests for pages, writes nothing, and its archive is whole', async (t) => {
  const { simulator, pipeline } = await open(t)
  const first = await pipeline.sync()
  assert.deepEqual(countOutcomes(first), { created: 12 })
  simulator.requests.length = 0
  const second = await pipeline.sync()
  assert.deepEqual(countOutcomes(second), { unchanged: 12 })
  assert.deepEqual([second.state, second.ledger.missing], ['succeeded', 0])
  const [lists, pages] = [
    3 + 1,
    simulator.requests.filter(({ path }) => path.startsWith('/products/')),
  ]
  assert.ok(pages.every(({ isConditional, status }) => isConditional && status === 304))
  assert.equal(simulator.requests.length, lists + 12)
  const lines = (await pipeline.archived(second.run)).trimEnd().split('\n')
  assert.ok(lines.length === 12 && lines.every((line) => line.includes('</html>')))
  // The second archive alone brings every product back.
  const { id } = await pipeline.source()
  const titles = () =>
    pipeline.query(
      'select external_id, title, url from catalog.products where source_id = $1 order by 1',
      id,
    )
  const before = await titles()
  for (const table of ['images', 'prices', 'variants', 'products'])
    await pipeline.query(`delete from catalog.${table} where source_id = $1`, id)
  await pipeline.replay(second.run)
  assert.deepEqual([before.length, await titles()], [12, before])
})

test('tokens that change with each response write nothing, and a new price updates one product', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.sync()
  simulator.catalogue.touch()
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 12 })
  const [product] = simulator.catalogue.products()
  assert.ok(product)
  simulator.catalogue.update(product.id, { priceMinor: product.priceMinor + 10 })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { updated: 1, unchanged: 11 })
})

test('a product is removed only after two complete runs without its page', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.sync()
  simulator.catalogue.remove(1_003)
  simulator.faults.set({ kind: 'status', status: 500, path: '/products/item-00007', times: null })
  const incomplete = await pipeline.sync()
  assert.deepEqual([incomplete.state, incomplete.ledger.missing], ['held', 0])
  assert.match(incomplete.reason ?? '', /1 of 11 pages of .* could not be read/)
  simulator.faults.clear()
  assert.equal((await pipeline.sync()).ledger.removed, 0)
  assert.equal((await pipeline.sync()).ledger.removed, 1)
})

test('a page whose data breaks is quarantined, and its product stays', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.sync()
  simulator.catalogue.update(1_004, { isSpoiled: true })
  for (let run = 0; run < 2; run++) {
    const { ledger } = await pipeline.sync()
    assert.deepEqual([ledger.quarantined, ledger.missing, ledger.removed], [1, 0, 0])
  }
})

test('a price that the page states in two ways is not taken, and the last good price stays', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.sync()
  simulator.catalogue.update(1_004, { shownPriceMinor: 99 })
  await pipeline.sync()
  const { id } = await pipeline.source()
  const rows = await pipeline.query<{ amount: number }>(
    `select amount_minor as amount from catalog.prices where source_id = $1 and product_external_id like '%item-00004' and state = 'current'`,
    id,
  )
  assert.deepEqual(
    rows.map(({ amount }) => amount),
    [simulator.catalogue.find('item-00004')?.priceMinor],
  )
})

test('a refresh requests the named pages only', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.sync()
  simulator.requests.length = 0
  simulator.catalogue.update(1_005, { name: 'A new name' })
  const report = await pipeline.syncKeys([`${simulator.url}/products/item-00005`])
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.deepEqual(countOutcomes(report), { updated: 1 })
  assert.deepEqual(
    simulator.requests.map(({ path }) => path),
    ['/robots.txt', '/products/item-00005'],
  )
})
