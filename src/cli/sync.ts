// `shelfsync sync [NAME]`: brings one source up to date, or all active ones, one after the other.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { listSources, loadSource } from '../db/sources.ts'
import { syncSource, type SyncRequest } from '../pipeline/sync.ts'
import { type Cli, examples } from './cli.ts'
import { connectorOf, STOPPING, watchRun } from './run-sync.ts'

export interface SyncFlags {
  readonly full?: boolean
  readonly since?: Date
}

export function addSync(program: Command, cli: Cli): void {
  program
    .command('sync')
    .argument('[name]', 'the source; without it every active one')
    .description('fetch what changed and apply it; resumes a run that was interrupted')
    .addOption(new Option('--full', 'fetch everything; only a full run can find out what is gone').conflicts('since'))
    .addOption(sinceOption())
    .addHelpText('after', examples('shelfsync sync', 'shelfsync sync medipim-au --full', 'shelfsync sync medipim-au --since 2026-01-31', 'shelfsync sync --json | tail -1'))
    .action(async (name: string | undefined, flags: SyncFlags) => {
      const signal = cli.stoppable(STOPPING)
      await using tools = await cli.open()
      const sources = name === undefined ? (await listSources(tools.db)).filter(({ state }) => state === 'active') : [await loadSource(tools.db, name)]
      if (sources.length === 0) cli.output.say('There is no active source yet. Add one: shelfsync add https://some-shop.example')
      for (const source of sources) {
        if (signal.aborted) return
        const connector = connectorOf(tools, source)
        await watchRun(cli, tools, source, (progress) => syncSource(tools, source, connector, toRequest(flags), progress, signal))
      }
    })
}

export function sinceOption(): Option {
  return new Option('--since <time>', 'everything that changed from then on, such as 2026-01-31 or 2026-01-31T12:00:00Z').argParser((text) => {
    const time = new Date(text)
    if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('Write a date or an ISO 8601 time.')
    return time
  })
}

export function toRequest({ full = false, since }: SyncFlags): SyncRequest {
  return { mode: full ? 'full' : since ? 'incremental' : 'auto', sinceAt: since ?? null, now: new Date() }
}
