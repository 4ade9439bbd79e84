import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  admit,
  afterFailedProbe,
  afterFailure,
  afterLostProbe,
  BREAKER_POLICY,
  CLOSED,
  type Breaker,
} from './breaker.ts'

const MINUTE_MS = 60_000
const policy = { ...BREAKER_POLICY, failuresMax: 3 }

/** The state after failures at these times. */
function failAt(...timesMs: readonly number[]): Breaker {
  return timesMs.reduce<Breaker>(
    (breaker, atMs) => afterFailure(breaker, atMs, policy) ?? breaker,
    CLOSED,
  )
}

test('the breaker opens when as many requests fail as allowed within its window', () => {
  assert.equal(failAt(0, 1).state, 'closed')
  assert.deepEqual(failAt(0, 1, 2), {
    state: 'open',
    failedAtMs: [0, 1, 2],
    failures: 3,
    openedAtMs: 2,
    retryAtMs: 2 + policy.cooldownMs,
    cooldownMs: policy.cooldownMs,
  })
})

test('failures that are older than the window do not count', () => {
  assert.equal(failAt(0, 1, MINUTE_MS + 1).state, 'closed')
  assert.equal(failAt(0, 1, MINUTE_MS - 1).state, 'open')
})

test('an open breaker refuses until its time, and then lets one request through as the probe', () => {
  const open = failAt(0, 1, 2)
  const retryAtMs = open.retryAtMs ?? 0
  assert.deepEqual(admit(open, 1002, policy), { kind: 'refuse', retryAfterMs: retryAtMs - 1002 })
  const admission = admit(open, retryAtMs, policy)
  assert.ok(admission.kind === 'probe')
  assert.equal(admit(admission.next, retryAtMs + 1, policy).kind, 'refuse')
  assert.equal(admit(admission.next, retryAtMs + policy.probeMs, policy).kind, 'probe')
})

test('each failed probe doubles the cooldown, up to an hour', () => {
  let breaker = failAt(0, 1, 2)
  const minutes: number[] = []
  for (let probe = 0; probe < 6; probe++) {
    const nowMs = breaker.retryAtMs ?? 0
    breaker = afterFailedProbe(breaker, nowMs, policy)
    assert.equal(breaker.retryAtMs, nowMs + breaker.cooldownMs)
    minutes.push(breaker.cooldownMs / MINUTE_MS)
  }
  assert.deepEqual(minutes, [10, 20, 40, 60, 60, 60])
})

test('a probe that was given up lets the next request probe at once', () => {
  const open = failAt(0, 1, 2)
  const nowMs = open.retryAtMs ?? 0
  assert.equal(admit(afterLostProbe(open, nowMs), nowMs, policy).kind, 'probe')
})

test('a late failure of a request that was sent before the breaker opened changes nothing', () => {
  assert.equal(afterFailure(failAt(0, 1, 2), 3, policy), null)
})
