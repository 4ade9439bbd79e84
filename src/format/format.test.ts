import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration } from '../lib/format-duration.ts'
import { formatArgument, formatBytes, formatInstant, formatPriceChange } from './format.ts'
import { formatCount, formatQuantity, formatNext, formatRelative } from '../lib/words.ts'

test('numbers have separators, and nouns follow their number', () => {
  assert.deepEqual(
    [
      formatCount(1234567),
      formatQuantity(1, 'run'),
      formatQuantity(2000, 'run'),
      formatQuantity(0, 'entry', 'entries'),
    ],
    ['1,234,567', '1 run', '2,000 runs', '0 entries'],
  )
})

test('sizes and durations have a unit that fits their magnitude', () => {
  assert.deepEqual([0, 999, 1000, 5600, 601_000_000, 1.5e12].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 KB',
    '5.6 KB',
    '601 MB',
    '1.5 TB',
  ])
  assert.deepEqual([0, 9.94, 59.6, 200, 7500].map(formatDuration), [
    '0.0 s',
    '9.9 s',
    '60 s',
    '3 min 20 s',
    '2 h 5 min',
  ])
})

test('an instant is formatted relative to now, or in UTC', () => {
  const now = new Date('2026-01-31T12:00:00Z')
  const at = (seconds: number) => formatRelative(new Date(now.getTime() + seconds * 1000), now)
  assert.deepEqual(
    [at(-10), at(-300), at(3 * 3600), at(-3 * 86_400)],
    ['just now', '5 min ago', 'in 3 h', '3 d ago'],
  )
  const next = (seconds: number) => formatNext(new Date(now.getTime() + seconds * 1000), now)
  assert.deepEqual([next(-10), next(20), next(3 * 3600)], ['now', 'in 20 s', 'in 3 h'])
  assert.deepEqual([formatInstant(now), formatInstant(null)], ['2026-01-31 12:00:00 UTC', '-'])
})

test('a change of a price states the currency once, unless the currency changes too', () => {
  const of = (amountMinor: number | null, currency: string | null = 'AUD') => ({
    amountMinor,
    currency,
  })
  assert.deepEqual(
    [
      formatPriceChange(of(1250), of(1300)),
      formatPriceChange(of(1250, 'EUR'), of(1300)),
      formatPriceChange(of(null), of(1300)),
      formatPriceChange(of(1250), of(null)),
      formatPriceChange(of(1200, 'JPY'), of(1300, 'JPY')),
    ],
    [
      'AUD 12.50 → 13.00',
      'EUR 12.50 → AUD 13.00',
      'no price → AUD 13.00',
      'AUD 12.50 → no price',
      'JPY 1200 → 1300',
    ],
  )
})

test('an argument of a command to copy is quoted if a shell would change it', () => {
  assert.deepEqual(['gid://shop/1', 'a b', "it's", '$(x)'].map(formatArgument), [
    'gid://shop/1',
    "'a b'",
    String.raw`'it'\''s'`,
    "'$(x)'",
  ])
})
