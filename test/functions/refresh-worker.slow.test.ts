// refresh-worker in real Deno processes of both versions, against the simulator of Amazon and a real Postgres
// behind the stand-in for the Data API.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startDataApi } from '../support/data-api.ts'
import { openTestDatabase } from '../support/database.ts'
import { openFunctionSource } from './function-source.ts'
import { CRON_TOKEN, DENOS, readLog, startFunction, type Deno } from './edge-function.ts'

const database = await openTestDatabase()

async function open(t: TestContext, deno: Deno, env: Record<string, string> = {}) {
  const api = await startDataApi(t, database)
  const source = await openFunctionSource(t, database, { products: 25 })
  const worker = await startFunction(t, 'refresh-worker', { deno, api, env })
  return { api, worker, ...source }
}

for (const deno of DENOS) {
  test(`${deno}: due products are refreshed in batches of ten, and equal those of a sync by Node`, async (t) => {
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
  })
}
