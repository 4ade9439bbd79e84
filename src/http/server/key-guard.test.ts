import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  serverOptions,
  KEY,
  startServer,
  type TestServer,
} from '../../../test/support/http-server.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import { ERRORS } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import { createNetworks } from '../../node/networks.ts'
import { SERVERS, type ServerName } from '../control/routes.ts'
import {
  createFetcherApp,
  createMaintainerApp,
  createOrchestratorApp,
  type ServerOptions,
} from '../control/servers.ts'

const NEXT = 'the-key-of-tomorrow-12'
const SYNC = 'the-key-for-syncs-12'

async function statusWith(
  { sendRequest }: TestServer,
  headers: Record<string, string>,
): Promise<number> {
  const response = await sendRequest('/metrics', { headers })
  await response.arrayBuffer()
  return response.status
}

test('the key is accepted as X-ADMIN-KEY or as a bearer token only', async (t) => {
  const server = await startServer(t, createMaintainerApp)
  assert.equal(await statusWith(server, { 'X-ADMIN-KEY': KEY }), 200)
  assert.equal(await statusWith(server, { Authorization: `bearer ${KEY}` }), 200)
  for (const headers of [
    { 'X-ADMIN-KEY': KEY.slice(1) },
    { 'X-ADMIN-KEY': `${KEY}1` },
    { Authorization: KEY },
    { Authorization: `Basic ${btoa(`:${KEY}`)}` },
  ]) {
    assert.equal(await statusWith(server, headers), 401, JSON.stringify(headers))
    assert.equal(await statusWith(server, { 'X-ADMIN-KEY': KEY }), 200)
  }
})

const KEYED_APPS = {
  fetcher: createFetcherApp,
  maintainer: createMaintainerApp,
  // The handlers may fail without a database; only the refusals count here.
  orchestrator: (options: ServerOptions) =>
    createOrchestratorApp({ ...options, db: null as never }),
} as const satisfies Partial<Record<ServerName, unknown>>

test('a sync key starts runs and watches them, and every other route refuses it', async (t) => {
  const allowed: string[] = []
  for (const [name, create] of Object.entries(KEYED_APPS)) {
    const { sendRequest } = await startServer(t, create, { syncKeys: [SYNC] })
    for (const [route, { needsKey }] of Object.entries(SERVERS[name as ServerName].routes)) {
      if (!needsKey) continue
      const [method = '', path = ''] = route.split(' ')
      const init = { method, headers: { Authorization: `Bearer ${SYNC}` } }
      const response = await sendRequest(path.replace(':id', '1'), init)
      const { error } = (await response.json()) as { error?: { code: string } }
      if (response.status !== 403) allowed.push(`${name} ${route}`)
      else assert.equal(error?.code, 'request/forbidden')
      assert.notEqual(response.status, 401, route)
    }
  }
  assert.deepEqual(allowed, [
    'fetcher POST /run',
    'maintainer POST /run',
    'orchestrator POST /sync',
    'orchestrator POST /import',
    'orchestrator GET /status',
    'orchestrator GET /runs/:id',
  ])
})

test('a sync key on a route that refuses it cancels nothing and is not a failed guess', async (t) => {
  const { sendRequest, recorded } = await startServer(t, KEYED_APPS.orchestrator, {
    syncKeys: [SYNC],
  })
  for (let i = 0; i < 6; i++) {
    const init = { method: 'POST', headers: { 'X-ADMIN-KEY': SYNC } }
    const response = await sendRequest('/runs/1/cancel', init)
    await response.arrayBuffer()
    assert.equal(response.status, 403)
  }
  assert.deepEqual([recorded.cancelled, recorded.authFailures], [[], []])
})

