// The promises of webhooks, on a real Postgres and a receiver that misbehaves. Time passes in SQL.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { verifySignature } from '../../../simulators/webhooks/server.ts'
import { claimDeliveries, finishDelivery } from '../../db/write/deliveries.ts'
import {
  replayDeliveries,
  pauseWebhook,
  queueTest,
  resumeWebhook,
} from '../../db/write/webhooks.ts'
import { listWebhooks, type Webhook } from '../../db/read/webhooks.ts'
import { MAIN } from '../../../test/e2e/shelfsync.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { HOOK_SECRET, openDeliveries, type Deliveries } from '../../../test/support/deliveries.ts'
import { cleanEnv, FREE_PORTS, startProcess } from '../../../test/support/processes.ts'
import { openToy } from '../../../test/support/toy/open.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import {
  createSigningSecret,
  parseSigningSecrets,
  signMessage,
} from '../../core/webhook-message.ts'
import { createLog } from '../../telemetry/log.ts'
import { Outages } from '../../telemetry/outages.ts'
import { runStep } from '../run-step.ts'
import { ATTEMPTS_MAX } from './judge-attempt.ts'
import { sendDelivery } from './send-delivery.ts'
import { BODY_BYTES_MAX } from './shorten-message.ts'

const database = await openTestDatabase()
const db = database.pool

const load = async (name: string): Promise<Webhook | undefined> =>
  (await listWebhooks(db)).find((one) => one.name === name)
const products = (feed: Deliveries, name = 'orders'): (string | null)[] =>
  feed.arrivals(name).map(({ product }) => product)
const states = async (feed: Deliveries, name = 'orders'): Promise<string[]> =>
  (await feed.list(name)).map(({ product, state }) => `${product} ${state}`)

const TEST_MESSAGE = {
  id: 1,
  message: 'late',
  webhook: 'orders',
  format: 'standard',
  url: null,
  token: 1,
  attempts: 0,
  position: -1,
  rule: null,
  event: null,
  count: 1,
  created_at: new Date().toISOString(),
  changes: [],
} as const

test('a webhook gets exactly the committed changes of its kinds, each once, with a signature', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.publish('before')
  await feed.add('orders', { kinds: ['updated', 'removed'] })
  await feed.stock('a', { title: 'Kettle' })
  await feed.publish('a', { detail: { title: ['Pot', 'Kettle'] } })
  await feed.publish('b', { kind: 'created' })
  await assert.rejects(
    db.transaction(async (client) => {
      await client.query(
        `insert into catalog.changes (source_id, run_id, product_external_id, kind, position)
         values ($1, 1, 'lost', 'updated', catalog.lock_feed() + 1)`,
        [feed.sourceId],
      )
      throw new Error('the run fails')
    }),
  )
  await feed.publish('c', { kind: 'removed' })
  await feed.work()
  await feed.work()
  assert.deepEqual(
    feed.arrivals('orders').map(({ product, status }) => [product, status]),
    [
      ['a', 200],
      ['c', 200],
    ],
  )
  const [first] = feed.receiver.received
  assert.ok(first)
  const { type, data } = first.body as { type: string; data: Record<string, unknown> }
  assert.equal(type, 'change')
  assert.deepEqual(
    [data['title'], data['fields'], data['source']],
    ['Kettle', [{ name: 'title', before: 'Pot', after: 'Kettle' }], feed.source],
  )
  assert.equal((await load('orders'))?.waiting, 0)
})

