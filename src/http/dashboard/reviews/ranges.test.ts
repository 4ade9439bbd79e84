import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRanges, parseRanges } from './ranges.ts'

test('ranges name exactly the numbers that they were made of', () => {
  for (const ids of [[5], [5, 6, 7], [1, 3, 4, 9, 10, 11]])
    assert.deepEqual(parseRanges(formatRanges(ids), 6), ids)
  assert.equal(formatRanges([1, 3, 4, 9, 10, 11]), '1,3-4,9-11')
})

test('ranges of another form, or of too many numbers, are refused', () => {
  for (const text of ['', 'a', '5-', '7-5', '1-7', '1-999999999999999', '1,2,3,4,5,6,7'])
    assert.throws(() => parseRanges(text, 6), { code: 'request/invalid' }, text)
})
