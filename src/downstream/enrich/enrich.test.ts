// The step over a real Postgres, a shop and an endpoint that is compatible with OpenAI's.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startModel, type ModelSimulator } from '../../../simulators/model/server.ts'
import { startShopify } from '../../../simulators/shopify/server.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { openPipeline, type TestPipeline } from '../../../test/support/pipeline.ts'
import { loadSettings } from '../../config/settings.ts'
import { shopify } from '../../connectors/shopify/connector.ts'
import type { Policy } from '../../core/policy.ts'
import { SyncError } from '../../core/errors.ts'
import { saveSource } from '../../db/sources.ts'
import { createAddressGuard } from '../../node/address-guard.ts'
import { createHttp } from '../../node/http-client.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { createRedactor } from '../../telemetry/redact.ts'
import type { OpenStep } from '../step.ts'
import { enrich } from './enrich.ts'

const { pool: db } = await openTestDatabase()
const KEY = 'planted-model-key'
const RUNNING = new AbortController().signal

const COFFEES = [
  ['House Coffee', 'We stop it just before second crack. Beans from a farm in Brazil.'],
  ['Hill Coffee', 'From the geisha tree in the hills of Ethiopia.'],
  ['Plain Coffee', 'A coffee for every day.'],
] as const

interface Enrichment {
  readonly pipeline: TestPipeline
  readonly model: ModelSimulator
  readonly shop: Awaited<ReturnType<typeof startShopify>>
  readonly metrics: ReturnType<typeof createMetrics>
  open(): OpenStep
  /** Works until nothing is due, and returns the number of requests to the model. */
  work(): Promise<number>
}

async function openEnrichment(
  t: TestContext,
  policy: Partial<Policy> = { enrich: true },
  env: Readonly<Record<string, string>> = {},
): Promise<Enrichment> {
  await db.query('truncate catalog.limits, catalog.circuit_breakers, catalog.model_responses')
  const shop = await startShopify({ products: COFFEES.length })
  const model = await startModel({ key: KEY })
  t.after(() => Promise.all([shop.close(), model.close()]))
  for (const [at, { id }] of shop.shop.products().entries()) {
    const [title = '', body_html = ''] = COFFEES[at] ?? []
    shop.shop.update(id, { title, body_html, product_type: 'Coffee', tags: [] })
  }
  const pipeline = await openPipeline(t, {
    db,
    connector: shopify,
    settings: { url: shop.url, currency: 'AUD', minIntervalMs: 0 },
    policy,
  })
  await saveSource(db, (await pipeline.source()).id, { options: { pack: 'coffee' } })
  await pipeline.sync()
  const settings = loadSettings({
    LLM_URL: model.url,
    LLM_MODEL: 'simulated',
    LLM_KEY: KEY,
    REQUEST_RATES: 'model=999999/s',
    ...env,
  })
  const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'Test/1' })
  t.after(() => http.close())
  const metrics = createMetrics()
  const { log } = pipeline.tools
  const open = (): OpenStep => {
    const redact = createRedactor(settings.secrets, settings.secrets)
    const options = { wait: () => Promise.resolve() }
    const step = enrich.open({ settings, db, log, metrics, redact, http, options })
    assert.ok(step)
    return step
  }
  return {
    pipeline,
    model,
    shop,
    metrics,
    open,
    async work() {
      const step = open()
      model.stats.reset()
      while (await step.work(RUNNING));
      return model.stats.snapshot().requests['/v1/chat/completions'] ?? 0
    },
  }
}

const readReviews = (pipeline: TestPipeline) =>
  pipeline.query<{ title: string; field: string; value: unknown; quotation: string }>(
    `select p.title, r.detail ->> 'field' as field, r.detail -> 'value' as value,
       r.detail ->> 'quotation' as quotation
     from catalog.reviews r join catalog.sources s on s.id = r.source_id
       join catalog.products p on p.source_id = s.id and p.external_id = r.product_external_id
     where s.name = $1 and r.kind = 'proposal' and r.state = 'open' order by 1, 2`,
    pipeline.name,
  )

