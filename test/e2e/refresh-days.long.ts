// Two weeks of hourly refreshes of 50,000 products on a simulated clock, with failed batches and an outage.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../support/database.ts'
import { simulateDays, START_MS, type Days } from '../support/refresh-days.ts'

const { pool: db } = await openTestDatabase()
const HOUR_MS = 3_600_000

const FORTNIGHT: Days = {
  days: 14,
  products: 50_000,
  ageMinutes: 20 * 60,
  failedShare: 0.05,
  // The sixth day at 10:00.
  outageMs: START_MS + (5 * 24 + 10) * HOUR_MS,
  importsPerHour: 30,
}

function countBy(instants: readonly number[], lengthMs: number): Map<number, number> {
  const counts = new Map<number, number>()
  for (const ms of instants) {
    const slot = Math.floor((ms - START_MS) / lengthMs)
    counts.set(slot, (counts.get(slot) ?? 0) + 1)
  }
  return counts
}

/** The largest number of instants within any window of this length, wherever it begins. */
function countInAnyWindow(instants: readonly number[], lengthMs: number): number {
  let [largest, from] = [0, 0]
  for (const [to, ms] of instants.entries()) {
    while (ms - (instants[from] ?? 0) >= lengthMs) from += 1
    largest = Math.max(largest, to - from + 1)
  }
  return largest
}

test('in 14 days, no content of 50,000 products is read when it is older than 24 hours, and no quota is exceeded', async (t) => {
  const client = await db.connect()
  t.after(() => client.release(true))
  const observed = await simulateDays(client, FORTNIGHT)
  const { sentMs, refreshMs, oldestHours } = observed
  const days = [...countBy(sentMs, 24 * HOUR_MS).values()]
  const hours = countBy(refreshMs, HOUR_MS)
  t.diagnostic(
    `${observed.reads} reads, ${observed.failedBatches} failed batches, the oldest content was ${oldestHours.toFixed(2)} h old, at most ${Math.max(...days)} requests a day and ${Math.max(...hours.values())} refreshes an hour`,
  )
  assert.equal(observed.lateReads, 0)
  assert.ok(oldestHours <= 24)
  assert.ok(observed.reads > 14 * 50_000)
  assert.ok(observed.failedBatches > 3_000)
  assert.equal(countInAnyWindow(sentMs, 1_000), 1)
  assert.ok(days.every((count) => count <= 8_640))
  assert.ok([...countBy(refreshMs, 24 * HOUR_MS).values()].every((count) => count <= 6_912))
  const outage = Math.floor((FORTNIGHT.outageMs - START_MS) / HOUR_MS)
  assert.ok(observed.skippedRuns >= 1)
  const sent = (countBy(sentMs, HOUR_MS).get(outage) ?? 0) - FORTNIGHT.importsPerHour
  assert.equal(sent, 5, 'the circuit breaker opened after five failures')
  // The backlog is spread over the rest of the day, although the rate would allow ten times as much.
  const before = Array.from({ length: 24 }, (_, at) => hours.get(outage - 1 - at) ?? 0)
  const after = Array.from({ length: 24 }, (_, at) => hours.get(outage + 1 + at) ?? 0)
  assert.ok(
    Math.max(...after) <= 1.4 * Math.max(...before),
    `before ${before.join()}, after ${after.join()}`,
  )
})

test('products that are due at 24 hours instead of 20 would be read too late', async (t) => {
  const client = await db.connect()
  t.after(() => client.release(true))
  const observed = await simulateDays(client, {
    ...FORTNIGHT,
    days: 3,
    products: 5_000,
    ageMinutes: 24 * 60,
    outageMs: Infinity,
  })
  assert.ok(observed.lateReads > 1_000, `${observed.lateReads} late reads`)
})
