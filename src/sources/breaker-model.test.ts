// The circuit breaker of two workers with their own connections, compared with a small model after each
// step: requests begin, succeed, fail, are stopped or die, and time passes, in any order.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { createClock } from '../../simulators/support/clock.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { isSyncError } from '../../test/support/error-matchers.ts'
import { createRequestTools, withClock } from '../../test/support/requests.ts'
import { BREAKER_POLICY } from '../core/breaker.ts'
import { SyncError } from '../core/errors.ts'
import type { Http, HttpResponse } from '../core/http.ts'
import type { BreakerRule } from '../core/limits.ts'
import type { Args, Catalog } from '../db/catalog.ts'
import { openPool } from '../db/pool.ts'
import { loadBreaker } from '../db/write/limits.ts'
import { limitRequests } from './limited-http.ts'

const database = await openTestDatabase()
const secondPool = await openPool(database.url, { applicationName: 'second worker' })
after(() => secondPool.end())
const POOLS: readonly [Catalog, Catalog] = [database.pool, secondPool]
const { failuresMax, windowMs, cooldownMaxMs, probeMs } = BREAKER_POLICY
const FIRST_COOLDOWN_MS = BREAKER_POLICY.cooldownMs

/** Results that say that the supplier is down, those that do not, and those that say nothing. */
const FAILURES = ['500', '503', 'timeout', 'cut'] as const
const RESPONSES = ['200', '401', '403', '404', '429'] as const
type Result = (typeof FAILURES)[number] | (typeof RESPONSES)[number] | 'stopped'

const isFailure = (result: Result): boolean => FAILURES.some((one) => one === result)

type Step =
  | { readonly kind: 'begin'; readonly worker: 0 | 1 }
  | { readonly kind: 'end'; readonly which: number; readonly result: Result }
  /** The worker dies: its request never has a result. */
  | { readonly kind: 'die'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }

/** The rules of the breaker, written down a second time. */
class Model {
  state: 'closed' | 'open' | 'half-open' = 'closed'
  failures = 0
  cooldownMs = 0
  retryAtMs: number | null = null
  #failedAtMs: number[] = []
  /** The request that tests the supplier. */
  #probe: number | null = null

  /** Returns whether the request may be sent. */
  begin(request: number, nowMs: number): boolean {
    if (this.state === 'closed') return true
    if (nowMs < (this.retryAtMs ?? 0)) return false
    this.state = 'half-open'
    this.retryAtMs = nowMs + probeMs
    this.#probe = request
    return true
  }

  end(request: number, wasProbe: boolean, result: Result, nowMs: number): void {
    if (wasProbe) {
      if (this.#probe === request) this.#endProbe(result, nowMs)
      return
    }
    if (this.state !== 'closed' || !isFailure(result)) return
    this.#failedAtMs = [...this.#failedAtMs.filter((atMs) => atMs > nowMs - windowMs), nowMs]
    this.failures = this.#failedAtMs.length
    if (this.failures === failuresMax) this.#open(FIRST_COOLDOWN_MS, nowMs)
  }

  #endProbe(result: Result, nowMs: number): void {
    this.#probe = null
    if (isFailure(result)) {
      this.failures += 1
      this.#open(Math.min(this.cooldownMs * 2, cooldownMaxMs), nowMs)
    } else if (result === 'stopped') {
      this.state = 'open'
      this.retryAtMs = nowMs
    } else {
      Object.assign(this, { state: 'closed', failures: 0, cooldownMs: 0, retryAtMs: null })
      this.#failedAtMs = []
    }
  }

  #open(forMs: number, nowMs: number): void {
    this.state = 'open'
    this.cooldownMs = forMs
    this.retryAtMs = nowMs + forMs
  }
}

/** A request that was sent. */
interface Sent {
  readonly number: number
  readonly isProbe: boolean
  readonly sentAtMs: number
  end(result: Result): Promise<void>
}

