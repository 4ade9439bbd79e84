// The rule for a batch that has failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAmazon } from '../connectors/amazon/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { ErrorCode } from '../core/error-table.ts'
import { decideBatch, NO_FAILURES, type Failures } from './batch-decision.ts'

const DELAYS_MS = [1_000, 2_000, 4_000]

function decide(code: ErrorCode, failures: Partial<Failures> = {}, retryAfterMs?: number) {
  const error = new SyncError(code, 'failed', { retryAfterMs: retryAfterMs ?? null })
  return decideBatch(error, { ...NO_FAILURES, ...failures }, DELAYS_MS)
}

test('a batch is requested again after each delay, and then left out', () => {
  for (const [attempts, leastMs] of DELAYS_MS.entries())
    assert.deepEqual(decide('source/unavailable', { attempts }), {
      kind: 'retry',
      leastMs,
      failures: { attempts: attempts + 1, leftInRow: 0 },
    })
  assert.deepEqual(decide('source/unavailable', { attempts: 3, leftInRow: 1 }), {
    kind: 'leave',
    failures: { attempts: 0, leftInRow: 2 },
  })
  assert.equal(decide('source/unavailable', { attempts: 3, leftInRow: 4 }).kind, 'stop')
})

test('a longer Retry-After is the delay, and one of more than five minutes ends the fetch', () => {
  assert.partialDeepStrictEqual(decide('source/rate-limited', {}, 30_000), { leastMs: 30_000 })
  assert.partialDeepStrictEqual(decide('source/rate-limited', {}, 500), { leastMs: 1_000 })
  assert.equal(decide('source/rate-limited', {}, 301_000).kind, 'stop')
  assert.equal(decide('source/rate-limited', { attempts: 3 }).kind, 'stop')
})

test('an open circuit breaker ends the fetch, a refusal the run, and an odd response leaves its batch out', () => {
  assert.equal(decide('source/circuit-open', {}, 1_000).kind, 'stop')
  assert.equal(decide('source/unauthorized').kind, 'fail')
  assert.equal(decide('source/malformed').kind, 'leave')
})

test('the batches of Amazon have ten products, and continue after a cursor', () => {
  const { batches } = createAmazon()
  const keys = Array.from({ length: 25 }, (_, at) => `B${String(at).padStart(9, '0')}`)
  const all = batches?.list(keys, null) ?? []
  const sizes = all.map((batch) => batch.keys.length)
  assert.deepEqual(sizes, [10, 10, 5])
  for (const [at, { after }] of all.entries())
    assert.deepEqual(batches?.list(keys, after), all.slice(at + 1))
})
