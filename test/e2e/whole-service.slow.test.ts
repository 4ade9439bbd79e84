// One process with every role, over Supabase Storage and a queue on Redis, configured by settings:
// its events appear in metrics, health and log, and every setting takes effect.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { SECRET_KEY, startStorage } from '../../simulators/storage/server.ts'
import { listSeries } from '../support/exposition.ts'
import { startProxy, routeThrough } from '../support/faulty-proxy.ts'
import { explainMissingProgram } from '../support/processes.ts'
import { startRedis } from '../support/redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { ADMIN_KEY, openFleet, type Machine } from './fleet.ts'

const ADMIN_KEY_NEXT = 'the-key-of-tomorrow-0123456789'
const SYNC_KEYS = { SYNC_KEY: 'a-sync-key-0123456789', SYNC_KEY_NEXT: 'a-next-sync-key-0123456789' }
const BUCKET = 'medipim-raw'

/**
 * A supplier, a storage, and a fleet that knows the Supabase project and no other place for
 * artifacts.
 */
async function openWhole(t: TestContext, queueUrl: string | null = null) {
  const simulator = await startMedipim({ products: 60, rateLimit: null })
  t.after(simulator.close)
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-whole-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const storage = await startStorage({ folder })
  t.after(storage.close)
  const fleet = await openFleet(t, { supplierUrl: simulator.url, queueUrl, smallParts: false })
  const project = { ARTIFACTS: '', SUPABASE_URL: storage.url, SUPABASE_SECRET_KEY: SECRET_KEY }
  return { simulator, storage, fleet, project }
}

function sendRequest(
  { ports }: Machine,
  path: string,
  headers: Record<string, string> = { 'X-ADMIN-KEY': ADMIN_KEY },
): Promise<Response> {
  return fetch(`http://127.0.0.1:${ports['orchestrator']}${path}`, { headers })
}

async function metricsOf({ ports }: Machine): Promise<string> {
  return (await fetch(`http://127.0.0.1:${ports['metrics']}/metrics`)).text()
}

const sum = (series: Readonly<Record<string, number>>): number =>
  Object.values(series).reduce((total, value) => total + value, 0)

test("the metrics show a run's requests, waits, connections and dead letters, and its copy is in the bucket", async (t) => {
  const { simulator, storage, fleet, project } = await openWhole(t)
  const machine = await fleet.serve([], { ...project, ARTIFACTS_LATEST: 'true' })
  simulator.faults.set({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '1' },
    path: '/v4/products/stream',
  })
  storage.faults.set({ kind: 'status', status: 503, path: 'POST /upload/resumable*', times: 8 })
  const { state } = await fleet.waitForEnd(await fleet.requestRun(machine))
  assert.equal(state, 'succeeded')
  await waitUntil(
    () => storage.objects.find(BUCKET, `${fleet.pipeline.name}/latest.ndjson`) !== null,
  )

  simulator.faults.set({ kind: 'status', status: 401, times: null })
  assert.equal((await fleet.waitForEnd(await fleet.requestRun(machine, 'full'))).state, 'failed')
  await waitUntil(
    async () =>
      listSeries(await metricsOf(machine), 'shelfsync_queue_jobs')[
        'queue="fetch",state="failed"'
      ] === 1,
  )
  const metrics = await metricsOf(machine)
  const requests = listSeries(metrics, 'shelfsync_source_requests_total')
  assert.deepEqual(
    ['ok', 'rate_limited', 'refused'].map(
      (result) => (requests[`connector="medipim",result="${result}"`] ?? 0) > 0,
    ),
    [true, true, true],
  )
  assert.ok(
    (listSeries(metrics, 'shelfsync_limit_wait_seconds_total')['connector="medipim"'] ?? 0) >= 1,
  )
  assert.ok(
    (listSeries(metrics, 'shelfsync_backpressure_seconds_total')['reason="store_unwritable"'] ??
      0) > 0,
  )
  assert.ok(sum(listSeries(metrics, 'shelfsync_database_connections')) > 0)
})

test('current and next keys are accepted, and failures of one caller behind the proxy block its wrong keys', async (t) => {
  const { fleet, project } = await openWhole(t)
  const machine = await fleet.serve(['orchestrator'], {
    ...project,
    ADMIN_KEY_NEXT,
    ...SYNC_KEYS,
    TRUST_FLY_HEADER: 'true',
  })
  const statusFor = async (key: string, caller: string) =>
    (await sendRequest(machine, '/status', { 'X-ADMIN-KEY': key, 'Fly-Client-IP': caller })).status
  for (const key of [ADMIN_KEY, ADMIN_KEY_NEXT, ...Object.values(SYNC_KEYS)])
    assert.equal(await statusFor(key, '203.0.113.1'), 200)
  const tries = []
  for (let nth = 0; nth < 6; nth++)
    tries.push(await statusFor('a-wrong-key-0123456789', '203.0.113.7'))
  assert.deepEqual(tries, [401, 401, 401, 401, 401, 429])
  assert.deepEqual(
    [await statusFor(ADMIN_KEY, '203.0.113.7'), await statusFor(ADMIN_KEY, '203.0.113.1')],
    [200, 200],
  )
  const failures = listSeries(await metricsOf(machine), 'shelfsync_auth_failures_total')
  assert.deepEqual([failures['reason="wrong"'], (failures['reason="limited"'] ?? 0) > 0], [5, true])
})

test(
  '/health names an unavailable store, queue or database',
  { skip: explainMissingProgram('redis-server', 'redis-server') },
  async (t) => {
    const redis = await startRedis(t)
    const { storage, fleet, project } = await openWhole(t, redis.url)
    const proxy = await startProxy(t, fleet.database.url)
    const machine = await fleet.serve([], {
      ...project,
      DATABASE_URL: routeThrough(fleet.database.url, proxy),
    })
    const broken = async () => {
      const response = await sendRequest(machine, '/health')
      return [response.status, ((await response.json()) as { broken: string[] }).broken]
    }
    assert.deepEqual(await broken(), [200, []])
    storage.faults.set({ kind: 'status', status: 503, times: null })
    assert.deepEqual(await broken(), [503, ['artifacts']])
    storage.faults.clear()
    await proxy.cut()
    assert.deepEqual(await broken(), [503, ['database']])
    await proxy.resume()
    await redis.stop()
    assert.deepEqual(await broken(), [503, ['queue', 'fetcher', 'maintainer']])
  },
)

test('a bucket whose limit is below a part is refused at start, with both sizes', async (t) => {
  const { storage, fleet, project } = await openWhole(t)
  const [small, limit] = ['too-small', 10 * 1024 * 1024]
  storage.objects.saveBucket({
    id: small,
    name: small,
    public: false,
    file_size_limit: limit,
    allowed_mime_types: null,
    created_at: '',
    updated_at: '',
  })
  await assert.rejects(
    fleet.serve(['fetcher'], { ...project, BUCKET: small }),
    /too-small.* accepts files of at most 10 MiB, but a part can have 32 MiB/,
  )
})
