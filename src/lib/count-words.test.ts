import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countAll, countSome } from './count-words.ts'

test('the noun agrees with what is counted, and the verb with how many', () => {
  assert.equal(countSome(1, 1, 'variant', 'have no price'), '1 of 1 variant has no price')
  assert.equal(countSome(1, 3, 'variant', 'share a price'), '1 of 3 variants shares a price')
  assert.equal(countSome(2, 3, 'variant', 'have no price'), '2 of 3 variants have no price')
  assert.equal(countAll(1, 'image', 'are left out'), '1 image is left out')
  assert.equal(countAll(2, 'image', 'have no address'), '2 images have no address')
})
