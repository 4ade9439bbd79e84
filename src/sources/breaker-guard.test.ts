// The request that tests a supplier: it is sent at once when it becomes the test, and ends in time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { isSyncError } from '../../test/support/error-matchers.ts'
import type { Http } from '../core/http.ts'
import type { BreakerRule, RequestLimit } from '../core/limits.ts'
import { loadBreaker, saveBreaker } from '../db/write/limits.ts'
import { limitRequests } from './limited-http.ts'

const { pool: db } = await openTestDatabase()
const signal = new AbortController().signal
let keys = 0

/** A breaker that is open, and may be tested. */
async function openBreaker(rule: Partial<BreakerRule> = {}): Promise<BreakerRule> {
  const name = { scope: 'guard', key: String(++keys) }
  const nowMs = Date.now()
  const open = {
    state: 'open',
    failedAtMs: [nowMs],
    failures: 5,
    openedAtMs: nowMs - 300_000,
    retryAtMs: nowMs - 1_000,
    cooldownMs: 300_000,
  } as const
  assert.ok(await saveBreaker(db, name, 0, open, null))
  return { ...name, ...rule }
}

function createClient(
  http: Http,
  breaker: BreakerRule,
  limits: readonly RequestLimit[] = [],
  wait: () => Promise<void> = () => Promise.resolve(),
) {
  const tools = {
    db,
    http,
    log: { debug() {}, info() {}, warn() {} },
    options: { wait },
    requestIntervals: new Map<string, number>(),
  }
  const connector = { rules: () => ({ limits, breaker }) }
  const limited = limitRequests(tools, { connector, settings: null, credentials: null })
  return () => limited({ url: 'http://supplier.example' }, signal)
}

const supplier: Http = async ({ url }) => ({
  status: 200,
  headers: new Headers(),
  url,
  body: (async function* () {})(),
  cancel: async () => undefined,
})

const stateOf = async (rule: BreakerRule) => (await loadBreaker(db, rule)).breaker.state

test('a request waits for its turn before it becomes the test', async () => {
  const rule = await openBreaker()
  const limit = { ...rule, scope: 'guard turns', intervalMs: 60_000, burst: 1, concurrency: null }
  await createClient(supplier, await openBreaker(), [limit])()
  const states: string[] = []
  const wait = async (): Promise<void> => void states.push(await stateOf(rule))
  let sentAs = ''
  const http: Http = async (...args) => {
    sentAs = await stateOf(rule)
    return supplier(...args)
  }
  await createClient(http, rule, [limit], wait)()
  assert.deepEqual([states, sentAs, await stateOf(rule)], [['open'], 'half-open', 'closed'])
})

test('a test without a response in time is ended as a failure, before another request may test', async () => {
  // The test ends five seconds before that: at once.
  const rule = await openBreaker({ policy: { probeMs: 5_001 } })
  const silent: Http = (_, stop) =>
    new Promise((_resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason as Error))
    })
  await assert.rejects(createClient(silent, rule)(), isSyncError('source/too-slow', /within 0 s/))
  const { breaker } = await loadBreaker(db, rule)
  assert.deepEqual([breaker.state, breaker.failures], ['open', 6])
})

test('a small response that is left before its end is one', async () => {
  const rule = await openBreaker({ judgesBody: true })
  const response = await createClient(supplier, rule)()
  assert.equal(await stateOf(rule), 'half-open')
  await response.cancel()
  assert.equal(await stateOf(rule), 'closed')
})
