// `shelfsync purge`: removes archived bytes that are no longer kept. The same happens after every run that went well.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { listSources, loadSource } from '../db/sources.ts'
import { purgeSource } from '../pipeline/purge.ts'
import { type Cli, examples } from './cli.ts'
import { bytes, counted } from './text.ts'

export function addPurge(program: Command, cli: Cli): void {
  program
    .command('purge')
    .argument('[name]', 'the source; without it every one')
    .description('remove the stored bytes of old runs; what they brought stays in the catalogue')
    .addOption(new Option('--keep <n>', 'how many good runs of each source keep their bytes, or all; by default ARTIFACTS_KEEP').argParser(parseKeep))
    .option('--dry-run', 'only say what would go')
    .addHelpText('after', examples('shelfsync purge --dry-run', 'shelfsync purge --keep 3', 'shelfsync purge medipim-au --keep 0'))
    .action(async (name: string | undefined, { keep, dryRun = false }: { keep?: number | 'all'; dryRun?: boolean }) => {
      await using tools = await cli.open()
      const sources = name === undefined ? await listSources(tools.db) : [await loadSource(tools.db, name)]
      for (const source of sources) {
        const purged = await purgeSource(tools, source, keep ?? tools.settings.artifactsKeep, { dryRun })
        const what = purged.runs.length === 0 ? 'nothing to purge' : `${counted(purged.runs.length, 'run')} ${dryRun ? 'would be purged' : 'purged'}, ${bytes(purged.storedBytes)}`
        cli.output.result({ ...purged, dryRun }, `${source.name}: ${what}`)
      }
    })
}

function parseKeep(text: string): number | 'all' {
  if (text === 'all') return 'all'
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('Write a number of runs, or all.')
  return Number(text)
}
