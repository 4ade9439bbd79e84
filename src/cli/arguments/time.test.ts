import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import { parseDuration, parseSince, toDurationArgument } from './time.ts'

const NOW = new Date('2026-03-01T00:00:00Z')

test('--since accepts a day in UTC, or a time with its zone', () => {
  const read = (text: string) => parseSince(text, NOW).toISOString()
  assert.deepEqual(
    [
      '2026-01-31',
      '2026-01-31T12:00:00Z',
      '2026-01-31T12:00:00.5Z',
      '2026-01-31T22:00+10:00',
      '2024-02-29',
      '2026-03-01',
    ].map(read),
    [
      '2026-01-31T00:00:00.000Z',
      '2026-01-31T12:00:00.000Z',
      '2026-01-31T12:00:00.500Z',
      '2026-01-31T12:00:00.000Z',
      '2024-02-29T00:00:00.000Z',
      NOW.toISOString(),
    ],
  )
})

test('--since refuses a time that does not exist, has no time zone, is in the future or is not ISO 8601', () => {
  const wrong = [
    '2026-02-30',
    '2025-02-29',
    '2026-01-31T24:30:00Z',
    '2026-01-31T12:00:00',
    '31.01.2026',
    '1/31/2026',
    '2026',
    'Jan 31 2026',
    '1767225600',
    '',
  ]
  const future = ['2026-03-02', '2026-03-01T00:00:01Z', '2026-03-01T09:00:01+09:00']
  for (const text of [...wrong, ...future]) {
    assert.throws(
      () => parseSince(text, NOW),
      (error) =>
        error instanceof InvalidArgumentError &&
        /in UTC such as 2026-01-31.*the future/.test(error.message),
      text,
    )
  }
})

test('a duration has minutes, hours or days, up to a limit, and is printed in its largest whole unit', () => {
  const read = (text: string) => toDurationArgument(parseDuration(text, 90))
  assert.deepEqual(['30m', '120m', '8h', '48h', '36h', '90d'].map(read), [
    '30m',
    '2h',
    '8h',
    '2d',
    '36h',
    '90d',
  ])
  assert.equal(parseDuration('36h', 90), 129_600_000)
  for (const text of ['0m', '91d', '2w', '8', 'h', '-1h', '1.5h', '8 h', ''])
    assert.throws(
      () => parseDuration(text, 90),
      /It must be such as 30m, 8h or 2d, and at most 90d/,
    )
})
