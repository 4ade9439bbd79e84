import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeSource, type SourceHealth } from '../core/source-health.ts'
import type { OpenBreaker } from '../db/read/limits.ts'
import type { RunResult, SourceFacts } from '../db/read/source-healths.ts'
import type { HostFailure, LastRun } from '../db/read/source-summaries.ts'
import { Calendar } from './due.ts'
import { listHealthParts } from './health-parts.ts'
import type { Circumstances } from './health-side-parts.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Due each night at 03:00; the last run started a minute later. */
const NOW = new Date('2026-01-31T12:00:00Z')
const GOOD_AT = new Date('2026-01-31T03:01:00Z')

const FACTS: SourceFacts = {
  source: 'shop',
  connector: 'shopify',
  state: 'active',
  schedule: { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' },
  watermarkAt: null,
  lastRun: runOf(12, 'succeeded'),
  lastRefresh: null,
  lastGoodAt: GOOD_AT,
  dueSinceAt: GOOD_AT,
  lateProducts: null,
  longestMs: null,
  heldRuns: [],
  heldPrices: 0,
  openReviews: 0,
  openQuarantine: 0,
  latestCopy: null,
  removalsOff: null,
  failure: null,
  settings: {},
  result: resultOf(12, 'succeeded'),
  week: { runs: 7, failures: {} },
  changesToday: 0,
  failedImages: 0,
  flaggedHosts: [],
  quota: null,
}

const FAILURE: HostFailure = {
  class: 'closed',
  runs: 1,
  sinceAt: new Date(NOW.getTime() - 3 * HOUR),
  lastAt: new Date(NOW.getTime() - 3 * HOUR),
  flagged: false,
  notBeforeAt: null,
}

const FLAGGED: HostFailure = {
  ...FAILURE,
  runs: 4,
  flagged: true,
  notBeforeAt: new Date(NOW.getTime() + 40 * HOUR),
}

const BREAKER: OpenBreaker = {
  scope: 'host',
  key: 'shop.example',
  state: 'open',
  failures: 5,
  openedAt: NOW,
  retryAt: new Date(NOW.getTime() + 4 * MINUTE),
  reason: null,
}

/** Runs start at 03:01 and take a minute. */
function runOf(id: number, state: LastRun['state']): LastRun {
  const isActive = ['running', 'interrupted', 'fetched'].includes(state)
  const startedAt = isActive ? new Date(NOW.getTime() - 20 * MINUTE) : GOOD_AT
  const finishedAt = isActive ? null : new Date(startedAt.getTime() + MINUTE)
  return { id, kind: 'full', state, startedAt, finishedAt }
}

function resultOf(id: number, state: RunResult['state'], reason: string | null = null): RunResult {
  return { id, state, reason, errorCode: null, finishedAt: new Date(GOOD_AT.getTime() + MINUTE) }
}

interface Situation {
  readonly facts?: Partial<SourceFacts>
  readonly now?: Date
  readonly breaker?: OpenBreaker | null
  readonly waitsUntil?: Date | null
}

function judge({ facts, now = NOW, ...limits }: Situation): SourceHealth {
  const source = { ...FACTS, ...facts }
  const due = source.state === 'paused' ? null : new Calendar().dueOf(source, now)
  const circumstances: Circumstances = {
    facts: source,
    due,
    breaker: null,
    waitsUntil: null,
    now,
    ...limits,
  }
  return judgeSource(listHealthParts(circumstances))
}

const FAILED = {
  lastRun: runOf(13, 'failed'),
  result: resultOf(13, 'failed', 'the feed is not JSON'),
}
const RETRYING = { ...FAILED, lastRun: runOf(14, 'running') }
/** Due at 03:00 on the 31st, and no run has succeeded since. */
const MISSED = {
  dueSinceAt: new Date('2026-01-30T03:01:00Z'),
  lastGoodAt: new Date('2026-01-30T03:01:00Z'),
}

/** The situation, the state, the level, the reason, and the command that a person runs next. */
const CASES: readonly [string, Situation, string, string, RegExp, string | null][] = [
  ['a run has succeeded', {}, 'fresh', 'ok', /^run 12 succeeded 9 h ago$/, null],
  [
    'no run yet',
    { facts: { lastRun: null, result: null, lastGoodAt: null } },
    'never run',
    'ok',
    /^it has never run$/,
    null,
  ],
  [
    'no run yet although one was due',
    { facts: { ...MISSED, lastRun: null, result: null, lastGoodAt: null } },
    'late',
    'problem',
    /^a run was due 9 h ago, and no run has succeeded yet$/,
    'shelfsync doctor',
  ],
  [
    'a run is in progress',
    { facts: { lastRun: runOf(13, 'running') } },
    'running',
    'ok',
    /^run 13 has been running for 20 min$/,
    null,
  ],
  [
    'the last run failed',
    { facts: FAILED },
    'failing',
    'problem',
    /^run 13 failed 9 h ago: the feed is not JSON$/,
    'shelfsync runs show 13',
  ],
  [
    'its retry is in progress',
    { facts: RETRYING },
    'running',
    'warning',
    /^run 14 has been running for 20 min; before it, run 13 failed 9 h ago: the feed is not JSON$/,
    null,
  ],
  [
    'the retry of a flagged source is in progress',
    { facts: { ...RETRYING, failure: FLAGGED } },
    'failing',
    'problem',
    /^closed: the host is closed, .*; 4 runs have failed, the first 3 h ago; flagged: the next scheduled run starts in 2 d or later$/,
    'shelfsync runs show 13',
  ],
  [
    'an interrupted run waits for a worker',
    { facts: { lastRun: runOf(13, 'interrupted') } },
    'running',
    'warning',
    /^run 13 was interrupted: another worker, or the next sync, resumes it$/,
    null,
  ],
  [
    'a person cancelled the run after a failed one',
    { facts: { ...FAILED, lastRun: runOf(14, 'cancelled') } },
    'fresh',
    'warning',
    /^run 14 was cancelled by a person 9 h ago; before it, run 13 failed/,
    null,
  ],
  [
    'a run is held',
    { facts: { heldRuns: [13], openReviews: 1, lastRun: runOf(13, 'held') } },
    'held',
    'problem',
    /^run 13 is held until a person decides$/,
    'shelfsync runs show 13',
  ],
  [
    'a run is held and a newer one failed while a third is late',
    { facts: { ...FAILED, ...MISSED, heldRuns: [11], openReviews: 1 } },
    'held',
    'problem',
    /^run 11 is held/,
    'shelfsync runs show 11',
  ],
  [
    'failed and late',
    { facts: { ...FAILED, ...MISSED } },
    'failing',
    'problem',
    /^run 13 failed/,
    'shelfsync runs show 13',
  ],
  [
    'prices are held',
    { facts: { heldPrices: 3, openReviews: 3 } },
    'fresh',
    'warning',
    /^3 held prices wait for a decision$/,
    'shelfsync reviews --source shop',
  ],
  [
    'a held price and a proposal',
    { facts: { heldPrices: 1, openReviews: 2 } },
    'fresh',
    'warning',
    /^1 held price and 1 other review wait for a decision$/,
    'shelfsync reviews --source shop',
  ],
  ['paused', { facts: { state: 'paused' } }, 'paused', 'ok', /^it is paused/, null],
  [
    'paused, with a missed time and a failed run',
    { facts: { ...FAILED, ...MISSED, state: 'paused' }, breaker: BREAKER },
    'paused',
    'ok',
    /^it is paused/,
    null,
  ],
  [
    'paused with a held run',
    { facts: { state: 'paused', heldRuns: [13], openReviews: 1 } },
    'held',
    'problem',
    /^run 13 is held/,
    'shelfsync runs show 13',
  ],
  [
    'the circuit breaker is open',
    { breaker: BREAKER },
    'failing',
    'problem',
    /^the circuit breaker is open: shop.example has failed 5 times and gets no request; the next test is in 4 min$/,
    'shelfsync limits',
  ],
  [
    'the supplier demands a pause',
    { waitsUntil: new Date(NOW.getTime() + 10 * MINUTE) },
    'fresh',
    'warning',
    /^the supplier demands a pause; requests continue in 10 min$/,
    null,
  ],
  [
    'the quota is used up',
    { facts: { quota: { perDay: 8640, used: 8640 } } },
    'fresh',
    'warning',
    /^all 8,640 requests of today are used/,
    null,
  ],
  [
    'the quota lasts',
    { facts: { quota: { perDay: 8640, used: 8639 } } },
    'fresh',
    'ok',
    /^run 12/,
    null,
  ],
  [
    'records are in quarantine',
    { facts: { openQuarantine: 1 } },
    'fresh',
    'warning',
    /^1 record could not be applied and is in quarantine$/,
    'shelfsync quarantine --source shop',
  ],
  [
    'removals are off',
    { facts: { removalsOff: 'the fetch was incomplete' } },
    'fresh',
    'warning',
    /^removals are off: the fetch was incomplete$/,
    'shelfsync sync shop --full',
  ],
  [
    'the copy could not be written',
    { facts: { latestCopy: { run: 11, error: 'no space left' } } },
    'fresh',
    'warning',
    /^latest.ndjson could not be written \(it contains run 11\): no space left$/,
    'shelfsync doctor',
  ],
  [
    'images could not be stored',
    { facts: { failedImages: 1200, flaggedHosts: ['cdn.example'] } },
    'fresh',
    'warning',
    /^1,200 images could not be stored$/,
    'shelfsync images',
  ],
  [
    'a schedule without a next time',
    { facts: { schedule: { ...FACTS.schedule, cron: '0 0 30 2 *' } } },
    'late',
    'problem',
    /^its schedule "0 0 30 2 \*" in UTC has no next time, so no run starts$/,
    'shelfsync sources show shop',
  ],
  [
    'two of seven runs of a week failed',
    { facts: { week: { runs: 7, failures: { 'source/unavailable': 2 } } } },
    'fresh',
    'warning',
    /^2 of 7 runs failed in seven days: the error budget is spent$/,
    null,
  ],
]

for (const [name, situation, state, level, reason, command] of CASES)
  test(`${name}: ${state}${level === 'ok' ? '' : `, ${level}`}`, () => {
    const health = judge(situation)
    assert.deepEqual([health.state, health.level], [state, level], health.reason)
    assert.match(health.reason, reason)
    assert.equal(health.next?.command ?? null, command)
  })

test('a source is late from one hour after its time on, and not before', () => {
  const at = (offsetMs: number) =>
    judge({ facts: MISSED, now: new Date(Date.parse('2026-01-31T04:00:00Z') + offsetMs) }).state
  assert.deepEqual([at(0), at(1)], ['fresh', 'late'])
})

test('a run in progress makes a source late after twice the time of its longest recent run', () => {
  const judgeAt = (time: string, longestMs: number) =>
    judge({
      facts: { ...MISSED, lastRun: runOf(13, 'running'), longestMs },
      now: new Date(time),
    }).state
  assert.equal(judgeAt('2026-01-31T05:59:00Z', 1.5 * HOUR), 'running')
  assert.equal(judgeAt('2026-01-31T06:00:01Z', 1.5 * HOUR), 'late')
  // A short run does not shorten the hour.
  assert.equal(judgeAt('2026-01-31T04:00:00Z', MINUTE), 'running')
  assert.equal(judgeAt('2026-01-31T04:00:01Z', MINUTE), 'late')
})

test('a night that the clocks shorten or lengthen makes no source late', () => {
  const schedule = { cron: '30 2 * * *', zone: 'Australia/Sydney', fullOn: 'none' } as const
  const judgeAt = (since: string, now: string) => {
    const at = new Date(since)
    return judge({ facts: { schedule, dueSinceAt: at, lastGoodAt: at }, now: new Date(now) }).state
  }
  // In October, 02:30 does not exist: the run is due when the clocks show 03:00.
  assert.equal(judgeAt('2026-10-02T16:30:05Z', '2026-10-03T17:00:00Z'), 'fresh')
  assert.equal(judgeAt('2026-10-02T16:30:05Z', '2026-10-03T17:00:01Z'), 'late')
  // In April, 02:30 comes twice: one run is due, the first time.
  assert.equal(judgeAt('2027-04-03T15:30:05Z', '2027-04-04T17:30:00Z'), 'fresh')
  assert.equal(judgeAt('2027-04-03T15:30:05Z', '2027-04-04T17:30:01Z'), 'late')
})

test('a source that only has refreshes is late when a product is', () => {
  const schedule = { ...FACTS.schedule, fullOn: 'never' } as const
  assert.equal(judge({ facts: { ...MISSED, schedule, lateProducts: false } }).state, 'fresh')
  const health = judge({ facts: { ...MISSED, schedule, lateProducts: true } })
  assert.deepEqual([health.state, health.reason], ['late', 'products were not read in time'])
})

test('every part is reported, the worst first', () => {
  const { parts, reason } = judge({
    facts: { ...FAILED, heldPrices: 1, openReviews: 1, failedImages: 1 },
  })
  assert.deepEqual(
    parts.map(({ part, level }) => `${part} ${level}`),
    ['last run problem', 'decisions warning', 'images warning', 'schedule ok'],
  )
  assert.equal(reason, parts[0]?.reason)
})
