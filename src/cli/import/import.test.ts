import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { SyncError } from '../../core/errors.ts'
import { Output } from '../terminal/output.ts'
import { formatCard, formatLine, formatSummary } from './format.ts'
import { readItems, toItems } from './read-items.ts'

const stream = { write: () => true }
const output = new Output(stream, stream)
const NAMES = { externalId: 'B08DQQ8CBP', asin: 'B08DQQ8CBP', marketplace: 'www.amazon.com' }
const CREATED = {
  ...NAMES,
  productId: '7b8a29c5-4f11-5f0c-9d66-2f8a4cbb7a10',
  state: 'created',
  imported: ['title', 'current_price'],
  missing: ['description'],
} as const
const FAILED = {
  ...NAMES,
  productId: null,
  state: 'failed',
  imported: [],
  missing: [],
  error: { code: 'source/no-product', message: 'Amazon does not\nknow it\u001b[2J' },
} as const
const FACTS = {
  title: 'ESP32\n\u001b]0;owned\u0007Board',
  url: 'https://www.amazon.com/dp/B08DQQ8CBP',
  availability: 'In Stock',
  amountMinor: 1_500,
  currency: 'USD',
  compareAtMinor: 2_000,
}
const asOf = new Date('2026-11-28T12:00:00Z')

test('a card has title, price with its time, availability and link, and no control characters', () => {
  const card = formatCard(output, { result: CREATED, facts: FACTS, asOf })
  const lines = card.split('\n')
  assert.equal(lines.length, 5)
  assert.match(lines[0] ?? '', /^B08DQQ8CBP created: ESP32 .*Board$/)
  assert.match(card, /price +USD 15\.00 instead of USD 20\.00, as of 2026-11-28 12:00:00 UTC/)
  assert.match(
    card,
    /availability +In Stock\n {2}link +https:\/\/www\.amazon\.com\/dp\/B08DQQ8CBP\n/,
  )
  assert.match(card, /missing +description$/)
  const unknown = formatCard(output, { result: CREATED, facts: null, asOf: null })
  assert.match(unknown, /: no title\n {2}price +none\n/)
  const failed = formatCard(output, { result: FAILED, facts: null, asOf })
  for (const text of [card, failed, formatLine(output, FAILED)])
    assert.doesNotMatch(text, /(?!\n)\p{Cc}/u)
  assert.doesNotMatch(failed, /\n/)
})

test('a line lists the fields, and the summary counts the states', () => {
  assert.equal(
    formatLine(output, CREATED),
    'B08DQQ8CBP created: imported title, current_price; missing description',
  )
  assert.equal(formatSummary([CREATED, CREATED, FAILED]), '3 products: 2 created, 1 failed')
})

test('a list has one product a line, without blank lines, comments and a byte order mark', () => {
  assert.deepEqual(
    toItems('\ufeffB1\r\n\r\n# all\n  B2\t# two\nhttps://www.amazon.com/dp/B3#reviews\r'),
    ['B1', 'B2', 'https://www.amazon.com/dp/B3#reviews'],
  )
})

test('lists are bounded, and an empty one is an error', async () => {
  const read = (chunk: string, items: readonly string[] = []) =>
    readItems({ items, from: '-', input: Readable.from([chunk]) })
  assert.deepEqual(await read('B2\n', ['B1']), ['B1', 'B2'])
  for (const [text, message] of [
    ['# nothing\n', /- names no product/],
    ['B1\n'.repeat(10_001), /10001 products are named; one import takes at most 10000/],
    ['x'.repeat(5 * 1024 * 1024), /larger than 4 MiB/],
  ] as const)
    await assert.rejects(read(text), (error) => {
      assert.ok(error instanceof SyncError && error.code === 'usage/invalid')
      assert.match(error.message, message)
      return true
    })
})
