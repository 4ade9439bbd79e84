import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareLoad } from './share-load.ts'

test('calls share one attempt and its value, and a failed attempt is not kept', async () => {
  let attempts = 0
  const load = shareLoad(async () => {
    attempts += 1
    if (attempts === 1) throw new Error('the first attempt')
    return attempts
  })
  const failed = await Promise.allSettled([load(), load()])
  assert.deepEqual(
    failed.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.deepEqual(await Promise.all([load(), load(), load()]), [2, 2, 2])
  assert.equal(attempts, 2)
})
