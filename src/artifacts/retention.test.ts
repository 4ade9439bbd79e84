import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Retained, runsToPurge } from './retention.ts'

interface Run extends Retained {
  readonly day: number
}

function run(day: number, facts: Partial<Retained> = {}): Run {
  return { day, finishedAt: new Date(day * 86_400_000), good: true, latest: false, held: false, ...facts }
}

function purged(runs: readonly Run[], keep: number | 'all'): number[] {
  return runsToPurge(runs, keep).map(({ day }) => day).sort((a, b) => a - b)
}

test('the newest good runs are kept, in whatever order they come', () => {
  assert.deepEqual(purged([run(3), run(1), run(5), run(2), run(4)], 2), [1, 2, 3])
})

test('the run that latest points to and the held ones stay, however old', () => {
  assert.deepEqual(purged([run(1, { latest: true }), run(2, { good: false, held: true }), run(3), run(4), run(5)], 1), [3, 4])
})

test('a run that is not over is never purged', () => {
  assert.deepEqual(purged([run(1, { finishedAt: null, good: false }), run(2), run(3)], 0), [2, 3])
})

test('a failed run goes when as many newer runs are there as are kept', () => {
  const failed = { good: false }
  assert.deepEqual(purged([run(1), run(2, failed), run(3, failed), run(4, failed)], 2), [2])
})

test('keep all purges nothing; keep none purges everything that is over and decided, even the latest', () => {
  const runs = [run(1), run(2, { held: true, good: false }), run(3, { latest: true })]
  assert.deepEqual(purged(runs, 'all'), [])
  assert.deepEqual(purged(runs, 0), [1, 3])
})

test('whatever the runs, the kept number of good ones is left and nothing protected goes', () => {
  const anyRun = fc.record({ day: fc.nat(50), over: fc.boolean(), good: fc.boolean(), latest: fc.boolean(), held: fc.boolean() })
  const property = fc.property(fc.array(anyRun), fc.integer({ min: 1, max: 6 }), (facts, keep) => {
    const runs = facts.map(({ day, over, ...rest }) => run(day, { ...rest, ...(over ? {} : { finishedAt: null }) }))
    const gone = new Set(runsToPurge(runs, keep))
    for (const one of gone) assert.ok(one.finishedAt !== null && !one.held && !one.latest)
    const good = runs.filter((one) => one.good && one.finishedAt !== null && !one.held)
    assert.ok(good.filter((one) => !gone.has(one)).length >= Math.min(keep, good.length))
  })
  fc.assert(property)
})
