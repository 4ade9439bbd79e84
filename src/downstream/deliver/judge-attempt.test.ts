import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ATTEMPTS_MAX, judgeAttempt } from './judge-attempt.ts'

const attempt = (status: number, retryAfter: string | null = null) => ({ status, retryAfter })

test('any status of 200 to 299 is a delivery, and nothing else is', () => {
  for (const status of [200, 202, 204, 299])
    assert.equal(judgeAttempt(attempt(status), 0).state, 'delivered')
  for (const status of [199, 300, 301, 400, 401, 404, 429, 500, 503])
    assert.equal(judgeAttempt(attempt(status), 0).state, 'waiting')
})

test('the delay doubles up to six hours, and is never below five seconds', () => {
  const longest = (attempts: number): number =>
    Math.max(...Array.from({ length: 400 }, () => judgeAttempt(attempt(500), attempts).delayMs))
  assert.ok(longest(0) <= 35_000 && longest(0) > 20_000)
  assert.ok(longest(3) <= 245_000 && longest(3) > 150_000)
  assert.ok(longest(12) <= 6 * 3_600_000 + 5_000)
  for (let n = 0; n < 400; n++) assert.ok(judgeAttempt(attempt(500), 0).delayMs >= 5_000)
})

test('the pause that a receiver states is kept, up to an hour', () => {
  const { pauseMs, delayMs } = judgeAttempt(attempt(429, '120'), 0)
  assert.equal(pauseMs, 120_000)
  assert.ok(delayMs >= 120_000)
  assert.equal(judgeAttempt(attempt(503, '999999'), 0).pauseMs, 3_600_000)
  assert.ok(judgeAttempt(attempt(503, '999999'), 0).delayMs >= 3_600_000)
})

test('the last attempt makes a dead letter, also without a response', () => {
  assert.equal(judgeAttempt(attempt(500), ATTEMPTS_MAX - 2).state, 'waiting')
  assert.equal(judgeAttempt(attempt(500), ATTEMPTS_MAX - 1).state, 'dead')
  assert.equal(judgeAttempt({ error: 'reset' }, ATTEMPTS_MAX - 1).state, 'dead')
  assert.equal(judgeAttempt({ error: 'nothing left', isFinal: true }, 0).state, 'dead')
})

test('410 disables the webhook and keeps the message', () => {
  const { state, disable } = judgeAttempt(attempt(410), ATTEMPTS_MAX - 1)
  assert.equal(state, 'waiting')
  assert.match(disable ?? '', /410/)
})