test('values that rules do not find are proposed with their quotation, and change no product', async (t) => {
  const { pipeline, work } = await openEnrichment(t)
  const before = await pipeline.query('select attributes, content_hash from catalog.products')
  assert.equal(await work(), 3)
  assert.deepEqual(await readReviews(pipeline), [
    {
      title: 'Hill Coffee',
      field: 'attributes.country',
      value: 'ET',
      quotation: 'the hills of Ethiopia',
    },
    {
      title: 'House Coffee',
      field: 'attributes.roast_level',
      value: 'medium_dark',
      quotation: 'just before second crack',
    },
  ])
  assert.deepEqual(
    await pipeline.query('select attributes, content_hash from catalog.products'),
    before,
  )
})

test('the same text is sent once, and a changed text is sent again', async (t) => {
  const { pipeline, shop, work } = await openEnrichment(t)
  assert.equal(await work(), 3)
  assert.equal(await work(), 0)
  const [first, second] = shop.shop.products()
  assert.ok(first && second)
  shop.shop.price(first.id, '99.00')
  await pipeline.sync()
  assert.equal(await work(), 0)
  shop.shop.update(second.id, { body_html: 'Barely past first crack.' })
  await pipeline.sync()
  assert.equal(await work(), 1)
  assert.deepEqual(
    (await readReviews(pipeline)).map(({ value }) => value),
    ['light', 'medium_dark'],
  )
})

test('proposals at the threshold of the source are approved at once, all others wait for a person', async (t) => {
  const { pipeline, work } = await openEnrichment(t, { enrich: true, acceptProposals: 0.9 })
  await work()
  const accepted = await pipeline.query(
    `select e.field, e.value, e.confidence::float8, e.model from catalog.enrichments e
     join catalog.sources s on s.id = e.source_id where s.name = $1`,
    pipeline.name,
  )
  const reviewed = (await readReviews(pipeline)).map(({ field }) => field)
  assert.deepEqual(
    [accepted, reviewed],
    [
      [{ field: 'attributes.country', value: 'ET', confidence: 0.9, model: 'simulated' }],
      ['attributes.roast_level'],
    ],
  )
})

test('nothing is asked without the policy of the source, and no step opens without a model', async (t) => {
  const { work } = await openEnrichment(t, {})
  assert.equal(await work(), 0)
})

test('an endpoint that fails delays its products, and loses none', async (t) => {
  const { pipeline, model, open, work } = await openEnrichment(t)
  const step = open()
  model.faults.set({ kind: 'status', status: 503, times: 2 })
  await assert.rejects(
    (async () => {
      while (await step.work(RUNNING));
    })(),
    (error) => error instanceof SyncError && error.code === 'model/unavailable',
  )
  assert.equal(await step.hasWork(), true)
  await assert.rejects(step.work(RUNNING))
  assert.equal(await work(), 1)
  assert.equal(await step.hasWork(), false)
  await pipeline.query('update catalog.enrichment_work set due_at = now() where due_at is not null')
  assert.equal(await work(), 2)
  assert.equal((await readReviews(pipeline)).length, 2)
})

test('a model that breaks the schema three times is not asked about that text again', async (t) => {
  const { pipeline, model, open } = await openEnrichment(t)
  const step = open()
  model.faults.set({ kind: 'ramble', times: null })
  for (let attempt = 0; attempt < 12; attempt++) {
    await pipeline.query(
      'update catalog.enrichment_work set due_at = now() where due_at is not null',
    )
    await step.work(RUNNING).catch(() => undefined)
  }
  assert.equal(model.stats.snapshot().requests['/v1/chat/completions'], 9)
  assert.equal(await step.hasWork(), false)
})

test('the requests of a day are counted over all processes', async (t) => {
  const { model, open } = await openEnrichment(t, { enrich: true }, { LLM_REQUESTS_PER_DAY: '2' })
  const steps = [open(), open()]
  for (let turn = 0; turn < 6; turn++)
    await Promise.all(steps.map((step) => step.work(RUNNING).catch(() => undefined)))
  assert.equal(model.stats.snapshot().requests['/v1/chat/completions'], 2)
})
