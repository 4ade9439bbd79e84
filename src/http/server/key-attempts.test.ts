import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyAttempts, FAILURE_LIMITS } from './key-attempts.ts'

function setUp(changes: Partial<typeof FAILURE_LIMITS> = {}) {
  const clock = { nowMs: 1_000_000 }
  const keys = createKeyAttempts(() => clock.nowMs, { ...FAILURE_LIMITS, ...changes })
  const fail = (network: string, times: number): number[] =>
    Array.from({ length: times }, () => keys.recordFailure(network))
  return { clock, keys, fail }
}

test('the fifth failure causes a ban, and each further one doubles it up to an hour', () => {
  const { clock, keys, fail } = setUp()
  assert.deepEqual(fail('a', 6), [0, 0, 0, 0, 30_000, 60_000])
  assert.deepEqual(keys.findRefusal('a'), { reason: 'banned', waitMs: 60_000 })
  assert.equal(keys.findRefusal('b'), null)
  clock.nowMs += 59_999
  assert.deepEqual(keys.findRefusal('a'), { reason: 'banned', waitMs: 1 })
  clock.nowMs += 1
  assert.equal(keys.findRefusal('a'), null)
  assert.equal(fail('a', 20).at(-1), 3_600_000)
})

test('the right key resets the failures, and so does time', () => {
  const { clock, keys, fail } = setUp()
  fail('a', 4)
  keys.recordSuccess('a')
  assert.deepEqual(fail('a', 4), [0, 0, 0, 0])
  clock.nowMs += 2 * 3_600_000
  assert.deepEqual(fail('a', 4), [0, 0, 0, 0])
})

test('the right key does not lift the ban of its network', () => {
  const { clock, keys, fail } = setUp()
  fail('a', 5)
  keys.recordSuccess('a')
  assert.equal(keys.findRefusal('a')?.reason, 'banned')
  clock.nowMs += 30_000
  keys.recordSuccess('a')
  assert.deepEqual(fail('a', 4), [0, 0, 0, 0])
})

test('too many failures at once ban every network that has not sent the right key, until the window ends', () => {
  const { clock, keys } = setUp()
  keys.recordSuccess('on call')
  for (let i = 0; i < 99; i++) keys.recordFailure(`guesser ${i}`)
  assert.equal(keys.findRefusal('stranger'), null)
  clock.nowMs += 10_000
  keys.recordFailure('guesser 99')
  assert.deepEqual(keys.findRefusal('stranger'), { reason: 'crowded', waitMs: 50_000 })
  assert.equal(keys.findRefusal('on call'), null)
  clock.nowMs += 50_000
  assert.equal(keys.findRefusal('stranger'), null)
  keys.recordFailure('guesser 1')
  assert.equal(keys.findRefusal('stranger'), null)
})

test('the number of remembered networks is limited, and the oldest is forgotten first', () => {
  const { keys, fail } = setUp({ networksMax: 3, windowFailuresMax: 1e9 })
  fail('a', 5)
  fail('b', 5)
  fail('c', 1)
  keys.recordFailure('a')
  fail('d', 1)
  assert.equal(keys.findRefusal('b'), null)
  assert.equal(keys.findRefusal('a')?.reason, 'banned')
})