test('a secret that changes is valid beside the former one, and an old or altered message is refused', async (t) => {
  const other = createSigningSecret()
  const feed = await openDeliveries(t, db, { WEBHOOK_SECRET_ORDERS: `${other} ${HOOK_SECRET}` })
  await feed.add('orders')
  await queueTest(db, 'orders')
  await feed.work()
  assert.deepEqual(
    feed.receiver.received.map(({ status }) => status),
    [200],
  )
  const stranger = await openDeliveries(t, db, { WEBHOOK_SECRET_ORDERS: other })
  await stranger.add('orders')
  await queueTest(db, 'orders')
  await stranger.work()
  assert.deepEqual(
    stranger.receiver.received.map(({ status }) => status),
    [401],
  )
  const secrets = parseSigningSecrets(other)
  assert.notEqual(secrets, null)
  const signed = async (timestamp: number): Promise<boolean> => {
    const content = { id: 'm', timestamp, body: '{}' }
    const signature = await signMessage(secrets ?? [], content)
    const headers = {
      'webhook-id': 'm',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    }
    return verifySignature({ headers }, '{}', other)
  }
  const now = Math.floor(Date.now() / 1000)
  assert.deepEqual(
    [await signed(now), await signed(now - 400), await signed(now + 400)],
    [true, false, false],
  )
})

test('a message is sent again with the same id until it arrives, and one product holds only itself', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  await feed.publish('stuck')
  await feed.work()
  feed.misbehave({ kind: 'status', status: 500, times: 1 })
  await feed.publish('stuck')
  await feed.publish('stuck')
  await feed.publish('free')
  await feed.work()
  assert.deepEqual(await states(feed), [
    'stuck delivered',
    'stuck waiting',
    'stuck waiting',
    'free delivered',
  ])
  const [, failed, later] = await feed.list('orders')
  assert.equal(failed?.attempts, 1)
  assert.match(failed?.error ?? '', /500/)
  assert.ok((failed?.dueAt?.getTime() ?? 0) > Date.now(), 'the next attempt waits')
  assert.deepEqual([later?.attempts, later?.dueAt], [0, null])
  await feed.skipWaits()
  await feed.work()
  const ids = feed.arrivals('orders').map(({ id }) => id)
  assert.deepEqual(products(feed), ['stuck', 'stuck', 'free', 'stuck', 'stuck'])
  assert.equal(ids[1], ids[3], 'the repeated message has the id of the first attempt')
  assert.equal(new Set(ids).size, 4)
  assert.ok((await states(feed)).every((state) => state.endsWith('delivered')))
})

test('an attempt fails when the receiver hangs, cuts the connection, redirects, or is late', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  feed.misbehave({ kind: 'reset', times: 1 })
  feed.misbehave({ kind: 'status', status: 302, headers: { location: '/elsewhere' }, skip: 1 })
  feed.misbehave({ kind: 'status', status: 429, headers: { 'retry-after': '900' }, skip: 2 })
  for (const product of ['cut', 'redirected', 'limited']) {
    await feed.publish(product)
    await feed.work()
    if (product !== 'limited')
      await db.query(
        'update catalog.webhooks set paused_until = null, failures = 0, failing_since = null',
      )
  }
  const listed = await feed.list('orders')
  assert.deepEqual(
    listed.map(({ attempts, status }) => [attempts, status]),
    [
      [1, null],
      [1, 302],
      [1, 429],
    ],
  )
  assert.match(listed[1]?.error ?? '', /redirects are not followed/)
  assert.deepEqual(
    feed.receiver.received.filter(({ path }) => path === '/elsewhere'),
    [],
  )
  const pausedMs = ((await load('orders'))?.pausedUntil?.getTime() ?? 0) - Date.now()
  assert.ok(
    pausedMs > 800_000 && pausedMs <= 900_000,
    `Retry-After pauses the webhook: ${pausedMs}`,
  )

  feed.receiver.faults.clear()
  feed.misbehave({ kind: 'latency', ms: 60_000, times: 1 })
  const request = { ...TEST_MESSAGE, url: `${feed.receiver.url}/orders` }
  assert.deepEqual(await sendDelivery({ ...feed.sender, timeoutMs: 100 }, request), {
    error: 'no response within 0.1 s',
  })
})

