import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../../../test/support/http-server.ts'
import { SyncError } from '../../core/errors.ts'
import {
  createFetcherApp,
  createMaintainerApp,
  createMetricsApp,
  createOrchestratorApp,
  type ServerOptions,
} from './servers.ts'
import { SERVERS } from './routes.ts'

const NOTHING = {
  source: null,
  mode: 'auto',
  keys: null,
  artifact: null,
  chunkSize: null,
  offset: null,
  limit: null,
  debug: false,
}

/** The routes here call the operations, not the database. */
const createOrchestrator = (options: ServerOptions) =>
  createOrchestratorApp({ ...options, db: null as never })

test('POST /sync requests a run of every source or of one, and returns the path of the run', async (t) => {
  const { post, recorded } = await startServer(t, createOrchestrator)
  const all = await post('/sync')
  assert.equal(all.status, 202)
  assert.equal(all.headers.get('Location'), '/runs/1')
  assert.deepEqual(await all.json(), {
    run: 1,
    runs: [
      { source: 'one', run: 1, started: true },
      { source: 'two', run: 2, started: true },
    ],
    status: '/runs/1',
  })
  const order = {
    source: 'two',
    mode: 'maintain-only',
    artifact: 12,
    chunkSize: 100,
    offset: 3,
    limit: 7,
    debug: true,
  }
  assert.equal((await post('/sync', order)).headers.get('Location'), '/runs/2')
  assert.deepEqual(
    recorded.requests.map(({ request }) => request),
    [NOTHING, { ...order, keys: null }],
  )
})

test('a repeated request returns the same run as not started', async (t) => {
  const { post } = await startServer(t, createOrchestrator)
  const runs = []
  for (let i = 0; i < 2; i++)
    runs.push(await (await post('/sync', { source: 'one', mode: 'full' })).json())
  assert.deepEqual(
    runs,
    [true, false].map((started) => ({
      run: 1,
      runs: [{ source: 'one', run: 1, started }],
      status: '/runs/1',
    })),
  )
})

test('a request is validated strictly, and the error names every problem', async (t) => {
  const { post, recorded } = await startServer(t, createOrchestrator)
  const response = await post('/sync', {
    source: 'No Name',
    mode: 'half',
    chunkSize: 0,
    offset: -1,
    limit: 1.5,
    debug: 'yes',
    sauce: 'one',
  })
  assert.equal(response.status, 400)
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  assert.equal(error.code, 'request/invalid')
  for (const problem of [
    'source: ',
    'mode: ',
    'chunkSize: ',
    'offset: ',
    'limit: ',
    'debug: ',
    'unknown: sauce',
  ])
    assert.ok(error.message.includes(problem), problem)
  for (const body of [
    { chunkSize: '5000' },
    { chunkSize: 100_001 },
    { mode: 'fetch-only', limit: 5 },
    { offset: 1 },
    { artifact: 1 },
    { mode: 'maintain-only', artifact: 0 },
    { mode: null },
  ]) {
    assert.equal((await post('/sync', body)).status, 400, JSON.stringify(body))
  }
  assert.deepEqual(recorded.requests, [])
})

test('POST /sync refuses query parameters, and GET /status refuses a repeated one', async (t) => {
  const { sendRequest, post, recorded } = await startServer(t, createOrchestrator)
  for (const path of ['/sync?mode=fetch-only', '/runs/7/cancel?force=1'])
    assert.equal((await post(path)).status, 400, path)
  for (const path of ['/status?sauce=one', '/status?source=one&source=two'])
    assert.equal((await sendRequest(path)).status, 400, path)
  assert.deepEqual([recorded.requests, recorded.cancelled], [[], []])
})

test('an offset of 0 is the same as no offset', async (t) => {
  const { post, recorded } = await startServer(t, createOrchestrator)
  for (const mode of ['full', 'maintain-only'])
    assert.equal(
      (await post('/sync', { mode, chunkSize: 5000, offset: 0, limit: null, debug: false })).status,
      202,
    )
  assert.deepEqual(
    recorded.requests.map(({ request: { mode, offset } }) => [mode, offset]),
    [
      ['full', null],
      ['maintain-only', null],
    ],
  )
})

test('every path of every server needs the key, except /healthz and the private metrics', async (t) => {
  const open = [
    'fetcher GET /healthz',
    'maintainer GET /healthz',
    'orchestrator GET /healthz',
    'metrics GET /healthz',
    'metrics GET /metrics',
  ]
  const create = {
    fetcher: createFetcherApp,
    maintainer: createMaintainerApp,
    orchestrator: createOrchestrator,
    metrics: createMetricsApp,
  }
  for (const name of ['fetcher', 'maintainer', 'orchestrator', 'metrics'] as const) {
    for (const route of Object.keys(SERVERS[name].routes)) {
      // A new server each time, because failures add up to a ban.
      const { sendRequest } = await startServer(t, create[name])
      const [method = '', path = ''] = route.replace(':id', '1').split(' ')
      const statuses = await Promise.all(
        [{}, { 'X-ADMIN-KEY': 'wrong' }].map(
          async (headers) => (await sendRequest(path, { method, headers })).status,
        ),
      )
      assert.deepEqual(
        statuses,
        open.includes(`${name} ${route}`) ? [200, 200] : [401, 401],
        `${name} ${route}`,
      )
    }
  }
})

