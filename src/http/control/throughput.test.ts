import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createThroughputMeter, type ThroughputMeter } from './throughput.ts'

/** Returns the throughput at each second of a run with the given number of finished lines. */
function watch(
  meter: ThroughputMeter,
  samples: readonly (readonly [second: number, linesDone: number, run?: number])[],
): (number | null)[] {
  return samples.map(([second, linesDone, run = 1]) =>
    meter({ run, linesDone, atMs: 1000 * second }),
  )
}

test('the meter returns a value after five seconds', () => {
  assert.deepEqual(
    watch(createThroughputMeter(), [
      [0, 100],
      [4, 500],
      [5, 600],
      [10, 1100],
    ]),
    [null, null, 100, 100],
  )
})

test('the meter follows a change of speed within a minute', () => {
  const meter = createThroughputMeter()
  assert.deepEqual(
    watch(meter, [
      [0, 0],
      [30, 3000],
      [60, 6000],
    ]),
    [null, 100, 100],
  )
  assert.deepEqual(
    watch(meter, [
      [90, 6000],
      [120, 6000],
    ]),
    [0, 0],
  )
})

test('the meter restarts for another run, and after a minute without samples', () => {
  assert.deepEqual(
    watch(createThroughputMeter(), [
      [0, 0],
      [10, 1000],
      [20, 50, 2],
      [30, 150, 2],
    ]),
    [null, 100, null, 10],
  )
  assert.deepEqual(
    watch(createThroughputMeter(), [
      [0, 0],
      [10, 1000],
      [5000, 1000],
      [5010, 2000],
    ]),
    [null, 100, null, 100],
  )
})
