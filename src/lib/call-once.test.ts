import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOnce } from './call-once.ts'

test('all callers share one success, and the caller after a failure tries again', async () => {
  let calls = 0
  const load = callOnce(async () => {
    calls += 1
    if (calls === 1) throw new Error('not yet')
    return calls
  })
  const failed = await Promise.allSettled([load(), load()])
  assert.deepEqual(
    failed.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.deepEqual(await Promise.all([load(), load()]), [2, 2])
  assert.deepEqual([await load(), calls], [2, 2])
})