test('the status alone decides: a response without an end is left, and nothing of it is kept', async (t) => {
  const feed = await openDeliveries(t, db)
  const silent = await startEndless(t, () => undefined)
  const flooding = await startEndless(t, (response) => flood(response))
  for (const [status, receiver] of [
    [200, silent],
    [500, silent],
    [200, flooding],
    [503, flooding],
  ] as const) {
    const request = { ...TEST_MESSAGE, url: `${receiver.url}/${status}` }
    const sender = { ...feed.sender, timeoutMs: 2 ** 31 - 1, restMs: 20 }
    const attempt = await sendDelivery(sender, request)
    assert.deepEqual(attempt, { status, retryAfter: null })
    await receiver.closed()
  }
})

test('a public name that leads to a private address is refused when its connection opens', async (t) => {
  const names: string[] = []
  const resolve = (name: string) => {
    names.push(name)
    return Promise.resolve([{ address: '127.0.0.1', family: 4 }])
  }
  const refused = await openDeliveries(t, db, { ALLOW_PRIVATE_HOSTS: '10.0.0.1' }, resolve)
  const { port } = new URL(refused.receiver.url)
  await refused.add('orders', { url: `http://hooks.shop.example:${port}/orders` })
  await queueTest(db, 'orders')
  await refused.work()
  const [delivery] = await refused.list('orders')
  assert.equal(delivery?.state, 'waiting')
  assert.match(delivery?.error ?? '', /hooks\.shop\.example.* it leads to 127\.0\.0\.1/)
  assert.deepEqual(refused.receiver.received, [])
  const allowed = await openDeliveries(
    t,
    db,
    { ALLOW_PRIVATE_HOSTS: 'hooks.shop.example' },
    resolve,
  )
  await allowed.add('orders', {
    url: `http://hooks.shop.example:${new URL(allowed.receiver.url).port}/orders`,
  })
  await queueTest(db, 'orders')
  await allowed.work()
  assert.deepEqual(
    allowed.receiver.received.map(({ status }) => status),
    [200],
  )
  assert.deepEqual(names, ['hooks.shop.example', 'hooks.shop.example'])
})

test('a receiver that never responds holds half of the workers, and the others get their messages', async (t) => {
  const feed = await openDeliveries(t, db, { WEBHOOK_SECRET_STUCK: HOOK_SECRET })
  feed.misbehave({ kind: 'latency', ms: 600_000, times: null, path: '/stuck' })
  const asked = (): number => feed.receiver.stats.snapshot().requests['/stuck'] ?? 0
  await feed.add('stuck')
  const first = await feed.publish('p0')
  for (let n = 1; n < 40; n++) await feed.publish(`p${n}`)
  const stopping = new AbortController()
  const step = feed.open()
  const log = createLog({ level: 'warn', destination: { write: () => undefined }, secrets: [] })
  const running = runStep(
    { name: 'deliver', step },
    { log, outages: new Outages(log), pauseMs: 20 },
    stopping.signal,
  )
  await waitUntil(() => asked() >= step.workers / 2)
  await feed.add('orders', { after: first - 1 })
  await waitUntil(() => products(feed).length === 40)
  assert.deepEqual([asked(), feed.arrivals('stuck')], [step.workers / 2, []])
  stopping.abort()
  feed.receiver.faults.clear()
  await running
})