function toResponse(result: Result, url: string): HttpResponse {
  const cut = new SyncError('source/cut-short', 'the connection was closed')
  return {
    status: result === 'cut' ? 200 : Number(result),
    headers: new Headers(),
    url,
    body: (async function* () {
      yield new Uint8Array(10)
      if (result === 'cut') throw cut
    })(),
    cancel: async () => undefined,
  }
}

/** A supplier whose responses the test gives one by one. */
function createSupplier() {
  const arrivals: ((result: Result) => void)[] = []
  const http: Http = async ({ url }) => {
    const { promise, resolve } = Promise.withResolvers<Result>()
    arrivals.push(resolve)
    const result = await promise
    if (result === 'timeout') throw new SyncError('source/unavailable', 'no response')
    if (result === 'stopped') throw new DOMException('stopped', 'AbortError')
    return toResponse(result, url)
  }
  return { http, arrivals }
}

interface Worker {
  /** Sends a request and reads its body. */
  send(): Promise<void>
  isProbe: boolean
}

function createWorker(db: Catalog, http: Http, rule: BreakerRule): Worker {
  const worker: Worker = { send, isProbe: false }
  const info = (_: object, text: string): void => void (worker.isProbe ||= /is tested/.test(text))
  const tools = createRequestTools({ db, http, log: { debug() {}, info, warn() {} } })
  const rules = () => ({ limits: [], breaker: rule })
  const limited = limitRequests(tools, { connector: { rules }, settings: null, credentials: null })
  async function send(): Promise<void> {
    const url = 'http://supplier.example'
    const response = await limited({ url }, new AbortController().signal)
    for await (const _ of response.body);
  }
  return worker
}

let keys = 0

const createRule = (): BreakerRule => ({
  scope: 'model',
  key: String(++keys),
  judgesBody: true,
})

class Play {
  readonly #rule = createRule()
  readonly #clock = createClock(1_000_000)
  readonly #model = new Model()
  readonly #supplier = createSupplier()
  #sent: Sent[] = []
  #number = 0

  async step(step: Step): Promise<void> {
    if (step.kind === 'pass') this.#clock.advance(step.ms)
    else if (step.kind === 'begin') await this.#begin(POOLS[step.worker])
    else if (this.#sent.length > 0) {
      const [request] = this.#sent.splice(step.which % this.#sent.length, 1)
      if (step.kind === 'end' && request) {
        this.#model.end(request.number, request.isProbe, step.result, this.#clock.nowMs())
        await request.end(step.result)
      }
    }
    await this.#compare()
  }

