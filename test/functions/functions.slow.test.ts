// The edge functions called in this process, against the simulator of Amazon and a real Postgres
// behind the stand-in for the Data API. The slow tests beside this run them in Deno.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AmazonOptions, AmazonSimulator } from '../../simulators/amazon/server.ts'
import type { EdgeFunction } from '../../src/edge/function.ts'
import { amazon } from '../../src/connectors/amazon/connector.ts'
import { AmazonSettings } from '../../src/connectors/amazon/settings.ts'
import { sourceVariable } from '../../src/core/credentials.ts'
import { healthCheck } from '../../src/edge/health-check.ts'
import { importProduct } from '../../src/edge/import-product.ts'
import { refreshWorker } from '../../src/edge/refresh-worker.ts'
import { serveFunction } from '../../src/edge/serve-function.ts'
import { GET_ITEMS } from '../support/amazon.ts'
import { startDataApi } from '../support/data-api.ts'
import { openTestDatabase } from '../support/database.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { functionEnv } from './edge-function.ts'
import { openFunctionSource } from './function-source.ts'

const database = await openTestDatabase()
const { pool: db } = database

async function open(t: TestContext, options: AmazonOptions = {}) {
  const api = await startDataApi(t, database)
  const source = await openFunctionSource(t, database, options)
  await db.query('delete from catalog.circuit_breakers')
  const env: Record<string, string | undefined> = functionEnv(api)
  const lines: string[] = []
  let nowMs = Date.now()
  const call = async <Body>(fn: EdgeFunction<Body>, body?: unknown, headers = {}) => {
    const serve = serveFunction(fn, {
      read: (name) => env[name],
      write: (line) => lines.push(line),
      now: () => nowMs,
    })
    const response = await serve(
      new Request('https://edge', {
        method: fn.method,
        headers: { apikey: api.keys.secret, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
    return { status: response.status, body: await response.json() }
  }
  const pass = (ms: number): void => void (nowMs += ms)
  return { api, env, lines, call, pass, ...source }
}

/**
 * As five failures within a minute leave it: a batch alone would need seconds between its attempts.
 */
async function openBreaker(pipeline: TestPipeline, { url }: AmazonSimulator): Promise<void> {
  const settings = AmazonSettings.parse((await pipeline.source()).settings)
  const rules = amazon.rules?.({ url: new URL(url + GET_ITEMS), settings, credentials: null })
  await db.query(
    `insert into catalog.circuit_breakers (scope, key, version, state, failed_at, failures, opened_at, retry_at,
       cooldown_ms, changed_at)
     values ('amazon', $1, 1, 'open', '{}', 5, now(), now() + interval '5 minutes', 300000, now())`,
    [rules?.breaker?.key],
  )
}

test('a refresh ends when its time is over, and the next one continues with the rest', async (t) => {
  const { call, keys, pipeline, makeDue, pass } = await open(t, { products: 25 })
  await pipeline.syncKeys(keys)
  await makeDue(keys)
  // The invocation begins so long ago that it has no time left.
  pass(-3_600_000)
  const late = await call(refreshWorker)
  assert.deepEqual([late.status, late.body.due, late.body.refreshed], [200, 25, 0])
  assert.deepEqual([late.body.left, late.body.stopped], [25, { [pipeline.name]: 'time' }])
  pass(3_600_000)
  const first = await call(refreshWorker, { limit: 10 })
  assert.deepEqual([first.body.due, first.body.refreshed, first.body.left], [10, 10, 0])
  const rest = await call(refreshWorker, { source: pipeline.name })
  assert.deepEqual([rest.body.due, rest.body.refreshed, rest.body.left], [15, 15, 0])
})

test('a refresh stops at the first batch while the circuit breaker is open, and sends nothing', async (t) => {
  const { call, keys, pipeline, makeDue, simulator } = await open(t, { products: 25 })
  await pipeline.syncKeys(keys)
  await makeDue(keys)
  await openBreaker(pipeline, simulator)
  const before = simulator.stats.snapshot().requests[GET_ITEMS]
  const { status, body } = await call(refreshWorker)
  assert.deepEqual([status, body.due, body.refreshed], [200, 25, 0])
  assert.deepEqual(body.stopped, { [pipeline.name]: 'source/circuit-open' })
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], before)
  const health = await call(healthCheck)
  assert.deepEqual([health.status, health.body.components.breaker.state], [503, 'open'])
  assert.equal(health.body.components.database.state, 'up')
})

test('a refresh requests nothing when the quota of the day is used up', async (t) => {
  const { call, keys, pipeline, makeDue, simulator } = await open(t, { products: 40 })
  await pipeline.syncKeys(keys)
  await makeDue(keys)
  const { id } = await pipeline.source()
  // The first sync has used four requests.
  await db.query('update catalog.source_quotas set per_day = 4 where source_id = $1', [id])
  const before = simulator.stats.snapshot().requests[GET_ITEMS]
  const { body } = await call(refreshWorker)
  assert.deepEqual([body.refreshed, body.stopped], [0, { [pipeline.name]: 'quota' }])
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], before)
})

