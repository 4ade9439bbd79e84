// Changes of a source's settings: a shop that changed its currency, and the rules that keep a run
// from mixing two settings.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startShopify, type ShopifySimulator } from '../../simulators/shopify/server.ts'
import { shopify } from '../../src/connectors/shopify/connector.ts'
import { listReviews } from '../../src/db/read/reviews.ts'
import { endRun, startRun } from '../../src/db/write/runs.ts'
import { addSource, saveSource } from '../../src/db/sources.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import { planSource } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { chooseSchedule } from '../../src/sources/schedule.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, openPipeline } from '../support/pipeline.ts'
import { openShelfsync } from './shelfsync.ts'

const { pool: db } = await openTestDatabase()

async function startShop(t: TestContext): Promise<ShopifySimulator> {
  const shop = await startShopify({ products: 12 })
  t.after(shop.close)
  reprice(shop, '10.00')
  return shop
}

function reprice({ shop }: ShopifySimulator, price: string): void {
  for (const { id, variants } of shop.products())
    shop.update(id, {
      variants: variants.map((variant) => ({ ...variant, price, compare_at_price: null })),
    })
}

test('a shop that changed its currency fails with the command to run, and then all prices are in the new currency without a review', async (t) => {
  const shop = await startShop(t)
  const settings = { url: shop.url, currency: 'AUD', minIntervalMs: 0 }
  const pipeline = await openPipeline(t, { db, connector: shopify, settings })
  await pipeline.sync()
  shop.set({ currency: 'JPY' })
  reprice(shop, '1000')
  const refused = await pipeline.sync()
  assert.match(
    refused.reason ?? '',
    /has changed its currency from AUD to JPY\. If that is right: shelfsync sources set NAME --set currency=JPY/,
  )

  const { id } = await pipeline.source()
  const changed = await saveSource(db, id, { settings: { ...settings, currency: 'JPY' } })
  const request = { mode: 'auto', sinceAt: null, now: new Date() } as const
  const plan = await planSource(
    { ...pipeline.tools, db },
    bindConnector(shopify, changed),
    request,
    {
      progress: createProgress(),
      signal: new AbortController().signal,
      onChange: () => undefined,
    },
  )
  assert.deepEqual(
    [plan.kind, plan.state, plan.reason, plan.ledger.updated],
    ['full', 'succeeded', null, 12],
  )
  const synced = await pipeline.sync({ mode: 'auto' })
  assert.deepEqual([synced.state, countOutcomes(synced)], ['succeeded', { updated: 12 }])
  const rows = await pipeline.query(
    'select distinct state, currency from catalog.prices where source_id = $1 order by 1',
    id,
  )
  assert.deepEqual(rows, [
    { state: 'current', currency: 'JPY' },
    { state: 'past', currency: 'AUD' },
  ])
  assert.deepEqual((await listReviews(db, { source: pipeline.name, limit: 9 })).items, [])
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 12 })
})

test('unchanged records are read again after the settings have changed', async (t) => {
  const shop = await startShop(t)
  const pipeline = await openPipeline(t, {
    db,
    connector: shopify,
    settings: { url: shop.url, currency: 'AUD', minIntervalMs: 0 },
  })
  await pipeline.sync()
  shop.set({ currency: null })
  await saveSource(db, (await pipeline.source()).id, {
    settings: { url: shop.url, currency: 'NZD', minIntervalMs: 0 },
  })
  assert.deepEqual(
    [countOutcomes(await pipeline.sync()), countOutcomes(await pipeline.sync())],
    [{ updated: 12 }, { unchanged: 12 }],
  )
})

test('a run that was only fetched is not applied with different settings', async (t) => {
  const [before, after] = [await startShop(t), await startShop(t)]
  const settings = { url: before.url, currency: 'AUD', minIntervalMs: 0 }
  const pipeline = await openPipeline(t, { db, connector: shopify, settings })
  const { id } = await pipeline.source()
  const fetched = await startRun(db, {
    sourceId: id,
    kind: 'full',
    sinceAt: null,
    artifactRun: null,
    resumeAny: false,
    normaliserVersion: shopify.normaliserVersion,
    owner: 'elsewhere/1',
    deadOwner: null,
    correlationId: 'test',
    options: { stages: 'fetch' },
  })
  await endRun(db, fetched, { state: 'fetched', code: null, reason: 'fetched as requested' })
  await saveSource(db, id, { settings: { ...settings, url: after.url } })
  const report = await pipeline.sync({ mode: 'auto' })
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  const rows = await pipeline.query<{ state: string }>(
    'select state from catalog.runs where source_id = $1 order by id',
    id,
  )
  assert.deepEqual(rows, [{ state: 'superseded' }, { state: 'succeeded' }])
})

test('settings cannot change during a run, and an interrupted run is not resumed with different settings', async (t) => {
  const shop = await startShop(t)
  const { db: own, run } = await openShelfsync(t)
  const settings = shopify.settings.parse({ url: shop.url, currency: 'AUD', minIntervalMs: 0 })
  const { id } = await addSource(own, {
    name: 'saltbush',
    connector: 'shopify',
    settings,
    schedule: chooseSchedule(shopify, 'saltbush'),
  })
  const request = {
    sourceId: id,
    kind: 'full',
    sinceAt: null,
    artifactRun: null,
    resumeAny: false,
    normaliserVersion: 1,
    owner: 'elsewhere/1',
    deadOwner: null,
    correlationId: 'test',
    options: {},
  } as const
  const active = await startRun(own, request)
  const refused = await run('sources', 'set', 'saltbush', '--set', 'minIntervalMs=5')
  assert.deepEqual(
    [refused.code, /Run \d+ of this source is running/.test(refused.stderr)],
    [1, true],
    refused.stderr,
  )
  await own.query('update catalog.leases set expires_at = now()')
  const set = await run('sources', 'set', 'saltbush', '--set', 'minIntervalMs=5', '--json')
  assert.deepEqual([set.code, set.json()['settings']], [0, { ...settings, minIntervalMs: 5 }])
  const { rows } = await own.query('select state from catalog.runs where id = $1', [active.id])
  assert.deepEqual(rows, [{ state: 'superseded' }])
  for (const [setting, why] of [
    ['currency=nzd', /currency: must be three capital letters/],
    ['colour=red', /colour/],
  ] as const) {
    const wrong = await run('sources', 'set', 'saltbush', '--set', setting)
    assert.deepEqual([wrong.code, why.test(wrong.stderr)], [64, true], wrong.stderr)
  }
})