test('the last attempt makes a dead letter, which holds nothing and is replayed alone or with all others', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  feed.misbehave({ kind: 'status', status: 500, times: 3 })
  const from = await feed.publish('a')
  for (const product of ['b', 'c']) await feed.publish(product)
  await db.query('select catalog.queue_deliveries(100)')
  await db.query('update catalog.deliveries set attempts = $1', [ATTEMPTS_MAX - 1])
  await feed.work()
  await feed.skipWaits()
  await feed.work()
  await feed.publish('a')
  await feed.skipWaits()
  await feed.work()
  assert.deepEqual(await states(feed), ['a dead', 'b dead', 'c dead', 'a delivered'])
  assert.equal((await load('orders'))?.dead, 3)
  const [first] = await feed.list('orders')
  assert.equal(await replayDeliveries(db, 'orders', { id: first?.id ?? 0 }), 1)
  await feed.work()
  assert.deepEqual(await states(feed), ['a delivered', 'b dead', 'c dead', 'a delivered'])
  assert.equal(await replayDeliveries(db, 'orders', { dead: true }), 2)
  await feed.work()
  assert.equal((await load('orders'))?.dead, 0)
  const ids = feed.arrivals('orders').map(({ id }) => id)
  assert.equal(new Set(ids).size, 4, 'a replayed message has the id that it had')
  assert.equal(await replayDeliveries(db, 'orders', { from, to: from + 100 }), 4)
  await assert.rejects(replayDeliveries(db, 'orders', { id: 9_999_999 }), {
    code: 'delivery/unknown',
  })
})

test('many workers send each message once and keep the order of every product', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  const expected = new Map<string, string[]>()
  for (let n = 0; n < 60; n++) {
    const product = `p${n % 12}`
    const position = await feed.publish(product)
    expected.set(product, [...(expected.get(product) ?? []), String(position)])
  }
  const steps = [feed.open(), feed.open(), feed.open()]
  await Promise.all([...steps, ...steps].map((step) => feed.work(step)))
  await feed.work()
  const arrived = new Map<string, string[]>()
  for (const { id, product } of feed.arrivals('orders')) {
    const position = id.split('-').at(-1) ?? ''
    arrived.set(product ?? '', [...(arrived.get(product ?? '') ?? []), position])
  }
  assert.deepEqual(Object.fromEntries(arrived), Object.fromEntries(expected))
})

test('a process that ends between the request and its record leads to the same message once more', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  await feed.publish('a')
  await db.query('select catalog.queue_deliveries(100)')
  const [claimed] = await claimDeliveries(db, { limit: 4, leaseMs: 120_000 })
  assert.ok(claimed)
  assert.ok('status' in (await sendDelivery(feed.sender, claimed)))
  await feed.work()
  assert.equal(feed.arrivals('orders').length, 1, 'no other process sends it during the lease')
  await feed.skipWaits()
  const [again] = await claimDeliveries(db, { limit: 4, leaseMs: 120_000 })
  assert.ok(again)
  const end = { status: null, error: null, delayMs: 0, pauseMs: 0, disable: null }
  const isOver = await finishDelivery(db, claimed, { ...end, state: 'dead' })
  assert.equal(isOver, false, 'the former lease writes nothing')
  await sendDelivery(feed.sender, again)
  assert.equal(await finishDelivery(db, again, { ...end, state: 'delivered' }), true)
  const ids = feed.arrivals('orders').map(({ id }) => id)
  assert.deepEqual(ids, [claimed.message, claimed.message])
  assert.deepEqual(await states(feed), ['a delivered'])
})

test('a deliverer that is killed during a request sends the same message after its lease', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  await feed.publish('a')
  feed.misbehave({ kind: 'latency', ms: 600_000, times: 1 })
  const started = await startProcess(t, process.execPath, [MAIN, 'serve', 'deliver'], {
    env: cleanEnv({
      ...FREE_PORTS,
      DATABASE_URL: database.url,
      ALLOW_PRIVATE_HOSTS: '127.0.0.1',
      WEBHOOK_SECRET_ORDERS: HOOK_SECRET,
    }),
  })
  await waitUntil(() => Object.keys(feed.receiver.stats.snapshot().requests).length > 0)
  started.kill('SIGKILL')
  await started.exited
  await feed.skipWaits()
  await feed.work()
  const [killed, sent] = feed.arrivals('orders')
  assert.deepEqual([killed?.id, killed?.status, sent?.status], [sent?.id, null, 200])
  assert.deepEqual(await states(feed), ['a delivered'])
})

