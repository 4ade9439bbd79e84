// Daily quotas, the reserve of urgent requests, and the number of calls to the database, for two workers
// with their own connections.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { openTestDatabase } from '../../test/support/database.ts'
import { isSyncError } from '../../test/support/error-matchers.ts'
import { createRequestTools } from '../../test/support/requests.ts'
import { SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import type { RequestLimit } from '../core/limits.ts'
import type { Args, Catalog } from '../db/catalog.ts'
import { openPool } from '../db/pool.ts'
import { listLimits } from '../db/read/limits.ts'
import { limitRequests } from './limited-http.ts'

const database = await openTestDatabase()
const secondPool = await openPool(database.url, { applicationName: 'second worker' })
after(() => secondPool.end())

const HOUR_MS = 3_600_000
const signal = new AbortController().signal
const REQUEST = { url: 'http://supplier.example' }

/** A client that fails instead of waiting. */
function createClient(db: Catalog, limits: readonly RequestLimit[], urgent: boolean): Http {
  const wait = async (): Promise<void> => {
    throw new SyncError('source/rate-limited', 'it would wait')
  }
  const tools = createRequestTools({ db, options: { wait } })
  const rules = () => ({ limits, breaker: { scope: 'host', key: 'supplier.example' } })
  return limitRequests(tools, { connector: { rules }, settings: null, credentials: null, urgent })
}

async function isSent(http: Http): Promise<boolean> {
  try {
    await (await http(REQUEST, signal)).cancel()
    return true
  } catch (error) {
    isSyncError('source/rate-limited', /./)(error)
    return false
  }
}

let keys = 0
const makeLimit = (limit: Partial<RequestLimit>): RequestLimit => ({
  scope: 'quota',
  key: String(++keys),
  intervalMs: 0,
  burst: 1,
  concurrency: null,
  ...limit,
})

async function readDay(): Promise<string> {
  const { rows } = await database.pool.query<{ day: string }>(
    'select catalog.to_day(clock_timestamp())::text as day',
  )
  return rows[0]?.day ?? ''
}

test('a limit without a daily quota counts no requests of the day, and is not listed when it is free', async () => {
  const [unlimited, daily] = [makeLimit({ intervalMs: 10 }), makeLimit({ perDay: 5 })]
  for (const limit of [unlimited, daily])
    assert.equal(await isSent(createClient(database.pool, [limit], false)), true)
  const listed = (await listLimits(database.pool)).filter(({ scope }) => scope === 'quota')
  assert.deepEqual(
    listed.map(({ key, usedToday }) => [key, usedToday]),
    [[daily.key, 1]],
  )
})

const Requests = fc.array(fc.boolean(), { minLength: 1, maxLength: 24 })

test('two workers never exceed a daily quota, and other requests leave its reserve to the urgent ones', async () => {
  const play = async (perDay: number, percent: number, requests: readonly boolean[]) => {
    const limit = makeLimit({ perDay, reserve: percent / 100 })
    const day = await readDay()
    const sent = await Promise.all(
      requests.map(async (urgent, index) => {
        const db = index % 2 === 0 ? database.pool : secondPool
        return (await isSent(createClient(db, [limit], urgent))) ? urgent : null
      }),
    )
    // A quota that began in between is another one.
    if (day !== (await readDay())) return
    const count = (list: readonly (boolean | null)[], urgent: boolean): number =>
      list.filter((one) => one === urgent).length
    const othersMax = Math.floor(perDay * (1 - percent / 100))
    const others = count(sent, false)
    const urgent = count(sent, true)
    assert.ok(others <= othersMax, `${others} others of ${othersMax}`)
    assert.ok(urgent >= Math.min(count(requests, true), perDay - othersMax))
    const wanted = count(requests, true) + Math.min(count(requests, false), othersMax)
    assert.equal(urgent + others, Math.min(wanted, perDay))
  }
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 25, 50), Requests, play),
    { numRuns: 25 },
  )
})

test('a daily quota begins again with the next day of the database', async () => {
  const limit = makeLimit({ perDay: 1 })
  const http = createClient(database.pool, [limit], false)
  assert.deepEqual([await isSent(http), await isSent(http)], [true, false])
  await database.pool.query('update catalog.limits set day = day - 1 where key = $1', [limit.key])
  assert.equal(await isSent(http), true)
})

test('a used quota is refused with the time until the next day', async () => {
  const limit = makeLimit({ perDay: 0 })
  await assert.rejects(createClient(database.pool, [limit], true)(REQUEST, signal), (error) => {
    assert.ok(error instanceof SyncError)
    return (error.retryAfterMs ?? HOUR_MS) <= 24 * HOUR_MS && error.code === 'source/rate-limited'
  })
})

test('requests that are not urgent leave the reserve of a rate to the urgent ones', async () => {
  const limit = makeLimit({ intervalMs: HOUR_MS, burst: 10, reserve: 0.4 })
  const others = createClient(database.pool, [limit], false)
  const urgent = createClient(secondPool, [limit], true)
  const count = async (http: Http): Promise<number> => {
    let sent = 0
    while (sent < 20 && (await isSent(http))) sent += 1
    return sent
  }
  assert.deepEqual([await count(others), await count(urgent)], [6, 4])
})

test('a request with a circuit breaker and two limits calls the database twice', async () => {
  const called: string[] = []
  const db: Catalog = {
    call<Row>(name: string, args: Args): Promise<Row[]> {
      called.push(name)
      return database.pool.call<Row>(name, args)
    },
  }
  const limits = [makeLimit({ concurrency: 1, intervalMs: 10, burst: 4 }), makeLimit({ burst: 4 })]
  assert.equal(await isSent(createClient(db, limits, false)), true)
  assert.deepEqual(called, ['admit_request', 'leave_limit'])
})