  async #begin(db: Catalog): Promise<void> {
    const { http, arrivals } = this.#supplier
    const number = ++this.#number
    const nowMs = this.#clock.nowMs()
    const may = this.#model.begin(number, nowMs)
    const before = arrivals.length
    const worker = createWorker(withClock(db, this.#clock), http, this.#rule)
    const sending = worker.send()
    let refused = false
    const over = sending.catch((error: unknown) => void (refused = isRefusal(error)))
    while (!refused && arrivals.length === before)
      await Promise.race([over, new Promise((resolve) => setImmediate(resolve))])
    assert.equal(!refused, may, refused ? 'a request was refused' : 'a request was sent while open')
    const resolve = arrivals[before]
    if (resolve === undefined) return
    const { isProbe } = worker
    const tests = this.#sent.filter((one) => one.isProbe && nowMs - one.sentAtMs < probeMs)
    assert.ok(!isProbe || tests.length === 0, 'two requests test the supplier at the same time')
    const end = async (result: Result): Promise<void> => (resolve(result), over)
    this.#sent.push({ number, isProbe, sentAtMs: nowMs, end })
  }

  async #compare(): Promise<void> {
    const { breaker } = await loadBreaker(database.pool, this.#rule)
    const { state, failures, retryAtMs, cooldownMs } = this.#model
    const stored = {
      state: breaker.state,
      failures: breaker.failures,
      // The database states it in fractions of a second.
      retryAtMs: breaker.retryAtMs === null ? null : Math.round(breaker.retryAtMs),
      cooldownMs: breaker.cooldownMs,
    }
    assert.deepEqual(stored, { state, failures, retryAtMs, cooldownMs })
  }
}

/** True for a refusal by the breaker; the results of the supplier are errors as well. */
function isRefusal(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'source/circuit-open'
}

const Which = fc.nat({ max: 9 })
const ResultOf = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Result>(...FAILURES) },
  { weight: 2, arbitrary: fc.constantFrom<Result>(...RESPONSES) },
  { weight: 1, arbitrary: fc.constant<Result>('stopped') },
)
const Ms = fc.constantFrom(
  1,
  1_000,
  windowMs - 1,
  windowMs,
  probeMs,
  FIRST_COOLDOWN_MS,
  4 * FIRST_COOLDOWN_MS,
)
const StepOf = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('begin' as const), worker: fc.constantFrom(0, 1) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('end' as const), which: Which, result: ResultOf }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), which: Which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: Ms }) },
)
/** Five failures first: most plays then have several cooldowns. */
const OUTAGE: readonly Step[] = Array.from({ length: failuresMax }, (_, index) => [
  { kind: 'begin', worker: index % 2 === 0 ? 0 : 1 } as const,
  { kind: 'end', which: 0, result: '500' } as const,
]).flat()
/** The worker of a test is silent for too long; another one tests, and the result of the first comes late. */
const LATE_TEST: readonly Step[] = [
  ...OUTAGE,
  { kind: 'pass', ms: FIRST_COOLDOWN_MS },
  { kind: 'begin', worker: 0 },
  { kind: 'pass', ms: probeMs },
  { kind: 'begin', worker: 1 },
  { kind: 'end', which: 0, result: '200' },
  { kind: 'begin', worker: 0 },
  { kind: 'end', which: 0, result: '200' },
  { kind: 'begin', worker: 0 },
]
const Steps = fc
  .tuple(fc.boolean(), fc.array(StepOf as fc.Arbitrary<Step>, { minLength: 15, maxLength: 40 }))
  .map(([isDown, steps]) => [...(isDown ? OUTAGE : []), ...steps])

test('two workers and the database follow the model of the breaker in any order of events', async () => {
  const play = async (steps: readonly Step[]): Promise<void> => {
    const one = new Play()
    for (const step of steps) await one.step(step)
  }
  await fc.assert(fc.asyncProperty(Steps, play), { numRuns: 15, examples: [[LATE_TEST]] })
})

test('no failure of two workers is lost or counted twice, however their calls interleave', async () => {
  const play = async (results: readonly Result[], scheduler: fc.Scheduler): Promise<void> => {
    const rule = createRule()
    const clock = createClock(1_000_000)
    const scheduled = (db: Catalog): Catalog => ({
      async call<Row>(name: string, args: Args): Promise<Row[]> {
        await scheduler.schedule(Promise.resolve(), name)
        return db.call<Row>(name, args)
      },
    })
    const sendOne = async (result: Result, index: number): Promise<void> => {
      const http: Http = async ({ url }) => toResponse(result, url)
      const db = scheduled(withClock(POOLS[index % 2 === 0 ? 0 : 1], clock))
      const ignore = (error: unknown) => isSyncError('source/cut-short', /./)(error)
      await createWorker(db, http, rule).send().catch(ignore)
    }
    await scheduler.waitFor(Promise.all(results.map(sendOne)))
    const failed = results.filter(isFailure).length
    const { breaker } = await loadBreaker(database.pool, rule)
    const open = failed >= failuresMax
    assert.deepEqual(
      [breaker.state, breaker.failures],
      [open ? 'open' : 'closed', Math.min(failed, failuresMax)],
    )
  }
  // Fewer than the requests that could find the breaker open.
  const Results = fc.array(fc.constantFrom<Result>('500', '503', 'cut', '200', '404', '429'), {
    minLength: 2,
    maxLength: failuresMax,
  })
  await fc.assert(fc.asyncProperty(Results, fc.scheduler(), play), { numRuns: 25 })
})
