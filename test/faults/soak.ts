// `npm run soak -- --kills 200 --queue redis`: the services under random SIGKILLs, until a run comes out wrong or all were survived.

import { parseArgs } from 'node:util'
import { soak } from './soaking.ts'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '50' }, queue: { type: 'string', default: 'postgres' }, seed: { type: 'string' } } })
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
const queue = values.queue === 'redis' ? 'redis' : 'postgres'
const startedMs = performance.now()
const say = (line: string): void => console.log(`${Math.round((performance.now() - startedMs) / 1000)} s  ${line}`)
say(`seed ${seed}, queue on ${queue}`)
try {
  const { kills, hits, runs } = await soak({ kills: Number(values.kills), queue, seed, say })
  say(`survived ${kills} kills, ${hits} of them in the middle of a task: all ${runs} runs ended exact`)
} catch (error) {
  console.error(error)
  say(`failed; --seed ${seed} kills in the same order again`)
  process.exitCode = 1
}
