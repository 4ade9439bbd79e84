import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calendar, dueAt, faultOf } from './due.ts'

const NIGHTLY = { cron: '17 3 * * *', zone: 'Australia/Sydney', fullOn: 'sunday' } as const

test('a source is due at the first scheduled time after its last good run, in its own zone', () => {
  const { at, late } = dueAt(
    NIGHTLY,
    new Date('2026-01-14T16:20:00Z'),
    new Date('2026-01-15T10:00:00Z'),
  )
  assert.deepEqual([at?.toISOString(), late], ['2026-01-15T16:17:00.000Z', false])
  // In winter, Sydney is an hour closer to UTC.
  assert.equal(
    dueAt(NIGHTLY, new Date('2026-07-14T18:00:00Z'), new Date()).at?.toISOString(),
    '2026-07-15T17:17:00.000Z',
  )
})

test('a missed time is late after an hour of grace', () => {
  const lastGood = new Date('2026-01-14T16:20:00Z')
  assert.equal(dueAt(NIGHTLY, lastGood, new Date('2026-01-15T17:00:00Z')).late, false)
  assert.equal(dueAt(NIGHTLY, lastGood, new Date('2026-01-15T17:18:00Z')).late, true)
})

test('an invalid schedule has no next time and is late', () => {
  for (const wrong of [{ zone: 'Mars/Olympus' }, { cron: '0 0 30 2 *' }, { cron: '99 * * * *' }]) {
    assert.deepEqual(
      dueAt({ ...NIGHTLY, ...wrong }, new Date(0), new Date(1)),
      { at: null, late: true },
      JSON.stringify(wrong),
    )
  }
})

test('an invalid schedule is refused with the reason', () => {
  assert.equal(faultOf(NIGHTLY), null)
  assert.match(
    faultOf({ cron: '99 * * * *', zone: 'UTC' }) ?? '',
    /"99 \* \* \* \*" in UTC is not a valid schedule/,
  )
  assert.match(faultOf({ cron: '0 3 * * *', zone: 'Mars/Olympus' }) ?? '', /Mars\/Olympus/)
  assert.match(faultOf({ cron: '0 0 30 2 *', zone: 'UTC' }) ?? '', /never occurs/)
  assert.equal(
    faultOf({ cron: '* * * * * *', zone: 'UTC' }),
    '"* * * * * *" is not a valid cron expression: write minute, hour, day of month, month and day of week, as in 17 3 * * *',
  )
})

/**
 * Returns the starts of runs between two instants, for a scheduler that checks once a minute. Each
 * run starts at its check.
 */
function starts(cron: string, from: string, to: string): string[] {
  const schedule = { cron, zone: 'Australia/Sydney', fullOn: 'none' } as const
  const started: string[] = []
  let since = new Date(from)
  for (let now = since; now <= new Date(to); now = new Date(now.getTime() + 60_000)) {
    const { at } = dueAt(schedule, since, now)
    if (at === null || at > now) continue
    started.push(now.toISOString())
    since = now
  }
  return started
}

test('a time skipped by a clock change starts one run, at the first instant after it', () => {
  // On 4 October 2026 Sydney goes from 02:00 to 03:00, at 16:00 UTC.
  assert.deepEqual(starts('30 2 * * *', '2026-10-02T12:00:00Z', '2026-10-04T20:00:00Z'), [
    '2026-10-02T16:30:00.000Z',
    '2026-10-03T16:00:00.000Z',
    '2026-10-04T15:30:00.000Z',
  ])
  assert.deepEqual(starts('30 2 * * 0', '2026-10-02T12:00:00Z', '2026-10-04T20:00:00Z'), [
    '2026-10-03T16:00:00.000Z',
  ])
})

test('a time repeated by a clock change starts one run, the first time', () => {
  // On 4 April 2027 Sydney goes from 03:00 back to 02:00, at 16:00 UTC.
  assert.deepEqual(starts('30 2 * * *', '2027-04-02T12:00:00Z', '2027-04-04T20:00:00Z'), [
    '2027-04-02T15:30:00.000Z',
    '2027-04-03T15:30:00.000Z',
    '2027-04-04T16:30:00.000Z',
  ])
  // A manual run between the two does not make the second one due either.
  assert.equal(
    dueAt(
      { ...NIGHTLY, cron: '30 2 * * *' },
      new Date('2027-04-03T15:50:00Z'),
      new Date(),
    ).at?.toISOString(),
    '2027-04-04T16:30:00.000Z',
  )
})

test('a nightly time occurs once every night, also when clocks change', () => {
  assert.deepEqual(starts(NIGHTLY.cron, '2026-10-02T12:00:00Z', '2026-10-04T20:00:00Z'), [
    '2026-10-02T17:17:00.000Z',
    '2026-10-03T16:17:00.000Z',
    '2026-10-04T16:17:00.000Z',
  ])
  assert.deepEqual(starts(NIGHTLY.cron, '2027-04-02T12:00:00Z', '2027-04-04T20:00:00Z'), [
    '2027-04-02T16:17:00.000Z',
    '2027-04-03T17:17:00.000Z',
    '2027-04-04T17:17:00.000Z',
  ])
})

test('an hourly source runs every hour that passes, in the nights of 23 and of 25 hours too', () => {
  const from = { spring: '2026-10-03T13:30:20Z', autumn: '2027-04-03T13:30:20Z' }
  assert.deepEqual(
    starts('0 * * * *', from.spring, '2026-10-03T18:30:20Z').map((at) => at.slice(11, 16)),
    ['14:00', '15:00', '16:00', '17:00', '18:00'],
  )
  assert.deepEqual(
    starts('0 * * * *', from.autumn, '2027-04-03T18:30:20Z').map((at) => at.slice(11, 16)),
    ['14:00', '15:00', '16:00', '17:00', '18:00'],
  )
})

test('a clock that is set back does not start a run twice', () => {
  const begun = new Date('2026-01-14T16:17:03Z')
  for (const now of [
    '2026-01-14T15:20:00Z',
    '2026-01-14T16:16:59Z',
    '2026-01-14T16:17:05Z',
    '2026-01-14T23:00:00Z',
  ]) {
    const { at } = dueAt(NIGHTLY, begun, new Date(now))
    assert.ok(at && at > new Date(now), now)
  }
})

test('missed nights are one due time, not three', () => {
  const back = '2026-01-18T09:00:00Z'
  assert.equal(
    dueAt(NIGHTLY, new Date('2026-01-14T16:17:03Z'), new Date(back)).at?.toISOString(),
    '2026-01-15T16:17:00.000Z',
  )
  assert.equal(
    dueAt(NIGHTLY, new Date(back), new Date(back)).at?.toISOString(),
    '2026-01-18T16:17:00.000Z',
  )
})

test('a calendar returns the same times as the schedule, and parses it once', () => {
  const calendar = new Calendar()
  const now = new Date('2026-01-15T17:18:00Z')
  for (const [schedule, since] of [
    [NIGHTLY, '2026-01-14T16:20:00Z'],
    [NIGHTLY, '2026-01-15T16:20:00Z'],
    [{ ...NIGHTLY, zone: 'UTC' }, '2026-01-14T16:20:00Z'],
    [{ ...NIGHTLY, cron: '99 * * * *' }, '2026-01-14T16:20:00Z'],
  ] as const) {
    const first = calendar.dueAt(schedule, new Date(since), now)
    assert.deepEqual(first, dueAt(schedule, new Date(since), now))
    assert.equal(calendar.dueAt(schedule, new Date(since), now).at, first.at)
  }
})
