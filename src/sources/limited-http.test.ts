// Two workers with their own connections share the limits and the breaker of a real supplier, over
// real HTTP. Waits are recorded instead of slept through.

import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { createClock, type Clock } from '../../simulators/support/clock.ts'
import { listen } from '../../simulators/support/server.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { isSyncError } from '../../test/support/error-matchers.ts'
import { createRequestTools, withClock } from '../../test/support/requests.ts'
import { BREAKER_POLICY } from '../core/breaker.ts'
import { SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import type { RequestLimit, RequestRules } from '../core/limits.ts'
import type { Catalog } from '../db/catalog.ts'
import { openPool } from '../db/pool.ts'
import { admitRequest } from '../db/write/limits.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import { getOwnerName } from '../node/process-owner.ts'
import { limitRequests } from './limited-http.ts'

const database = await openTestDatabase()
const secondPool = await openPool(database.url, { applicationName: 'second worker' })
after(() => secondPool.end())
const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'test' })
after(() => http.close())

const HOUR_MS = 3_600_000

interface Supplier {
  readonly url: string
  /** Number of requests so far. */
  count: number
  /** Largest number of requests at the same time. */
  peak: number
  status: number
  headers: Record<string, string>
  /** Each response waits for it. */
  gate: Promise<void>
}

async function startSupplier(t: TestContext): Promise<Supplier> {
  let open = 0
  const { url, close } = await listen(async (_, response) => {
    supplier.count += 1
    open += 1
    supplier.peak = Math.max(supplier.peak, open)
    await supplier.gate
    open -= 1
    response.writeHead(supplier.status, supplier.headers).end('page')
  })
  t.after(close)
  const supplier: Supplier = {
    url,
    count: 0,
    peak: 0,
    status: 200,
    headers: {},
    gate: Promise.resolve(),
  }
  return supplier
}

interface Worker {
  readonly http: Http
  readonly waits: number[]
  readonly logged: string[]
}

/** A worker whose breaker follows `clock` instead of the clock of the database. */
function createWorker(
  db: Catalog,
  rules: RequestRules,
  clock?: Clock,
  requestIntervals = new Map<string, number>(),
): Worker {
  const [waits, logged]: [number[], string[]] = [[], []]
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const take = (_: object, message: string): void => void logged.push(message)
  const tools = createRequestTools({
    db: clock === undefined ? db : withClock(db, clock),
    http,
    log: { debug() {}, info: take, warn: take },
    options: { wait },
    requestIntervals,
  })
  const requester = { connector: { rules: () => rules }, settings: null, credentials: null }
  return { http: limitRequests(tools, requester), waits, logged }
}

const signal = new AbortController().signal

async function get(worker: Worker, url: string): Promise<number> {
  const response = await worker.http({ url }, signal)
  for await (const _ of response.body);
  return response.status
}

const bucket = (key: string, limit: Partial<RequestLimit> = {}): RequestLimit => ({
  scope: 'host',
  key,
  intervalMs: 0,
  burst: 1,
  concurrency: null,
  ...limit,
})

test('two workers share the rate of a bucket, and requests are spread by its interval', async (t) => {
  const supplier = await startSupplier(t)
  const rules = {
    limits: [bucket(supplier.url, { intervalMs: 400_000, burst: 3 })],
    breaker: null,
  }
  const [one, two] = [createWorker(database.pool, rules), createWorker(secondPool, rules)]
  for (const worker of [one, two, one, two, one]) await get(worker, supplier.url)
  // The first three follow at once; later ones wait one and two intervals, less the time since then and with up to 20 % of one added.
  assert.deepEqual([one.waits.length, two.waits.length], [1, 1])
  const [first, second] = [two.waits[0] ?? 0, one.waits[0] ?? 0]
  assert.ok(first > 0 && first <= 480_000, String(first))
  assert.ok(second > 400_000 && second <= 880_000, String(second))
})

test('the pace of a site is kept, also with a higher rate of the operator', async (t) => {
  const supplier = await startSupplier(t)
  const rules = { limits: [bucket(supplier.url, { intervalMs: 1, burst: 5 })], breaker: null }
  const worker = createWorker(database.pool, rules, undefined, new Map([['host', 0]]))
  for (let request = 0; request < 2; request++) {
    const response = await worker.http({ url: supplier.url, minIntervalMs: 400_000 }, signal)
    await response.cancel()
  }
  assert.equal(worker.waits.length, 1)
  assert.ok((worker.waits[0] ?? 0) > 300_000, String(worker.waits[0]))
})