test('the fetcher requests a fetch, the maintainer the rest, with 5,000 records per transaction by default', async (t) => {
  const fetcher = await startServer(t, createFetcherApp)
  const maintainer = await startServer(t, createMaintainerApp)
  const fetched = await fetcher.post('/run', { source: 'one' })
  assert.deepEqual([fetched.status, fetched.headers.get('Location')], [202, null])
  assert.deepEqual(await fetched.json(), {
    run: 1,
    runs: [{ source: 'one', run: 1, started: true }],
    status: '/runs/1',
  })
  await maintainer.post('/run')
  await maintainer.post('/run', { source: 'two', chunkSize: 10, offset: 20, limit: 30 })
  const requests = [...fetcher.recorded.requests, ...maintainer.recorded.requests].map(
    ({ request }) => request,
  )
  assert.deepEqual(requests, [
    { ...NOTHING, source: 'one', mode: 'fetch-only' },
    { ...NOTHING, mode: 'maintain-only', chunkSize: 5000 },
    { ...NOTHING, source: 'two', mode: 'maintain-only', chunkSize: 10, offset: 20, limit: 30 },
  ])
  assert.equal((await fetcher.post('/run', { limit: 5 })).status, 400)
  assert.equal((await maintainer.post('/run', { mode: 'full' })).status, 400)
})

test('a request that cannot be fulfilled gets the reason', async (t) => {
  const { post, recorded } = await startServer(t, createOrchestrator)
  for (const [code, status] of [
    ['source/unknown', 404],
    ['source/paused', 409],
    ['run/active', 409],
  ] as const) {
    recorded.failure = new SyncError(code, 'the reason')
    const response = await post('/sync', { source: 'one' })
    assert.equal(response.status, status)
    assert.match(await response.text(), new RegExp(`"code":"${code}","message":"the reason"`))
  }
})

test('refused runs are listed beside started ones, and the status path is that of the first run', async (t) => {
  const runs = [
    { source: 'one', error: { code: 'run/no-artifact' as const, message: 'Fetch it first' } },
    { source: 'two', run: 2, started: true },
  ]
  const some = {
    requestRuns: () => Promise.resolve(runs),
    requestImport: () => assert.fail(),
    cancelRun: () => assert.fail(),
    checkHealth: () => assert.fail(),
  }
  const { post } = await startServer(t, createOrchestrator, { operations: some })
  const response = await post('/sync', { mode: 'maintain-only' })
  assert.deepEqual([response.status, response.headers.get('Location')], [202, '/runs/2'])
  assert.deepEqual(await response.json(), { run: 2, runs, status: '/runs/2' })
})

test('POST /sync without an active source is 404', async (t) => {
  const none = {
    requestRuns: () => Promise.resolve([]),
    requestImport: () => assert.fail(),
    cancelRun: () => assert.fail(),
    checkHealth: () => assert.fail(),
  }
  const { post } = await startServer(t, createOrchestrator, { operations: none })
  const response = await post('/sync')
  assert.deepEqual([response.status, response.headers.get('Location')], [404, null])
})

test('POST /runs/:id/cancel cancels that run', async (t) => {
  const { post, recorded } = await startServer(t, createOrchestrator)
  const response = await post('/runs/7/cancel')
  assert.deepEqual([response.status, await response.json()], [202, { run: 7, state: 'cancelled' }])
  assert.equal((await post('/runs/7/cancel', { force: true })).status, 400)
  for (const id of ['0', '-1', '1e3', '0x1', 'seven', '12345678901234567890', '%zz'])
    assert.equal((await post(`/runs/${id}/cancel`)).status, 400, id)
  assert.deepEqual(recorded.cancelled, [7])
})

test('health names failing components and is 503 then', async (t) => {
  const { sendRequest, recorded } = await startServer(t, createOrchestrator)
  const database = { component: 'database', ok: true, detail: 'Postgres 17.2', latencyMs: 2 }
  recorded.components = [database]
  const healthy = await sendRequest('/health')
  assert.deepEqual(
    [healthy.status, await healthy.json()],
    [200, { ok: true, broken: [], components: [database] }],
  )
  const queue = {
    component: 'queue',
    ok: false,
    detail: 'redis://u:planted@queue does not respond',
    latencyMs: 1000,
  }
  recorded.components = [database, queue]
  const failing = await sendRequest('/health')
  assert.equal(failing.status, 503)
  assert.deepEqual(await failing.json(), {
    ok: false,
    broken: ['queue'],
    components: [database, { ...queue, detail: 'redis://[redacted]@queue does not respond' }],
  })
})
