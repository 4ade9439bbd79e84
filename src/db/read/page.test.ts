import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCursor, loadAllPages, loadPage, type ListName, type PageRequest } from './page.ts'

const NUMBERS = [9, 7, 5, 3, 1]

/** Lists the numbers, the highest first. */
function listNumbers(page: PageRequest, list: ListName = 'runs') {
  return loadPage(list, page, {
    load: (before, limit) => {
      const rest = NUMBERS.filter((number) => before === null || number < Number(before))
      return Promise.resolve(rest.slice(0, limit))
    },
    toItem: (number) => number,
    keyOf: (number) => number,
  })
}

test('pages follow each other without a gap, and the last one has no cursor', async () => {
  const first = await listNumbers({ limit: 2 })
  const second = await listNumbers({ limit: 2, after: first.next ?? '' })
  const third = await listNumbers({ limit: 2, after: second.next ?? '' })
  assert.deepEqual([first.items, second.items, third.items], [[9, 7], [5, 3], [1]])
  assert.equal(third.next, null)
})

test('a page that ends exactly at the end of the list has no cursor', async () => {
  assert.deepEqual(await listNumbers({ limit: 5 }), { items: NUMBERS, next: null })
  assert.deepEqual(await loadAllPages((page) => listNumbers({ ...page, limit: 2 })), NUMBERS)
})

test('a cursor is valid for the list that returned it only', async () => {
  const { next } = await listNumbers({ limit: 1 })
  assert.ok(next !== null && isCursor('runs', next))
  assert.ok(!isCursor('reviews', next))
  for (const wrong of [
    '',
    '7',
    `${next}=`,
    `${next}x`,
    Buffer.from('runs:-1').toString('base64url'),
  ])
    assert.ok(!isCursor('runs', wrong), wrong)
  await assert.rejects(listNumbers({ limit: 1, after: next }, 'reviews'), { code: 'usage/invalid' })
})