test('no turn of a bucket is given to two workers', async () => {
  const limit = bucket('exact', { intervalMs: HOUR_MS, burst: 2 })
  const turn = { owner: 'test', deadOwner: null, waitMsMax: 100 * HOUR_MS, holdMs: 1_000 }
  const entries = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      admitRequest(
        index % 2 === 0 ? database.pool : secondPool,
        null,
        [{ ...limit, perDay: null }],
        {
          ...turn,
          holder: String(index),
        },
      ),
    ),
  )
  // The waits are one interval apart, less the time since the first turn.
  const hours = entries.map(({ waitMs }) => Math.ceil(waitMs / HOUR_MS))
  assert.deepEqual(
    hours.toSorted((a, b) => a - b),
    [0, ...Array.from({ length: 19 }, (_, index) => index)],
  )
})

test('a wait that is too long is refused, and reserves nothing', async (t) => {
  const supplier = await startSupplier(t)
  const rules = { limits: [bucket(supplier.url, { intervalMs: HOUR_MS })], breaker: null }
  const worker = createWorker(database.pool, rules)
  await get(worker, supplier.url)
  for (let attempt = 0; attempt < 2; attempt++)
    await assert.rejects(
      get(worker, supplier.url),
      isSyncError('source/rate-limited', /allows the next request in 60 min/),
    )
  assert.equal(supplier.count, 1)
})

test('a host gets one request at a time until its body has ended', async (t) => {
  const supplier = await startSupplier(t)
  const gate = Promise.withResolvers<void>()
  supplier.gate = gate.promise
  const rules = { limits: [bucket(supplier.url, { concurrency: 1 })], breaker: null }
  const [one, two] = [createWorker(database.pool, rules), createWorker(secondPool, rules)]
  const requests = [get(one, supplier.url), get(two, supplier.url), get(one, supplier.url)]
  // A blocked request has tried again at least once when the first response begins.
  while (one.waits.length + two.waits.length < 4)
    await new Promise((resolve) => setImmediate(resolve))
  gate.resolve()
  await Promise.all(requests)
  assert.deepEqual([supplier.count, supplier.peak], [3, 1])
  const { rows } = await database.pool.query('select from catalog.limit_holders')
  assert.equal(rows.length, 0)
})

test(
  'a request keeps its place at a host while it waits for a wider limit',
  { timeout: 30_000 },
  async (t) => {
    const supplier = await startSupplier(t)
    const wide = bucket('all', { scope: `wide ${supplier.url}`, intervalMs: 400_000 })
    const limits = [bucket(supplier.url, { concurrency: 1 }), wide]
    await get(createWorker(database.pool, { limits, breaker: null }), supplier.url)
    t.mock.timers.enable({ apis: ['setInterval'] })
    const readEnd = async (): Promise<number> => {
      const { rows } = await database.pool.query<{ at: number }>(
        'select catalog.to_ms(expires_at) as at from catalog.limit_holders where key = $1',
        [supplier.url],
      )
      return rows[0]?.at ?? 0
    }
    const ends: number[] = []
    const wait = async (): Promise<void> => {
      ends.push(await readEnd())
      t.mock.timers.tick(10_000)
      while ((await readEnd()) === ends[0]);
    }
    const tools = createRequestTools({ db: secondPool, http, options: { wait } })
    const rules = (): RequestRules => ({ limits, breaker: null })
    const limited = limitRequests(tools, {
      connector: { rules },
      settings: null,
      credentials: null,
    })
    const response = await limited({ url: supplier.url }, signal)
    await response.cancel()
    assert.equal(ends.length, 1)
    assert.equal(await readEnd(), 0)
  },
)

test('a request of a process that died does not count', async (t) => {
  const supplier = await startSupplier(t)
  const limit = bucket(supplier.url, { concurrency: 1 })
  const dead = getOwnerName().replace(/:\d+:\d+$/, ':999999:1')
  await admitRequest(database.pool, null, [{ ...limit, perDay: null }], {
    holder: 'left behind',
    owner: dead,
    deadOwner: null,
    waitMsMax: 0,
    holdMs: HOUR_MS,
  })
  const worker = createWorker(secondPool, { limits: [limit], breaker: null })
  await get(worker, supplier.url)
  assert.deepEqual([supplier.count, worker.waits], [1, []])
})

