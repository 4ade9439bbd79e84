import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dueAt, faultOf } from './due.ts'

const NIGHTLY = { cron: '17 3 * * *', zone: 'Australia/Sydney', fullOn: 0 }

test('a source is due at the first scheduled time after its last good run, in its own zone', () => {
  const { at, late } = dueAt(NIGHTLY, new Date('2026-01-14T16:20:00Z'), new Date('2026-01-15T10:00:00Z'))
  assert.deepEqual([at?.toISOString(), late], ['2026-01-15T16:17:00.000Z', false])
  // In winter Sydney is an hour nearer to Greenwich.
  assert.equal(dueAt(NIGHTLY, new Date('2026-07-14T18:00:00Z'), new Date()).at?.toISOString(), '2026-07-15T17:17:00.000Z')
})

test('a missed time is late after an hour of grace', () => {
  const lastGood = new Date('2026-01-14T16:20:00Z')
  assert.equal(dueAt(NIGHTLY, lastGood, new Date('2026-01-15T17:00:00Z')).late, false)
  assert.equal(dueAt(NIGHTLY, lastGood, new Date('2026-01-15T17:18:00Z')).late, true)
})

test('a schedule that cannot be is refused with the reason', () => {
  assert.equal(faultOf(NIGHTLY), null)
  assert.match(faultOf({ cron: '99 * * * *', zone: 'UTC' }) ?? '', /"99 \* \* \* \*" in UTC is no schedule/)
  assert.match(faultOf({ cron: '0 3 * * *', zone: 'Mars/Olympus' }) ?? '', /Mars\/Olympus/)
  assert.match(faultOf({ cron: '0 0 30 2 *', zone: 'UTC' }) ?? '', /never comes/)
  assert.match(faultOf({ cron: '* * * * * *', zone: 'UTC' }) ?? '', /is no schedule/)
})