test('a run settles and publishes while the tables of webhooks are locked', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  const { pipeline } = await openToy(t, { db, start: { products: 5 } })
  await db.transaction(async (client) => {
    await client.query('set local idle_in_transaction_session_timeout = 0')
    await client.query('lock table catalog.webhooks, catalog.deliveries, catalog.rules')
    assert.equal((await pipeline.sync()).state, 'succeeded')
    await client.query('select 1')
  })
  await feed.work()
  assert.deepEqual(
    feed.receiver.received.map(({ body }) => (body as { data: { kind: string } }).data.kind),
    ['loaded'],
  )
})

test('a private address is refused, also by the name that leads to it', async (t) => {
  const secrets = [0, 1, 2, 3].map((n) => [`WEBHOOK_SECRET_PRIVATE_${n}`, HOOK_SECRET])
  const feed = await openDeliveries(t, db, {
    ...Object.fromEntries(secrets),
    ALLOW_PRIVATE_HOSTS: 'shop.example',
  })
  const { port } = new URL(feed.receiver.url)
  const addresses = [
    'http://10.1.2.3/',
    'http://169.254.169.254/',
    `http://localhost:${port}/`,
    feed.receiver.url,
  ]
  for (const [n, url] of addresses.entries()) {
    await feed.add(`private-${n}`, { url })
    await queueTest(db, `private-${n}`)
  }
  await feed.work()
  for (const n of addresses.keys()) {
    const [delivery] = await feed.list(`private-${n}`)
    assert.equal(delivery?.state, 'waiting')
    assert.match(delivery?.error ?? '', /private|refused|reserved/)
  }
  assert.deepEqual(feed.receiver.received, [])
})

test('the body of a message is limited', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  await feed.publish('long', { detail: { description: ['short', 'y'.repeat(BODY_BYTES_MAX)] } })
  await feed.work()
  assert.deepEqual(await states(feed), ['long delivered'])
  const [message] = feed.receiver.received
  assert.ok(message)
  assert.ok(JSON.stringify(message.body).length < 2_000)
  const { data } = message.body as { data: { shortened: boolean; fields: unknown } }
  assert.equal(data.shortened, true)
  assert.deepEqual(data.fields, [{ name: 'description', before: null, after: null }])
})

test('content whose licence has ended is never sent, also by a replay', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  const expiresAt = new Date(Date.now() + 3_600_000)
  await feed.stock('licensed', { title: 'Licensed title', expiresAt })
  const from = await feed.publish('licensed', {
    detail: { title: ['Licensed before', 'Licensed title'] },
    expiresAt,
  })
  await feed.work()
  for (const [table, product] of [
    ['changes', 'product_external_id'],
    ['products', 'external_id'],
  ]) {
    await db.query(
      `update catalog.${table} set expires_at = now() - interval '1 second' where ${product} = 'licensed'`,
    )
    await replayDeliveries(db, 'orders', { from, to: from })
    await feed.work()
  }
  const [shown, withoutValues, expired] = feed.receiver.received.map(({ body }) =>
    JSON.stringify(body),
  )
  assert.match(shown ?? '', /Licensed before/)
  assert.doesNotMatch(withoutValues ?? 'Licensed before', /Licensed before/)
  assert.doesNotMatch(expired ?? 'Licensed', /Licensed/)
  assert.match(expired ?? '', /"expired":true/)
})

test('a secret is in no log, no error and no table', async (t) => {
  const secret = 'T0000SECRET/B0000/abcdef'
  const feed = await openDeliveries(t, db, {
    WEBHOOK_ADDRESS_TEAM: `http://10.1.2.3/services/${secret}`,
  })
  await feed.add('team', { format: 'slack', url: null, getsChanges: false })
  await feed.add('orders')
  await queueTest(db, 'team')
  await queueTest(db, 'orders')
  await feed.publish('a')
  await feed.work()
  const stored = await db.query('select to_jsonb(d)::text as text from catalog.deliveries d')
  const shown = [
    JSON.stringify(await listWebhooks(db)),
    JSON.stringify(stored.rows),
    ...feed.logged,
  ]
  for (const word of [secret, HOOK_SECRET, HOOK_SECRET.slice(6)])
    assert.ok(!shown.join('\n').includes(word), word)
  assert.match((await load('team'))?.lastError ?? '', /10\.1\.2\.3|refused|private/)
})

