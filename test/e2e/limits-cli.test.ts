// `shelfsync limits`: the state of limits and circuit breakers, and how a person resets one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetricsReader } from '../../src/db/read/metrics.ts'
import { loadStatus } from '../../src/db/read/source-summaries.ts'
import { saveBreaker } from '../../src/db/write/limits.ts'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { openTestDatabase } from '../support/database.ts'
import { openShelfsync } from './shelfsync.ts'

const SHOP = { scope: 'host', key: 'some-shop.example' }

test('an open circuit breaker is in limits, status and metrics until it is reset', async (t) => {
  const { pool, url } = await openTestDatabase(t)
  await migrateQueue(pool)
  const shelf = await openShelfsync(t, { DATABASE_URL: url })
  assert.match((await shelf.run('limits')).stdout, /^No request waits/)
  const nowMs = Date.now()
  const open = {
    state: 'open',
    failedAtMs: [nowMs],
    failures: 7,
    openedAtMs: nowMs,
    retryAtMs: nowMs + 1_200_000,
    cooldownMs: 1_200_000,
  } as const
  assert.equal(await saveBreaker(pool, SHOP, 0, open, 'status 503'), true)
  const listed = await shelf.run('limits')
  assert.match(listed.stdout, /host +some-shop\.example +open +7 +test in 20 min +0 +0 +status 503/)
  const { breakers } = await loadStatus(pool, { source: null, limit: 10 }, 5_000)
  assert.partialDeepStrictEqual(breakers, [{ ...SHOP, state: 'open', failures: 7 }])
  assert.match(
    (await shelf.run('status')).stdout,
    /some-shop\.example has failed 7 times and gets no request: the next test is in 20 min/,
  )
  assert.match(
    (await shelf.run('jobs')).stdout,
    /^No task has failed permanently\.\nsome-shop\.example has failed 7 times and gets no request/,
  )
  const count = async (): Promise<number[]> =>
    (await createMetricsReader(pool)()).flatMap(({ name, value }) =>
      name === 'shelfsync_open_circuit_breakers' ? [value] : [],
    )
  assert.deepEqual(await count(), [1, 0])

  const unknown = await shelf.run('limits', 'reset', 'other.example')
  assert.match(unknown.stderr, /No limit or circuit breaker is named host other\.example/)
  const reset = await shelf.run('limits', 'reset', 'some-shop.example')
  assert.match(reset.stdout, /The next request to some-shop\.example begins at once/)
  assert.match((await shelf.run('limits')).stdout, /^No request waits/)
  assert.deepEqual(await count(), [0, 0])
  assert.deepEqual((await loadStatus(pool, { source: null, limit: 10 }, 5_000)).breakers, [])
})
