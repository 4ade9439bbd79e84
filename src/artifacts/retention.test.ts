import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Keep, type Retained, selectRunsForRebuild, selectRunsToPurge } from './retention.ts'

/** Returns the run of a day. By default it is incremental and succeeded. */
function run(day: number, facts: Partial<Retained> = {}): Retained {
  return {
    run: day,
    keyed: false,
    startedAt: new Date(day * 86_400_000 - 3_600_000),
    finishedAt: new Date(day * 86_400_000),
    good: true,
    whole: false,
    closed: true,
    latest: false,
    held: false,
    expired: false,
    ...facts,
  }
}

const FULL = { whole: true }
const FAILED = { good: false, closed: false }

function purged(runs: readonly Retained[], keep: Keep): number[] {
  return selectRunsToPurge(runs, keep)
    .map((one) => one.run)
    .sort((a, b) => a - b)
}

test('the newest good runs are kept, in any order of the input', () => {
  assert.deepEqual(purged([run(3), run(1), run(5), run(2), run(4)], 2), [1, 2, 3])
})

test('the newest complete artifact and every later one are kept, even beyond the number to keep', () => {
  const runs = [run(1, FULL), run(2), run(3, FULL), run(4), run(5), run(6, { good: false }), run(7)]
  for (const keep of [0, 1]) assert.deepEqual(purged(runs, keep), [1, 2])
  assert.deepEqual(purged(runs, 5), [1])
})

test('refreshes and imports do not displace other runs, and those beside the newest complete artifact are kept', () => {
  const keyed = (day: number, facts: Partial<Retained> = {}) => run(day, { keyed: true, ...facts })
  const beside = keyed(4, { finishedAt: new Date(5 * 86_400_000) })
  const runs = [run(1), run(2), keyed(3), beside, run(5, FULL), keyed(6), keyed(7), keyed(8)]
  assert.deepEqual(purged(runs, 2), [1, 3])
})

test('the run that latest points to and held runs are kept at any age', () => {
  assert.deepEqual(
    purged(
      [run(1, { latest: true }), run(2, { good: false, held: true }), run(3), run(4), run(5)],
      1,
    ),
    [3, 4],
  )
})

test('an active run is never purged', () => {
  for (const keep of [0, 'none'] as const)
    assert.deepEqual(
      purged([run(1, { finishedAt: null, good: false }), run(2), run(3)], keep),
      [2, 3],
    )
})

test('a failed run is purged when as many newer runs exist as are kept', () => {
  assert.deepEqual(purged([run(1), run(2, FAILED), run(3, FAILED), run(4, FAILED)], 2), [2])
  assert.deepEqual(purged([run(1, FULL), run(2, FAILED), run(3, FAILED), run(4, FAILED)], 2), [2])
})

test('keep all purges no run; keep none purges every finished and decided run, even the latest', () => {
  const runs = [run(1, FULL), run(2, { held: true, good: false }), run(3, { latest: true })]
  assert.deepEqual(purged(runs, 'all'), [])
  assert.deepEqual(purged(runs, 'none'), [1, 3])
})

test('for any runs, the number of good ones to keep, those for a rebuild and protected ones are kept', () => {
  const anyRun = fc.record({
    over: fc.boolean(),
    good: fc.boolean(),
    whole: fc.boolean(),
    closed: fc.boolean(),
    latest: fc.boolean(),
    held: fc.boolean(),
  })
  const property = fc.property(
    fc.array(anyRun, { maxLength: 50 }),
    fc.integer({ min: 0, max: 6 }),
    (facts, keep) => {
      const runs = facts.map(({ over, whole, good, closed, ...rest }, day) =>
        run(day + 1, {
          ...rest,
          good: good || whole,
          closed: closed || whole,
          whole,
          ...(over ? {} : { finishedAt: null }),
        }),
      )
      const gone = new Set(selectRunsToPurge(runs, keep))
      for (const one of gone) assert.ok(one.finishedAt !== null && !one.held && !one.latest)
      const good = runs.filter((one) => one.good && one.finishedAt !== null && !one.held)
      assert.ok(good.filter((one) => !gone.has(one)).length >= Math.min(keep, good.length))
      const first = runs.findLastIndex(({ whole }) => whole)
      if (first !== -1) assert.ok(runs.slice(first).every((one) => !one.closed || !gone.has(one)))
    },
  )
  fc.assert(property)
})

test('an artifact whose licence has ended is removed in any case, and no rebuild needs it', () => {
  const runs = [
    run(1, { ...FULL, expired: true, latest: true }),
    run(2, { held: true, good: false, expired: true }),
    run(3, { finishedAt: null, expired: true }),
    run(4, { closed: true }),
  ]
  for (const keep of ['all', 1, 'none'] as const)
    assert.deepEqual(
      purged(runs, keep).filter((one) => one !== 4),
      [1, 2, 3],
    )
  assert.deepEqual(selectRunsForRebuild(runs), [])
})
