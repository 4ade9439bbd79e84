import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSchedule, isFullDue } from './schedule.ts'

const sundays = { cron: '17 3 * * *', zone: 'Australia/Sydney', fullOn: 'sunday' } as const
const at = (text: string): Date => new Date(text)

test('a source that was never fully synced is due', () => {
  assert.equal(isFullDue(sundays, null, at('2026-01-15T00:00:00Z')), true)
})

test('a full run is due once on its weekday, counted in the zone of the source', () => {
  // 2026-01-18 is a Sunday; in Sydney it begins at 13:00 UTC on Saturday.
  const saturday = at('2026-01-17T12:59:00Z')
  const sunday = at('2026-01-17T13:01:00Z')
  const lastWeek = at('2026-01-10T16:17:00Z')
  assert.equal(isFullDue(sundays, lastWeek, saturday), false)
  assert.equal(isFullDue(sundays, lastWeek, sunday), true)
  assert.equal(isFullDue(sundays, sunday, at('2026-01-17T16:17:00Z')), false)
})

test('a full run that was missed on its weekday is due on the days after', () => {
  assert.equal(isFullDue(sundays, at('2026-01-09T16:17:00Z'), at('2026-01-14T16:17:00Z')), true)
})

test('a source without a full-run day is due only before its first one', () => {
  const never = { ...sundays, fullOn: 'none' } as const
  assert.equal(isFullDue(never, at('2020-01-01T00:00:00Z'), at('2026-01-18T00:00:00Z')), false)
})

test('with every day as the full-run day the first run of each day is full, counted in the zone of the source', () => {
  const nightly = { ...sundays, fullOn: 'every' as const }
  const night = at('2026-01-12T16:17:00Z')
  assert.equal(isFullDue(nightly, night, at('2026-01-13T12:59:00Z')), false)
  assert.equal(isFullDue(nightly, night, at('2026-01-13T13:00:00Z')), true)
})

test('a full run is due on its weekday also when the clocks change between it and now', () => {
  const berlin = { ...sundays, zone: 'Europe/Berlin' } as const
  // Sunday 2026-10-25 has 25 hours in Berlin, Sunday 2026-03-29 has 23.
  const lateOnTuesday = at('2026-10-27T22:30:00Z')
  assert.equal(isFullDue(berlin, at('2026-10-25T21:00:00Z'), lateOnTuesday), false)
  assert.equal(isFullDue(berlin, at('2026-10-24T21:00:00Z'), lateOnTuesday), true)
  const earlyOnWednesday = at('2026-03-31T22:30:00Z')
  assert.equal(isFullDue(berlin, at('2026-03-28T20:00:00Z'), earlyOnWednesday), true)
  assert.equal(isFullDue(berlin, at('2026-03-28T23:30:00Z'), earlyOnWednesday), false)
})

test('the default schedules of hundreds of shops are spread evenly over the night', () => {
  const times = Array.from({ length: 720 }, (_, n) => {
    const { cron, zone } = chooseSchedule({ schedule: 'nightly' }, `shop-${n}`)
    assert.equal(zone, 'UTC')
    return cron.split(' ').slice(0, 2).map(Number)
  })
  for (let hour = 0; hour < 6; hour++) {
    const inHour = times.filter(([, one]) => one === hour).length
    assert.ok(inHour > 80 && inHour < 160, `${inHour} of 720 in hour ${hour}`)
  }
  const perMinute = Map.groupBy(times, String)
  assert.ok([...perMinute.values()].every((same) => same.length <= 10))
})

test('the same name always has the same minute, and a schedule of the connector stays', () => {
  assert.deepEqual(chooseSchedule({ schedule: 'nightly' }, 'some-shop'), {
    cron: '53 1 * * *',
    zone: 'UTC',
    fullOn: 'every',
  })
  assert.equal(chooseSchedule({ schedule: sundays }, 'some-shop'), sundays)
})