test('two sources share the products of one refresh', async (t) => {
  const { call, keys, pipeline, makeDue } = await open(t, { products: 25 })
  const other = await openFunctionSource(t, database, { products: 25 })
  await db.query(`update catalog.sources set state = 'active' where name = any ($1)`, [
    [pipeline.name, other.pipeline.name],
  ])
  for (const one of [{ pipeline, keys, makeDue }, other]) {
    await one.pipeline.syncKeys(one.keys)
    await one.makeDue(one.keys)
  }
  const { body } = await call(refreshWorker, { limit: 20 })
  assert.equal(body.refreshed, 20)
  const refreshed = await db.query<{ count: number }>(
    `select count(*)::int as count from catalog.product_reads r join catalog.sources s on s.id = r.source_id
     where s.name = any ($1) and r.due_at > now() group by s.id`,
    [[pipeline.name, other.pipeline.name]],
  )
  assert.deepEqual(
    refreshed.rows.map(({ count }) => count),
    [10, 10],
  )
})

test('a bad record or a refused item stops neither its batch nor the others', async (t) => {
  const { call, keys, pipeline, makeDue, simulator } = await open(t, { products: 12 })
  await pipeline.syncKeys(keys)
  await makeDue(keys)
  simulator.set({ refused: { [keys[0] ?? '']: 'ItemNotAccessible' } })
  const { body } = await call(refreshWorker)
  assert.deepEqual([body.due, body.refreshed, body.updated, body.unchanged], [12, 12, 1, 11])
})

test('a refresh of an unknown source is refused, and one without any source does nothing', async (t) => {
  const { call } = await open(t)
  const { status, body } = await call(refreshWorker, { source: 'other' })
  assert.deepEqual([status, body.error.code], [404, 'source/unknown'])
  await db.query(`update catalog.sources set state = 'paused'`)
  assert.equal((await call(refreshWorker)).body.due, 0)
})

test('health-check responds 200 with the state of each part, and requests no item', async (t) => {
  const { call, simulator, pipeline } = await open(t)
  const { status, body } = await call(healthCheck)
  assert.deepEqual(
    [status, body],
    [
      200,
      {
        status: 'up',
        components: {
          database: { state: 'up' },
          supplier: { state: 'up' },
          breaker: { state: 'closed' },
          schedule: { state: 'none', requestedAt: null, status: null, error: null },
        },
      },
    ],
  )
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], undefined)
  assert.ok(pipeline.name)
})

test('health-check responds 503 with the reason when the supplier, the credential or the database is down', async (t) => {
  const { call, env, api, simulator } = await open(t)
  env['AMAZON_CREDENTIAL_SECRET'] = 'wrong'
  const refused = await call(healthCheck)
  assert.deepEqual(
    [refused.status, refused.body.components.supplier.code],
    [503, 'source/unauthorized'],
  )
  delete env['AMAZON_CREDENTIAL_SECRET']
  const missing = await call(healthCheck)
  assert.equal(missing.body.components.supplier.code, 'settings/invalid')
  api.trouble = () => ({ status: 503, body: '<html>' })
  const lost = await call(healthCheck)
  assert.deepEqual(
    [lost.status, lost.body.components.database.code, lost.body.components.supplier],
    [503, 'db/unreachable', null],
  )
  api.trouble = () => null
  await simulator.close()
  const down = await call(healthCheck)
  assert.equal(down.status, 503)
  await db.query(`update catalog.sources set state = 'paused'`)
  const none = await call(healthCheck)
  assert.equal(none.body.components.supplier.code, 'source/unknown')
})

