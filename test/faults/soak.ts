// `npm run soak -- --kills 200 --queue redis`: the services under random SIGKILLs, until a run is
// wrong or the requested number of kills is reached.

import { Command, Option } from 'commander'
import { parseCount } from '../../src/cli/arguments/numbers.ts'
import { runSoak } from './run-soak.ts'

const {
  kills: wanted,
  queue,
  seed,
} = new Command('npm run soak --')
  .description(
    'Kills services at random while they execute runs, each of which must end correctly.',
  )
  .option('--kills <n>', 'how many to survive', parseCount, 50)
  .addOption(
    new Option('--queue <kind>', 'where the queue lives')
      .choices(['postgres', 'redis'])
      .default('postgres'),
  )
  .addOption(
    new Option('--seed <n>', 'kill in the order of an earlier soak')
      .argParser(parseCount)
      .default(Math.ceil(Math.random() * 1e8), 'random'),
  )
  .parse()
  .opts<{ kills: number; queue: 'postgres' | 'redis'; seed: number }>()
const startedMs = performance.now()
const report = (line: string): void =>
  console.log(`${Math.round((performance.now() - startedMs) / 1000)} s  ${line}`)
report(`seed ${seed}, queue on ${queue}`)
try {
  const { kills, hits, runs } = await runSoak({ kills: wanted, queue, seed, report })
  report(
    `survived ${kills} kills, ${hits} of them in the middle of a task: all ${runs} runs were correct`,
  )
} catch (error) {
  console.error(error)
  report(`failed; --seed ${seed} kills in the same order again`)
  process.exitCode = 1
}
