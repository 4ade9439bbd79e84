// refresh-worker in real Deno processes of both versions, against the simulator of Amazon and a
// real Postgres behind the stand-in for the Data API.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { purgeSource } from '../../src/pipeline/purge.ts'
import { GET_ITEMS } from '../support/amazon.ts'
import { startDataApi } from '../support/data-api.ts'
import { openTestDatabase } from '../support/database.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { ESP32, openFunctionSource } from './function-source.ts'
import {
  CRON_TOKEN,
  DENOS,
  explainMissingDeno,
  readLog,
  startFunction,
  type Deno,
} from './edge-function.ts'

const database = await openTestDatabase()

async function open(t: TestContext, deno: Deno, env: Record<string, string> = {}) {
  const api = await startDataApi(t, database)
  const source = await openFunctionSource(t, database, { products: 25 })
  const worker = await startFunction(t, 'refresh-worker', { deno, api, env })
  return { api, worker, ...source }
}

for (const deno of DENOS) {
  const skip = explainMissingDeno(deno)

  test(
    `${deno}: due products are refreshed in batches of ten, and equal those of a sync by Node`,
    { skip },
    async (t) => {
      const { worker, simulator, pipeline, keys, makeDue, api } = await open(t, deno)
      await pipeline.syncKeys(keys)
      await makeDue(keys)
      simulator.update(keys[3] ?? '', { priceMinor: 4_321 })
      const { status, body, headers } = await worker.call({
        headers: { 'x-cron-token': CRON_TOKEN, 'x-correlation-id': 'mine' },
      })
      assert.equal(status, 200, JSON.stringify(body) + worker.process.output())
      const { due, refreshed, failed, left, updated, unchanged } = body
      assert.deepEqual([due, refreshed, failed, left], [25, 25, 0, 0])
      assert.deepEqual([updated, unchanged], [1, 24])
      assert.equal((body['runs'] as number[]).length, 3)
      assert.equal(headers.get('x-correlation-id'), 'mine')
      assert.ok(readLog(worker).every(({ cid }) => cid === 'mine'))
      const runs = await pipeline.query<{ cid: string; key: string }>(
        `select r.correlation_id as cid, left(p.key, 30) as key
       from catalog.runs r join catalog.parts p on p.source_id = r.source_id and p.run_id = r.id
       where r.id = any ($1)`,
        body['runs'],
      )
      assert.deepEqual(
        runs,
        Array.from({ length: 3 }, () => ({ cid: 'mine', key: 'data:application/gzip;base64,H' })),
      )
      assert.ok(api.calls.every(({ body: sent }) => sent.length < 500_000))
      const again = await worker.call({ headers: { 'x-cron-token': CRON_TOKEN } })
      assert.deepEqual([again.body['due'], again.body['runs']], [0, []])
    },
  )

  test(
    `${deno}: a function that is killed after its bytes were archived is resumed by the next one, which requests nothing again`,
    { skip },
    async (t) => {
      const { api, worker, simulator, pipeline, keys, makeDue } = await open(t, deno)
      const batch = keys.slice(0, 10)
      await pipeline.syncKeys(batch)
      await makeDue(batch)
      for (const key of batch) simulator.update(key, { priceMinor: 7_777 })
      const archived = Promise.withResolvers<void>()
      api.trouble = ({ name }) => (name === 'write_batch' ? (archived.resolve(), 'before') : null)
      const killed = worker.call().catch(() => null)
      await archived.promise
      worker.process.kill('SIGKILL')
      await worker.process.exited
      await killed
      api.trouble = () => null
      await pipeline.expireLease()
      const before = simulator.stats.snapshot().requests[GET_ITEMS]
      const next = await startFunction(t, 'refresh-worker', { deno, api })
      const { body } = await next.call()
      // Three of the items have no offer.
      assert.deepEqual([body['refreshed'], body['updated']], [10, 7], next.process.output())
      assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], before)
    },
  )

  test(
    `${deno}: what a function has archived is replayed by Node without a change, and a purge removes it`,
    { skip },
    async (t) => {
      const { worker, pipeline, keys, makeDue } = await open(t, deno)
      await pipeline.syncKeys(keys)
      await makeDue(keys.slice(0, 10))
      const { body } = await worker.call()
      const [run = 0] = body['runs'] as number[]
      const replayed = await pipeline.replay(run)
      assert.deepEqual([replayed.state, replayed.ledger.fetched], ['succeeded', 10])
      assert.deepEqual([replayed.ledger.created, replayed.ledger.updated], [0, 0])
      const { purged } = await purgeAll(pipeline)
      assert.ok(purged.includes(run))
      const [part] = await pipeline.query<{ key: string }>(
        'select key from catalog.parts where run_id = $1',
        run,
      )
      assert.equal(part?.key, 'data:application/x-ndjson;base64,')
    },
  )

  test(
    `${deno}: a product is imported and the health is shown, with the network of this machine only`,
    { skip },
    async (t) => {
      const { api } = await open(t, deno)
      const importer = await startFunction(t, 'import-product', { deno, api })
      const { status, body } = await importer.call({ body: { asin: ESP32 } })
      assert.deepEqual([status, body['state']], [200, 'created'], importer.process.output())
      const again = await importer.call({ body: { asin: ESP32 } })
      assert.deepEqual(
        [again.body['state'], again.body['productId']],
        ['unchanged', body['productId']],
      )
      const refused = await importer.call({ headers: { apikey: api.keys.publishable } })
      assert.equal(refused.status, 403)
      const health = await startFunction(t, 'health-check', { deno, api })
      const state = await health.call({ method: 'GET' })
      assert.deepEqual([state.status, state.body['status']], [200, 'up'], health.process.output())
      const output = importer.process.output() + health.process.output()
      for (const secret of [api.keys.secret, DEFAULTS.credential.secret, CRON_TOKEN])
        assert.ok(!output.includes(secret))
    },
  )
}

async function purgeAll(pipeline: TestPipeline): Promise<{ purged: readonly number[] }> {
  const { tools } = pipeline
  const { runs } = await purgeSource(tools, await pipeline.source(), 'none')
  return { purged: runs }
}
