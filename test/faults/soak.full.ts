// A short soak with each queue. `npm run soak -- --kills 200` is the long one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSoak } from './run-soak.ts'

for (const queue of ['postgres', 'redis'] as const) {
  test(`runs whose processes are killed at random moments end in the catalogue of an uninterrupted process, with ${queue}`, async (t) => {
    const { kills, hits, runs } = await runSoak({
      kills: 12,
      queue,
      seed: Number(process.env['SEED'] ?? 1),
      report: () => undefined,
    })
    assert.ok(hits > 0, 'no kill hit a process with a task')
    t.diagnostic(`${kills} kills, ${hits} in the middle of a task, ${runs} runs`)
  })
}