test('a replayed message waits while a later one of its product is under way', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  await feed.publish('a')
  await feed.work()
  feed.misbehave({ kind: 'status', status: 500, times: 1 })
  await feed.publish('a')
  await feed.work()
  const [first] = await feed.list('orders')
  await replayDeliveries(db, 'orders', { id: first?.id ?? 0 })
  const due = (await feed.list('orders')).map(({ state, dueAt }) => [state, dueAt !== null])
  assert.deepEqual(due, [
    ['waiting', false],
    ['waiting', true],
  ])
  await feed.skipWaits()
  await feed.work()
  assert.deepEqual(await states(feed), ['a delivered', 'a delivered'])
  const [sent, failed, repeated, replayed] = feed.arrivals('orders').map(({ id }) => id)
  assert.deepEqual([repeated, replayed], [failed, sent])
})

test('a paused webhook gets nothing, and continues where it stopped or skips to the present', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  await pauseWebhook(db, 'orders', 'holiday')
  await feed.publish('kept')
  await feed.work()
  assert.deepEqual(feed.receiver.received, [])
  assert.equal((await load('orders'))?.behind, 1)
  await resumeWebhook(db, 'orders', false)
  await feed.work()
  await pauseWebhook(db, 'orders', 'holiday')
  await feed.publish('skipped')
  await resumeWebhook(db, 'orders', true)
  await feed.publish('next')
  await feed.work()
  assert.deepEqual(products(feed), ['kept', 'next'])
})

test('a webhook that only fails is asked one message at a time, disabled after three days, or at once when gone', async (t) => {
  const feed = await openDeliveries(t, db, { WEBHOOK_SECRET_GONE: HOOK_SECRET })
  await feed.add('orders')
  feed.misbehave({ kind: 'status', status: 500, times: null })
  for (let n = 0; n < 8; n++) await feed.publish(`p${n}`)
  await feed.work()
  const tries = feed.receiver.received.length
  await db.query('update catalog.webhooks set paused_until = null')
  await db.query('update catalog.deliveries set due_at = now() where due_at is not null')
  await feed.work()
  assert.equal(feed.receiver.received.length, tries + 1)
  await db.query(
    "update catalog.webhooks set failing_since = now() - interval '73 hours', paused_until = null",
  )
  await feed.work()
  assert.equal((await load('orders'))?.state, 'disabled')
  assert.match((await load('orders'))?.reason ?? '', /three days/)

  feed.receiver.faults.clear()
  feed.misbehave({ kind: 'status', status: 410 })
  await feed.add('gone')
  await queueTest(db, 'gone')
  await feed.work()
  assert.equal((await load('gone'))?.state, 'disabled')
})

interface Endless {
  readonly url: string
  /** Resolves when the client has closed the connection of the last request. */
  closed(): Promise<unknown>
}

/** A receiver that responds with the status in its path, and never ends the response. */
async function startEndless(
  t: TestContext,
  respond: (to: ServerResponse) => void,
): Promise<Endless> {
  let closed: Promise<unknown> = Promise.resolve()
  const server = createServer((request, response) => {
    closed = once(response, 'close')
    response.writeHead(Number(request.url?.slice(1)))
    response.flushHeaders()
    respond(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, closed: () => closed }
}

function flood(response: ServerResponse): void {
  if (response.destroyed) return
  if (response.write('x'.repeat(65_536))) setImmediate(flood, response)
  else response.once('drain', () => flood(response))
}