test('a stopped request gives its place back', async (t) => {
  const supplier = await startSupplier(t)
  supplier.gate = new Promise(() => {})
  const limit = bucket(supplier.url, { concurrency: 1 })
  const worker = createWorker(database.pool, { limits: [limit], breaker: null })
  const stop = new AbortController()
  const request = worker.http({ url: supplier.url }, stop.signal)
  while (supplier.count === 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  await assert.rejects(request, { name: 'AbortError' })
  const { rows } = await database.pool.query('select from catalog.limit_holders where key = $1', [
    supplier.url,
  ])
  assert.equal(rows.length, 0)
})

test('Retry-After holds for every limit of the request and for every worker', async (t) => {
  const supplier = await startSupplier(t)
  Object.assign(supplier, { status: 429, headers: { 'retry-after': '600' } })
  const wide = bucket('all', { scope: `wide ${supplier.url}`, intervalMs: 10, burst: 4 })
  const rules = { limits: [bucket(supplier.url), wide], breaker: null }
  await get(createWorker(database.pool, rules), supplier.url)
  const elsewhere = createWorker(secondPool, { limits: [wide], breaker: null })
  await get(elsewhere, supplier.url)
  const waited = elsewhere.waits[0] ?? 0
  assert.ok(waited > 300_000 && waited < 601_000, String(waited))
})

test('a wait that the body demands holds for every worker, and for 15 minutes at most', async (t) => {
  const supplier = await startSupplier(t)
  const rules = { limits: [bucket(supplier.url)], breaker: null }
  const response = await createWorker(database.pool, rules).http(
    { url: supplier.url },
    new AbortController().signal,
  )
  await response.pause?.(86_400_000)
  await response.cancel()
  const other = createWorker(secondPool, rules)
  await get(other, supplier.url)
  const waited = other.waits[0] ?? 0
  assert.ok(waited > 800_000 && waited < 902_000, String(waited))
})

test('a supplier that fails five times in a minute gets no request until one has tested it', async (t) => {
  const supplier = await startSupplier(t)
  supplier.status = 503
  const clock = createClock(1_000_000)
  const breaker = { scope: 'host', key: supplier.url }
  const rules = { limits: [], breaker }
  const [one, two] = [
    createWorker(database.pool, rules, clock),
    createWorker(secondPool, rules, clock),
  ]
  for (const worker of [one, two, one, two, one]) assert.equal(await get(worker, supplier.url), 503)
  await assert.rejects(
    get(two, supplier.url),
    isSyncError('source/circuit-open', /has failed 5 times and gets no request for the next 300 s/),
  )
  assert.equal(supplier.count, 5)
  assert.match(one.logged.join(), /has failed 5 times: no request is sent to it for 5 min/)
  assert.deepEqual(two.logged, [])

  clock.advance(BREAKER_POLICY.cooldownMs)
  assert.equal(await get(two, supplier.url), 503)
  await assert.rejects(get(one, supplier.url), isSyncError('source/circuit-open', /600 s/))
  clock.advance(2 * BREAKER_POLICY.cooldownMs)
  supplier.status = 200
  const gate = Promise.withResolvers<void>()
  supplier.gate = gate.promise
  let refused = 0
  const requests = [one, two, one, two].map((worker) =>
    get(worker, supplier.url).catch((error: unknown) => {
      isSyncError('source/circuit-open', /gets no request/)(error)
      refused += 1
    }),
  )
  // Each of the four requests has arrived or was refused before the probe has a response.
  while (refused + supplier.count - 6 < 4) await new Promise((resolve) => setImmediate(resolve))
  gate.resolve()
  await Promise.all(requests)
  assert.deepEqual([refused, supplier.count], [3, 7])
  assert.equal(await get(one, supplier.url), 200)
  assert.match([...one.logged, ...two.logged].join(), /responds again/)
})

interface Step {
  readonly worker: 0 | 1
  readonly advanceMs: number
  readonly fails: boolean
}

const Steps = fc.array(
  fc.record<Step>({
    worker: fc.constantFrom(0, 1),
    advanceMs: fc.constantFrom(0, 1_000, 59_000, 150_000, 300_000),
    fails: fc.boolean(),
  }),
  { minLength: 10, maxLength: 40 },
)

test('no interleaving of two workers has two probes at the same time', async () => {
  let number = 0
  const play = async (steps: readonly Step[], scheduler: fc.Scheduler): Promise<void> => {
    const breaker = { scope: 'host', key: `property ${++number}` }
    const clock = createClock(1_000_000)
    const probes = new Set<number>()
    const send = async ({ worker, advanceMs, fails }: Step): Promise<void> => {
      await scheduler.schedule(Promise.resolve())
      clock.advance(advanceMs)
      let isProbe = false
      const supplier: Http = async () => {
        const startedMs = clock.nowMs()
        for (const other of probes)
          assert.ok(startedMs - other >= BREAKER_POLICY.probeMs, 'a second probe is sent')
        if (isProbe) probes.add(startedMs)
        await scheduler.schedule(Promise.resolve())
        if (isProbe) probes.delete(startedMs)
        throw new SyncError(fails ? 'source/unavailable' : 'source/address-refused', 'no response')
      }
      const info = (_: object, text: string) => void (isProbe ||= /tested/.test(text))
      const tools = createRequestTools({
        db: withClock(worker === 0 ? database.pool : secondPool, clock),
        http: supplier,
        log: { debug() {}, info, warn() {} },
      })
      const rules = () => ({ limits: [], breaker })
      const limited = limitRequests(tools, {
        connector: { rules },
        settings: null,
        credentials: null,
      })
      await assert.rejects(limited({ url: 'http://supplier.example' }, signal), SyncError)
    }
    await scheduler.waitFor(Promise.all(steps.map(send)))
  }
  await fc.assert(fc.asyncProperty(Steps, fc.scheduler(), play), { numRuns: 40 })
})
