// `shelfsync replay NAME`: applies an archived artifact anew, without asking the supplier.

import { type Command, Option } from 'commander'
import { SyncError } from '../core/errors.ts'
import { loadSource, type Source } from '../db/sources.ts'
import { bindSource } from '../sources/bound-source.ts'
import { planReplay } from '../pipeline/plan.ts'
import { replayRun } from '../pipeline/sync.ts'
import { type Cli, formatExamples } from './cli.ts'
import { parseId } from './ids.ts'
import { showPlan } from './plan.ts'
import { STOPPING, watchRun } from './run-sync.ts'

export function addReplay(program: Command, cli: Cli): void {
  program
    .command('replay')
    .argument('<name>', 'the source')
    .description(
      'apply an archived artifact anew: writes what a newer Shelfsync reads differently, and removes nothing',
    )
    .addOption(
      new Option(
        '--run <id>',
        'whose artifact; by default that of the latest complete run, which may be incremental and hold only what changed',
      ).argParser(parseId),
    )
    .option(
      '--plan',
      'only show what the replay would change, and whether it would be held; change nothing',
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync replay medipim-au',
        'shelfsync replay medipim-au --run 7 --plan',
        'shelfsync replay medipim-au --run 7',
      ),
    )
    .action(async (name: string, { run, plan = false }: { run?: number; plan?: boolean }) => {
      if (plan) {
        const signal = cli.createStopSignal('stopping; nothing was changed')
        await using tools = await cli.open()
        const source = await loadSource(tools.db, name)
        return await showPlan(cli, source, (progress, onChange) =>
          planReplay(tools, bindSource(tools, source), artifactOf(source, run), {
            progress,
            signal,
            onChange,
          }),
        )
      }
      const signal = cli.createStopSignal(STOPPING)
      await using tools = await cli.openSync()
      const source = await loadSource(tools.db, name)
      const artifactRun = artifactOf(source, run)
      await watchRun(cli, tools, source, (progress) =>
        replayRun(tools, bindSource(tools, source), artifactRun, { progress, signal }),
      )
    })
}

/** @throws SyncError `run/no-artifact` */
function artifactOf({ name, latestRun }: Source, run: number | undefined): number {
  const artifactRun = run ?? latestRun
  if (artifactRun === null)
    throw new SyncError('run/no-artifact', `${name} has no complete artifact yet`)
  return artifactRun
}
