import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachByKey } from './each-by-key.ts'

const keyOf = (item: string): string => item.charAt(0)

test('items run side by side within the limit, and one at a time of those that share a key', async () => {
  const ends = new Map<string, () => void>()
  const begun: string[] = []
  const all = eachByKey(['a1', 'a2', 'b1', 'c1'], { atOnce: 2, keyOf }, async (item) => {
    begun.push(item)
    await new Promise<void>((resolve) => ends.set(item, resolve))
  })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  await settled()
  assert.deepEqual(begun, ['a1', 'b1'])
  ends.get('b1')?.()
  await settled()
  assert.deepEqual(begun, ['a1', 'b1', 'c1'])
  ends.get('a1')?.()
  await settled()
  assert.deepEqual(begun, ['a1', 'b1', 'c1', 'a2'])
  for (const item of ['a2', 'c1']) ends.get(item)?.()
  await all
})

test('after an error no other item is begun, and it is thrown when those in progress have ended', async () => {
  const ended: string[] = []
  const all = eachByKey(['a', 'b', 'c'], { atOnce: 2, keyOf }, async (item) => {
    if (item === 'a') throw new Error('first')
    await new Promise((resolve) => setImmediate(resolve))
    ended.push(item)
  })
  await assert.rejects(all, /first/)
  assert.deepEqual(ended, ['b'])
})