test('a missing key and a wrong one get the same response', async (t) => {
  const { sendRequest, recorded } = await startServer(t, createMaintainerApp)
  const answers = []
  for (const headers of [{}, { 'X-ADMIN-KEY': '' }, { 'X-ADMIN-KEY': 'wrong' }]) {
    const response = await sendRequest('/run', { method: 'POST', headers })
    answers.push([response.status, response.headers.get('WWW-Authenticate'), await response.json()])
  }
  const body = {
    error: {
      code: 'request/unauthorized',
      message: 'The key is missing or wrong',
      hint: ERRORS['request/unauthorized'].hint,
    },
  }
  assert.deepEqual(
    answers,
    answers.map(() => [401, 'Bearer', body]),
  )
  assert.deepEqual(recorded.authFailures, ['missing', 'wrong', 'wrong'])
  assert.deepEqual(recorded.requests, [])
})

test('the next key is accepted during a rotation', async (t) => {
  const server = await startServer(t, createMaintainerApp, { keys: [KEY, NEXT] })
  for (const key of [KEY, NEXT, KEY])
    assert.equal(await statusWith(server, { 'X-ADMIN-KEY': key }), 200)
  assert.equal(await statusWith(server, { 'X-ADMIN-KEY': `${KEY},${NEXT}` }), 401)
})

test('the next sync key is accepted during a rotation, and allows no more than the current one', async (t) => {
  const { sendRequest } = await startServer(t, KEYED_APPS.orchestrator, {
    syncKeys: [SYNC, NEXT],
  })
  for (const key of [SYNC, NEXT]) {
    const headers = { 'X-ADMIN-KEY': key }
    assert.notEqual((await sendRequest('/runs/1', { headers })).status, 401)
    assert.equal((await sendRequest('/runs/1/cancel', { method: 'POST', headers })).status, 403)
  }
})

test('a key outside Latin-1 is compared by its bytes', async (t) => {
  const server = await startServer(t, createMaintainerApp, { keys: ['schlüssel-für-heute'] })
  assert.equal(
    await statusWith(server, {
      'X-ADMIN-KEY': Buffer.from('schlüssel-für-heute').toString('latin1'),
    }),
    200,
  )
})

test('a server without a key does not start', () => {
  const isMissing = (error: unknown) =>
    error instanceof SyncError &&
    error.code === 'settings/invalid' &&
    error.message.includes('ADMIN_KEY')
  assert.throws(() => createMaintainerApp(serverOptions({ keys: [] }).options), isMissing)
})

test('five failures cause a ban, and each refusal during it is delayed', async (t) => {
  const server = await startServer(t, createMaintainerApp)
  for (let i = 0; i < 5; i++)
    assert.equal(await statusWith(server, { 'X-ADMIN-KEY': 'wrong' }), 401)
  assert.deepEqual(server.recorded.slowedMs, [])
  const banned = await server.sendRequest('/metrics', { headers: {} })
  assert.equal(banned.status, 429)
  assert.equal(banned.headers.get('Retry-After'), '30')
  assert.deepEqual(await banned.json(), {
    error: {
      code: 'request/too-many-failures',
      message: 'Too many requests without the right key',
      hint: ERRORS['request/too-many-failures'].hint,
    },
  })
  assert.deepEqual(server.recorded.authFailures, [
    'wrong',
    'wrong',
    'wrong',
    'wrong',
    'wrong',
    'banned',
  ])
  assert.deepEqual(server.recorded.slowedMs, [1000])
  assert.equal((await server.sendRequest('/healthz')).status, 200)
  server.recorded.nowMs += 30_000
  assert.equal(await statusWith(server, { 'X-ADMIN-KEY': 'wrong' }), 401)
})

test('the right key passes the ban of its network after a delay, and does not lift it', async (t) => {
  const server = await startServer(t, createMaintainerApp)
  for (let i = 0; i < 5; i++) await statusWith(server, { 'X-ADMIN-KEY': 'wrong' })
  for (let i = 0; i < 3; i++) {
    assert.equal(await statusWith(server, { 'X-ADMIN-KEY': KEY }), 200)
    assert.equal(await statusWith(server, { 'X-ADMIN-KEY': 'wrong' }), 429)
  }
  assert.equal(server.recorded.slowedMs.length, 6)
  server.recorded.nowMs += 30_000
  assert.equal(await statusWith(server, { 'X-ADMIN-KEY': KEY }), 200)
  assert.equal(server.recorded.slowedMs.length, 6)
})

