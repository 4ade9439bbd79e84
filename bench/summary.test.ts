import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CASES } from './feeds.ts'
import type { Program } from './programs.ts'
import { summariseFloors, summarisePrograms, type Sample } from './summary.ts'
import { formatFloors, formatPrograms } from './tables.ts'

const PROGRAMS: readonly Program[] = ['Shelfsync', 'COPY and merge', 'supabase-js']
const FLOORS: readonly Program[] = ['floor of Node', 'floor of Postgres']
const feed = { lines: 50_000, bytes: 1e9 }
const feeds = { 'first-load': feed, again: feed, 'one-percent': feed }

function createSample(own: Partial<Sample>): Sample {
  return {
    round: 1,
    case: 'first-load',
    program: 'Shelfsync',
    seconds: 4,
    nodeCpuSeconds: 3,
    postgresCpuSeconds: 2,
    rowsWritten: 5,
    walBytes: 6,
    rssPeakMb: null,
    dataApiCpuSeconds: null,
    load: { average: 1, othersPercent: 2, stolenPercent: 3 },
    ...own,
  }
}

test('CPU time is the sum of Node and Postgres, per 100,000 products too', () => {
  const [summary] = summarisePrograms([createSample({})], feeds)
  assert.equal(summary?.cpuSeconds, 5)
  assert.deepEqual(summary.per100kProducts, {
    wallSeconds: 8,
    nodeCpuSeconds: 6,
    postgresCpuSeconds: 4,
    cpuSeconds: 10,
  })
})

test('a ratio compares with COPY and merge in the same round', () => {
  const ours = [10, 30, 20].map((seconds, index) =>
    createSample({ round: index + 1, seconds, nodeCpuSeconds: seconds, postgresCpuSeconds: 0 }),
  )
  const bare = [10, 10, 40].map((seconds, index) =>
    createSample({
      round: index + 1,
      program: 'COPY and merge',
      seconds,
      nodeCpuSeconds: 0,
      postgresCpuSeconds: seconds,
    }),
  )
  const [summary] = summarisePrograms([...ours, ...bare], feeds)
  assert.deepEqual(summary?.wallRatio, { median: 1, min: 0.5, max: 3 })
  assert.deepEqual(summary.cpuRatio, { median: 1, min: 0.5, max: 3 })
})

test('CPU time of Postgres that the system does not count is unknown and makes the sum unknown', () => {
  const samples = PROGRAMS.map((program) => createSample({ program, postgresCpuSeconds: null }))
  const [summary] = summarisePrograms(samples, feeds)
  assert.equal(summary?.postgresCpuSeconds, null)
  assert.equal(summary.cpuSeconds, null)
  assert.equal(summary.cpuRatio, null)
  assert.equal(summary.wallRatio?.median, 1)
})

test('each floor is compared with the same side of Shelfsync', () => {
  const samples = [
    createSample({ nodeCpuSeconds: 6, postgresCpuSeconds: 9 }),
    createSample({ program: 'floor of Node', nodeCpuSeconds: 2, postgresCpuSeconds: 0 }),
    createSample({ program: 'floor of Postgres', nodeCpuSeconds: 1, postgresCpuSeconds: 3 }),
  ]
  const floors = summariseFloors(samples, feeds)
  assert.deepEqual(
    floors.map(({ side, cpuSeconds, cpuSecondsPer100kProducts, shelfsyncRatio }) => [
      side,
      cpuSeconds,
      cpuSecondsPer100kProducts,
      shelfsyncRatio['first-load'],
      shelfsyncRatio.again,
    ]),
    [
      ['Node', 2, 4, 3, null],
      ['Postgres', 3, 6, 3, null],
    ],
  )
})

test('the tables fit in 120 columns', () => {
  const large = {
    seconds: 98_765.4,
    nodeCpuSeconds: 98_765.4,
    postgresCpuSeconds: 98_765.4,
    rowsWritten: 123_456_789,
    walBytes: 1e12,
    rssPeakMb: 12_345,
    dataApiCpuSeconds: 98_765.4,
    load: { average: 100, othersPercent: 100, stolenPercent: 100 },
  }
  const samples = CASES.flatMap((name) =>
    [...PROGRAMS, ...FLOORS].map((program) => createSample({ ...large, case: name, program })),
  )
  const programs = formatPrograms(summarisePrograms(samples, feeds))
  const lines = [...programs, formatFloors(summariseFloors(samples, feeds))].join('\n').split('\n')
  assert.ok(lines.length > 40)
  assert.deepEqual(
    lines.filter((line) => line.length > 120),
    [],
  )
})
