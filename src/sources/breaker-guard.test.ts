// The request that tests a supplier: it is sent at once when it becomes the test, and ends in time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { isSyncError } from '../../test/support/error-matchers.ts'
import { createRequestTools, openBreaker, respondEmpty } from '../../test/support/requests.ts'
import type { Http } from '../core/http.ts'
import type { BreakerRule, RequestLimit } from '../core/limits.ts'
import { loadBreaker } from '../db/write/limits.ts'
import { limitRequests } from './limited-http.ts'

const { pool: db } = await openTestDatabase()
const signal = new AbortController().signal
let keys = 0

/** A breaker that is open, and may be tested. */
async function openTestable(rule: Partial<BreakerRule> = {}): Promise<BreakerRule> {
  const name = { scope: 'guard', key: String(++keys) }
  await openBreaker(db, name, -1_000)
  return { ...name, ...rule }
}

function createClient(
  http: Http,
  breaker: BreakerRule,
  limits: readonly RequestLimit[] = [],
  wait: () => Promise<void> = () => Promise.resolve(),
) {
  const tools = createRequestTools({ db, http, options: { wait } })
  const connector = { rules: () => ({ limits, breaker }) }
  const limited = limitRequests(tools, { connector, settings: null, credentials: null })
  return () => limited({ url: 'http://supplier.example' }, signal)
}

const stateOf = async (rule: BreakerRule) => (await loadBreaker(db, rule)).breaker.state

test('a request waits for its turn before it becomes the test', async () => {
  const rule = await openTestable()
  const limit = { ...rule, scope: 'guard turns', intervalMs: 60_000, burst: 1, concurrency: null }
  await createClient(respondEmpty, await openTestable(), [limit])()
  const states: string[] = []
  const wait = async (): Promise<void> => void states.push(await stateOf(rule))
  let sentAs = ''
  const http: Http = async (...args) => {
    sentAs = await stateOf(rule)
    return respondEmpty(...args)
  }
  await createClient(http, rule, [limit], wait)()
  assert.deepEqual([states, sentAs, await stateOf(rule)], [['open'], 'half-open', 'closed'])
})

test('a test without a response in time is ended as a failure, before another request may test', async () => {
  // The test ends five seconds before that: at once.
  const rule = await openTestable({ policy: { probeMs: 5_001 } })
  const silent: Http = (_, stop) =>
    new Promise((_resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason as Error))
    })
  await assert.rejects(createClient(silent, rule)(), isSyncError('source/too-slow', /within 0 s/))
  const { breaker } = await loadBreaker(db, rule)
  assert.deepEqual([breaker.state, breaker.failures], ['open', 6])
})

test('a test whose small response is cancelled before its end has succeeded', async () => {
  const rule = await openTestable({ judgesBody: true })
  const response = await createClient(respondEmpty, rule)()
  assert.equal(await stateOf(rule), 'half-open')
  await response.cancel()
  assert.equal(await stateOf(rule), 'closed')
})
