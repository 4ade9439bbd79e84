// Items of Amazon through the whole pipeline into a real Postgres: imported, renewed, unavailable,
// returned.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AmazonOptions } from '../../../simulators/amazon/server.ts'
import { toAsin } from '../../../simulators/amazon/product.ts'
import { openAmazonPipeline, type AmazonPipeline } from '../../../test/support/amazon-pipeline.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { countOutcomes, type TestPipeline } from '../../../test/support/pipeline.ts'

const { pool: db } = await openTestDatabase()
const KEYS = Array.from({ length: 12 }, (_, at) => toAsin(at))
const [ESP32 = ''] = KEYS

function open(t: TestContext, simulator: AmazonOptions = {}): Promise<AmazonPipeline> {
  return openAmazonPipeline(t, { db, simulator })
}

async function findProduct(pipeline: TestPipeline, asin: string) {
  const [row] = await pipeline.query<{
    status: string
    title: string | null
    hours: number | null
    changed: Date
    available: Date | null
    amount: string | null
    reason: string | null
    run: string
  }>(
    `select p.status, p.title, p.changed_at as changed, p.last_available_at as available,
       extract(epoch from p.expires_at - now())::float / 3600 as hours, r.amount_minor as amount,
       p.attributes ->> 'unavailable_reason' as reason, p.run_id as run
     from catalog.products p left join catalog.prices r on r.source_id = p.source_id
       and r.product_external_id = p.external_id and r.state = 'current'
     where p.source_id = $1 and p.external_id = $2`,
    (await pipeline.source()).id,
    asin,
  )
  assert.ok(row)
  return row
}

test('an import stores items for 24 hours, and a refresh renews that time without a change', async (t) => {
  const { simulator, pipeline } = await open(t)
  assert.deepEqual(countOutcomes(await pipeline.syncKeys(KEYS)), { created: 12 })
  const first = await findProduct(pipeline, ESP32)
  assert.deepEqual([first.status, Number(first.amount)], ['active', 1_500])
  assert.ok((first.hours ?? 0) > 23.9 && (first.hours ?? 0) <= 24)
  const { id } = await pipeline.source()
  await pipeline.query(
    `update catalog.products set expires_at = now() + interval '1 hour' where source_id = $1`,
    id,
  )
  const again = await pipeline.syncKeys(KEYS)
  assert.deepEqual(countOutcomes(again), { unchanged: 12 })
  const renewed = await findProduct(pipeline, ESP32)
  assert.ok((renewed.hours ?? 0) > 23.9, `it expires in ${renewed.hours} hours`)
  assert.deepEqual(renewed.changed, first.changed)
  assert.equal(Number(renewed.run), again.run)
  simulator.update(ESP32, { priceMinor: 1_700 })
  assert.deepEqual(countOutcomes(await pipeline.syncKeys(KEYS)), { updated: 1, unchanged: 11 })
  assert.equal(Number((await findProduct(pipeline, ESP32)).amount), 1_700)
})

test('an item that Amazon refuses or omits becomes unavailable with the reason, and active when it returns', async (t) => {
  const { simulator, pipeline } = await open(t)
  await pipeline.syncKeys(KEYS)
  for (const [switches, reason] of [
    [{ refused: { [ESP32]: 'ItemNotAccessible' } }, 'ItemNotAccessible'],
    [{ omitted: [ESP32] }, 'Missing'],
  ] as const) {
    simulator.set(switches)
    assert.deepEqual(countOutcomes(await pipeline.syncKeys(KEYS)), { updated: 1, unchanged: 11 })
    const gone = await findProduct(pipeline, ESP32)
    assert.deepEqual([gone.status, gone.title, gone.amount], ['unavailable', null, null])
    assert.equal(gone.reason, reason)
    assert.ok(gone.available)
    simulator.set({ refused: {}, omitted: [] })
    await pipeline.syncKeys(KEYS)
    const returned = await findProduct(pipeline, ESP32)
    assert.deepEqual([returned.status, returned.available], ['active', null])
  }
})

test('an account without sales ends the run with its own error and leaves the breaker closed', async (t) => {
  const { simulator, pipeline } = await open(t, { isEligible: false })
  for (let run = 0; run < 6; run++) {
    const { state, error } = await pipeline.syncKeys(KEYS)
    assert.deepEqual([state, Object(error).code], ['failed', 'source/not-eligible'])
  }
  simulator.set({ isEligible: true })
  assert.equal((await pipeline.syncKeys(KEYS)).state, 'succeeded')
})

test('five failures within a minute stop all requests', async (t) => {
  const { simulator, pipeline } = await open(t)
  simulator.faults.set({ kind: 'status', status: 500, path: '/getItems*', times: null })
  const states: string[] = []
  for (let run = 0; run < 2; run++) {
    const { error } = await pipeline.syncKeys(KEYS)
    states.push(String(Object(error).code))
  }
  // Four attempts of the first batch, and one of the second.
  assert.deepEqual(states, ['source/circuit-open', 'source/circuit-open'])
  assert.equal(simulator.stats.snapshot().requests['/catalog/v1/getItems'], 5)
})

test('a run without named items says how to name them, and makes no request', async (t) => {
  const { simulator, pipeline } = await open(t)
  await assert.rejects(pipeline.sync(), /cannot list its products\. Name them: .* --keys/)
  assert.deepEqual(simulator.stats.snapshot().requests, {})
})
