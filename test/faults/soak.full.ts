// A short soak; `npm run soak -- --kills 200` is the long one.

import { test } from 'node:test'
import { soak } from './soaking.ts'

test('runs whose workers are killed at random moments end in the catalogue that one calm process makes', async (t) => {
  const { kills, hits, runs } = await soak({ kills: 12, seed: Number(process.env['SEED'] ?? 1), say: () => undefined })
  t.diagnostic(`${kills} kills, ${hits} in the middle of a task, ${runs} runs`)
})