test('the right key passes while every network is banned', async (t) => {
  const trust = { flyHeader: true, proxies: createNetworks([]) }
  const server = await startServer(t, createMaintainerApp, { trust })
  const from = (client: string, key: string) =>
    statusWith(server, { 'Fly-Client-IP': client, 'X-ADMIN-KEY': key })
  for (let i = 0; i < 100; i++) await from(`203.0.113.${i}`, 'wrong')
  assert.equal(await from('198.51.100.1', 'wrong'), 429)
  assert.equal(await from('198.51.100.1', KEY), 200)
})

test('at most a hundred wrong keys are delayed at once, and the right key does not wait for them', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const held: number[] = []
  const server = await startServer(t, createMaintainerApp, {
    slow: (ms) => (held.push(ms) <= 100 ? promise : Promise.resolve()),
  })
  for (let i = 0; i < 5; i++) await statusWith(server, { 'X-ADMIN-KEY': 'wrong' })
  const waiting = Array.from({ length: 100 }, () => statusWith(server, { 'X-ADMIN-KEY': 'wrong' }))
  await waitUntil(() => Promise.resolve(held.length === 100))
  assert.equal(await statusWith(server, { 'X-ADMIN-KEY': 'wrong' }), 429)
  assert.equal(held.length, 100, 'the next guess is refused at once')
  assert.equal(await statusWith(server, { 'X-ADMIN-KEY': KEY }), 200)
  resolve()
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([429]))
})

test('callers are distinguished by the header of the proxy, and IPv6 callers by their /64', async (t) => {
  const server = await startServer(t, createMaintainerApp, {
    trust: { flyHeader: true, proxies: createNetworks([]) },
  })
  const from = (client: string, key: string) =>
    statusWith(server, { 'Fly-Client-IP': client, 'X-ADMIN-KEY': key })
  for (let i = 0; i < 5; i++) assert.equal(await from(`2001:db8:0:1::${i}`, 'wrong'), 401)
  assert.equal(await from('2001:db8:0:1::9', 'wrong'), 429)
  assert.equal(await from('2001:db8:0:2::9', 'wrong'), 401)
})

test('a forged header does not evade a ban', async (t) => {
  const server = await startServer(t, createMaintainerApp)
  const from = (client: string) =>
    statusWith(server, {
      'Fly-Client-IP': client,
      'X-Forwarded-For': client,
      'X-ADMIN-KEY': 'wrong',
    })
  for (let i = 0; i < 5; i++) await from(`203.0.113.${i}`)
  assert.equal(await from('203.0.113.9'), 429)
})

test('behind a trusted proxy, a ban applies to one caller only', async (t) => {
  const server = await startServer(t, createMaintainerApp, {
    trust: { flyHeader: false, proxies: createNetworks(['127.0.0.1']) },
  })
  const from = (client: string) =>
    statusWith(server, { 'X-Forwarded-For': client, 'X-ADMIN-KEY': 'wrong' })
  for (let i = 0; i < 5; i++) await from(`198.51.100.${i}, 203.0.113.7`)
  assert.deepEqual([await from('198.51.100.9, 203.0.113.7'), await from('203.0.113.8')], [429, 401])
})

test('a refusal is logged with its reason and without the key', async (t) => {
  const { sendRequest, recorded } = await startServer(t, createMaintainerApp)
  await sendRequest('/metrics?key=planted-in-query', {
    headers: { 'X-ADMIN-KEY': 'planted-in-header', Authorization: 'Bearer planted-as-bearer' },
  })
  const lines = recorded.logged.map((line): Record<string, unknown> => JSON.parse(line))
  const warning = lines.find(({ level }) => level === 'warn')
  assert.deepEqual([warning?.client, warning?.reason], ['127.0.0.1', 'wrong'])
  assert.doesNotMatch(recorded.logged.join(''), /planted/)
})
