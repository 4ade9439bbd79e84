// `shelfsync replay NAME`: applies an archived artifact again, without a request to the supplier.

import { type Command, Option } from 'commander'
import { SyncError } from '../core/errors.ts'
import { loadSource, type Source } from '../db/sources.ts'
import { bindSource } from '../sources/bound-source.ts'
import { planReplay } from '../pipeline/plan.ts'
import { replayRun } from '../pipeline/replay.ts'
import { type Cli, formatExamples } from './cli.ts'
import { parseId } from './arguments/numbers.ts'
import { addPlanOptions, showPlan, type PlanOutputFlags } from './plan/plan.ts'
import { recordOwnAction } from './record-own-action.ts'
import { STOPPING, watchRun } from './sync/watch-run.ts'

interface ReplayFlags extends PlanOutputFlags {
  readonly run?: number
  readonly plan?: boolean
}

export function defineReplay(command: Command, cli: Cli): void {
  command
    .argument('<name>', 'the source')
    .addOption(
      new Option(
        '--run <id>',
        'the run of the artifact; by default the latest complete run, which may be incremental and contain only what changed',
      ).argParser(parseId),
    )
    .option('--plan', 'only print what the replay would change, and whether it would be held')
  addPlanOptions(command)
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync replay my-shop',
        'shelfsync replay my-shop --run 7 --plan',
        'shelfsync replay my-shop --run 7',
      ),
    )
    .action((name: string, flags: ReplayFlags) =>
      flags.plan ? printReplayPlan(cli, name, flags) : replay(cli, name, flags),
    )
}

async function printReplayPlan(cli: Cli, name: string, flags: ReplayFlags): Promise<void> {
  const signal = cli.createStopSignal('stopping; nothing was changed')
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const artifactRun = requireArtifact(source, flags.run)
  const again = `shelfsync replay ${name} --run ${artifactRun} --plan`
  await showPlan(cli, source, { ...flags, again }, (progress, onChange) =>
    planReplay(tools, bindSource(tools, source), artifactRun, { progress, signal, onChange }),
  )
}

async function replay(cli: Cli, name: string, { run }: ReplayFlags): Promise<void> {
  const signal = cli.createStopSignal(STOPPING)
  await using tools = await cli.openSync()
  const source = await loadSource(tools.db, name)
  const artifactRun = requireArtifact(source, run)
  await recordOwnAction(tools.db, { action: 'run.replay', source: name, run: artifactRun })
  await watchRun(cli, tools, source, (progress) =>
    replayRun(tools, bindSource(tools, source), artifactRun, { progress, signal }),
  )
}

/** @throws SyncError `run/no-artifact` */
function requireArtifact({ name, latestRun }: Source, run: number | undefined): number {
  const artifactRun = run ?? latestRun
  if (artifactRun === null)
    throw new SyncError('run/no-artifact', `${name} has no complete artifact yet`)
  return artifactRun
}
