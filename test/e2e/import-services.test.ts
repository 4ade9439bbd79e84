// POST /import and the workers behind it: an import waits behind no other task, and is never
// refused because its source is busy.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { toAsin } from '../../simulators/amazon/product.ts'
import { createOrchestratorApp, type ServerOptions } from '../../src/http/control/servers.ts'
import { requestImport } from '../../src/jobs/request-import.ts'
import { openTestDatabase } from '../support/database.ts'
import { startServer, type TestServer } from '../support/http-server.ts'
import { openImporting, type Importing } from '../support/imports.ts'
import { openBreaker } from '../support/requests.ts'
import { openServices, type TestServices } from '../support/services.ts'
import { waitUntil } from '../support/wait-until.ts'

const database = await openTestDatabase()
const ESP32 = toAsin(0)

interface Opened extends Importing, Pick<TestServer, 'post' | 'sendRequest'> {
  readonly services: TestServices
}

async function open(t: TestContext): Promise<Opened> {
  const importing = await openImporting(t, database.pool)
  const services = await openServices(t, database, importing.pipeline)
  const create = (options: ServerOptions) =>
    createOrchestratorApp({ ...options, db: database.pool })
  const operations: ServerOptions['operations'] = {
    requestRuns: () => assert.fail(),
    requestImport: (request, cid) => requestImport({ ...services.tools, values: {} }, request, cid),
    cancelRun: () => assert.fail(),
    checkHealth: () => assert.fail(),
  }
  const { post, sendRequest } = await startServer(t, create, { operations })
  return { ...importing, services, post, sendRequest }
}

const bodyOf = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>

test('an import ends while two refreshes of its source stand still, one in the only slot and one behind it', async (t) => {
  const { simulator, pipeline, services, post, sendRequest } = await open(t)
  const source = pipeline.name
  // The second refresh has the key of the import, and is not taken for it.
  const stalled = [toAsin(1), ESP32]
  simulator.faults.set({ kind: 'stall', path: `/getItems?first=${toAsin(1)}`, times: null })
  const refreshes: number[] = []
  for (const asin of stalled)
    refreshes.push((await services.requestRun({ source, keys: [asin] })).run)
  services.startWorkers()
  await waitUntil(async () => (await services.queues.fetch.getActiveCount()) === 1)
  const response = await post('/import?wait=20', { asin: ESP32, source })
  const body = await bodyOf(response)
  assert.deepEqual([response.status, body['state'], body['errors']], [200, 'succeeded', []])
  assert.partialDeepStrictEqual(body['imports'], [{ asin: ESP32, state: 'created' }])
  assert.ok(!refreshes.includes(Number(body['run'])))
  const states = await pipeline.query<{ state: string }>(
    'select state from catalog.runs where id = any ($1)',
    refreshes,
  )
  assert.deepEqual(states, [{ state: 'running' }, { state: 'running' }])
  assert.equal(response.headers.get('Location'), body['status'])
  const details = await bodyOf(await sendRequest(String(body['status'])))
  assert.deepEqual(details['imports'], body['imports'])
  simulator.faults.clear()
  for (const run of refreshes) assert.equal((await services.waitForEnd(run)).state, 'succeeded')
})

test('the same import again is the same run while it is active, and wait ends without a result in time', async (t) => {
  const { pipeline, post } = await open(t)
  const request = { items: ['b08dqq8cbp', ESP32], source: pipeline.name }
  const first = await post('/import', request)
  const second = await post('/import?wait=0', { asin: ESP32, source: pipeline.name })
  assert.deepEqual([first.status, second.status], [202, 202])
  assert.deepEqual(await bodyOf(first), await bodyOf(second))
})

test('a request that names no product, or no source, is refused before there is a run', async (t) => {
  const { pipeline, post } = await open(t)
  const source = pipeline.name
  for (const [path, request, status, message] of [
    ['/import', { items: [ESP32, 'B08'], source }, 400, /items\.1: "B08" is not an ASIN/],
    ['/import', { asin: 'https://amzn.to/x', source }, 400, /asin: amzn\.to is a short link/],
    ['/import', { source }, 400, /items: set either asin or items/],
    ['/import', { asin: ESP32, items: [ESP32] }, 400, /set either asin or items/],
    ['/import?wait=31', { asin: ESP32, source }, 400, /wait/],
    ['/import', { asin: ESP32, keys: [] }, 400, /keys/],
    ['/import', { asin: ESP32, source: 'nothing' }, 404, /Source nothing does not exist/],
    [
      '/import',
      { asin: ESP32, marketplace: 'www.amazon.de' },
      404,
      /add amazon --marketplace www\.amazon\.de/,
    ],
    ['/import', { asin: ESP32, marketplace: 'amazon' }, 400, /must be a marketplace/],
  ] as const) {
    const response = await post(path, request)
    assert.equal(response.status, status, JSON.stringify(request))
    assert.match(JSON.stringify(await response.json()).replaceAll('\\"', '"'), message)
  }
  const runs = await pipeline.query(
    'select from catalog.runs r join catalog.sources s on s.id = r.source_id where s.name = $1',
    source,
  )
  assert.equal(runs.length, 0)
})

test('an open circuit is 503 at once, and starts no run', async (t) => {
  const { simulator, pipeline, post } = await open(t)
  await openBreaker(database.pool, { scope: 'amazon', key: `${new URL(simulator.url).host}/NA` })
  const response = await post('/import?wait=20', { asin: ESP32, source: pipeline.name })
  assert.equal(response.status, 503)
  const text = await response.text()
  assert.match(text, /source\/circuit-open.*failed 5 times.* until 20\d\d-\d\d-\d\dT/)
  assert.match(response.headers.get('Retry-After') ?? '', /^[1-9]\d*$/)
  assert.deepEqual(simulator.stats.snapshot().requests, {})
})