test('requests go to the addresses of the source only', async (t) => {
  const { call, simulator, env, makeDue, keys, pipeline } = await open(t)
  await pipeline.syncKeys(keys)
  await makeDue(keys)
  env['ALLOW_PRIVATE_HOSTS'] = undefined
  const before = simulator.stats.snapshot().requests
  const { body } = await call(refreshWorker)
  assert.deepEqual(body.stopped, { [pipeline.name]: 'source/address-refused' })
  assert.deepEqual(simulator.stats.snapshot().requests, before)
})

test('an import names the product, or says what is wrong with the ASIN or the marketplace', async (t) => {
  const { call } = await open(t)
  for (const [body, status, message] of [
    [{ asin: 'B08' }, 400, /is not an ASIN/],
    [{}, 400, /asin/],
    [{ asin: 'B08DQQ8CBP', marketplace: 'www.amazon.de' }, 404, /No source of www\.amazon\.de/],
  ] as const) {
    const response = await call(importProduct, body)
    assert.equal(response.status, status)
    assert.match(response.body.error.message, message)
  }
})

test('a secret that only one source has reaches neither a response nor the log', async (t) => {
  const { call, env, lines, pipeline } = await open(t)
  const secret = 'only-of-this-source-0123456789'
  env[sourceVariable(pipeline.name, 'credentialId')] = 'an-id-of-this-source'
  env[sourceVariable(pipeline.name, 'credentialSecret')] = secret
  const { status, body } = await call(importProduct, { asin: secret })
  assert.deepEqual([status, body.error.code], [400, 'request/invalid'])
  assert.match(body.error.message, /\[redacted\]/)
  for (const text of [JSON.stringify(body), ...lines]) assert.ok(!text.includes(secret))
})

test('an imported product has its id, its state and the fields that Amazon states, and a second import updates it', async (t) => {
  const { call, simulator, pipeline } = await open(t)
  const imported = await call(importProduct, { asin: 'https://www.amazon.com/dp/B08DQQ8CBP?th=1' })
  assert.equal(imported.status, 200, JSON.stringify(imported.body))
  const { productId, state, asin, marketplace, missing } = imported.body
  assert.deepEqual([asin, marketplace, state], ['B08DQQ8CBP', 'www.amazon.com', 'created'])
  assert.ok(imported.body.imported.includes('title'))
  assert.ok(missing.includes('description') && missing.includes('star_rating'))
  const [row] = await pipeline.query<{ id: string; kind: string }>(
    `select p.id::text, r.kind from api.amazon_products p, catalog.runs r where p.id = $1 and r.id = $2`,
    productId,
    imported.body.run,
  )
  assert.deepEqual(row, { id: productId, kind: 'import' })
  simulator.update('B08DQQ8CBP', { priceMinor: 2_345 })
  const again = await call(importProduct, { asin: 'b08dqq8cbp', marketplace: 'www.amazon.com' })
  assert.deepEqual([again.body.productId, again.body.state], [productId, 'updated'])
  const third = await call(importProduct, { asin: 'B08DQQ8CBP' })
  assert.equal(third.body.state, 'unchanged')
})

test('an import of an ASIN that Amazon does not have says so, and keeps nothing', async (t) => {
  const { call, pipeline } = await open(t)
  const { status, body } = await call(importProduct, { asin: 'B0NOTHERE1' })
  assert.deepEqual([status, body.state, body.error.code], [404, 'failed', 'source/no-product'])
  assert.ok(body.error.message.length > 10 && body.error.hint.length > 10)
  const rows = await pipeline.query(
    'select from catalog.products where external_id = $1',
    'B0NOTHERE1',
  )
  assert.equal(rows.length, 0)
})

test('an import while the circuit breaker is open responds at once with the time of the next test', async (t) => {
  const { call, pipeline, simulator } = await open(t)
  await openBreaker(pipeline, simulator)
  const { status, body } = await call(importProduct, { asin: 'B08DQQ8CBP' })
  assert.deepEqual([status, body.error.code], [503, 'source/circuit-open'])
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], undefined)
})
