import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { chooseDelayMs, parseRetryAfter, wait } from './back-off.ts'

const widest = () => 0.999_999

test('the upper bound doubles with each attempt up to its maximum', () => {
  const delays = [0, 1, 2, 3, 4, 500].map((attempt) =>
    chooseDelayMs(attempt, { baseMs: 100, maxMs: 1000, random: widest }),
  )
  assert.deepEqual(delays, [100, 200, 400, 800, 1000, 1000])
})

test('full jitter includes a delay of zero', () => {
  assert.equal(chooseDelayMs(5, { baseMs: 100, maxMs: 1000, random: () => 0 }), 0)
})

test('Retry-After is the minimum, and jitter is added to it', () => {
  assert.equal(
    chooseDelayMs(0, { baseMs: 100, maxMs: 1000, retryAfterMs: 60_000, random: () => 0 }),
    60_000,
  )
  assert.equal(
    chooseDelayMs(0, { baseMs: 100, maxMs: 1000, retryAfterMs: 60_000, random: () => 0.5 }),
    60_050,
  )
})

test('a Retry-After above its maximum is reduced, and a negative one is ignored', () => {
  const options = { baseMs: 100, maxMs: 1000, random: () => 0 }
  assert.equal(chooseDelayMs(0, { ...options, retryAfterMs: 1e12, retryAfterMaxMs: 5000 }), 5000)
  assert.equal(chooseDelayMs(0, { ...options, retryAfterMs: -5 }), 0)
})

test('Retry-After is read as seconds or as a date, and any other text is ignored', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z')
  assert.equal(parseRetryAfter('120', nowMs), 120_000)
  assert.equal(parseRetryAfter(' 0.5 ', nowMs), 500)
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', nowMs), 30_000)
  assert.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', nowMs), 0)
  const aYearMs = 366 * 86_400_000
  for (const header of ['9'.repeat(400), '1'.padEnd(300, '0'), 'Fri, 31 Dec 9999 23:59:59 GMT'])
    assert.equal(parseRetryAfter(header, nowMs), aYearMs)
  for (const header of [null, '', 'soon', '-5', '1e3'])
    assert.equal(parseRetryAfter(header, nowMs), null)
})

test('wait resolves after its time and removes its listener', async () => {
  const { signal } = new AbortController()
  await wait(0, signal)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('a wait beyond the maximum of a timer does not end at once', async (t) => {
  const warnings: string[] = []
  const note = ({ name }: Error) => void warnings.push(name)
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  const controller = new AbortController()
  const waiting = wait(2 ** 40, controller.signal)
  await new Promise(setImmediate)
  controller.abort()
  await assert.rejects(waiting)
  assert.deepEqual(warnings, [])
})

test('wait rejects with the reason of an abort, before or during the wait', async () => {
  const controller = new AbortController()
  const reason = new Error('the operator pressed Ctrl-C')
  const waiting = wait(60_000, controller.signal)
  controller.abort(reason)
  await assert.rejects(waiting, (error) => error === reason)
  await assert.rejects(wait(0, controller.signal), (error) => error === reason)
})
