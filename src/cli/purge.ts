// `shelfsync purge`: removes archived bytes that are no longer kept. The same happens after every
// run that went well.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Keep } from '../artifacts/retention.ts'
import { SyncError } from '../core/errors.ts'
import { listSources, loadSource } from '../db/sources.ts'
import { purgeSource } from '../pipeline/purge.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatBytes, formatQuantity } from './format.ts'

interface PurgeFlags {
  readonly keep?: Exclude<Keep, 'none'>
  readonly everything?: boolean
  readonly dryRun?: boolean
}

export function addPurge(program: Command, cli: Cli): void {
  program
    .command('purge')
    .argument('[name]', 'the source; without it every one')
    .description('remove the stored bytes of old runs; what they brought stays in the catalogue')
    .addOption(
      new Option(
        '--keep <n>',
        'how many good runs of each source keep their bytes, besides those that a rebuild of the catalogue needs, or all; by default ARTIFACTS_KEEP',
      ).argParser(parseKeep),
    )
    .addOption(
      new Option(
        '--everything',
        'of the source that is named, also what a rebuild of the catalogue needs; no replay is possible then',
      ).conflicts('keep'),
    )
    .option('--dry-run', 'only say what would go')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync purge --dry-run',
        'shelfsync purge --keep 3',
        'shelfsync purge my-shop --everything',
      ),
    )
    .action(
      async (
        name: string | undefined,
        { keep, everything = false, dryRun = false }: PurgeFlags,
      ) => {
        if (everything && name === undefined)
          throw new SyncError('usage/invalid', '--everything needs the name of a source')
        await using tools = await cli.open()
        const sources =
          name === undefined ? await listSources(tools.db) : [await loadSource(tools.db, name)]
        for (const source of sources) {
          const purged = await purgeSource(
            tools,
            source,
            everything ? 'none' : (keep ?? tools.settings.artifactsKeep),
            { dryRun },
          )
          const what =
            purged.runs.length === 0
              ? 'nothing to purge'
              : `${formatQuantity(purged.runs.length, 'run')} ${dryRun ? 'would be purged' : 'purged'}, ${formatBytes(purged.storedBytes)}`
          cli.output.result(
            { ...purged, dryRun },
            `${source.name}: ${what}${rebuildText(purged.rebuild)}`,
          )
        }
      },
    )
}

/** `; the catalogue can be rebuilt from run 7 and the 38 runs after it`. */
function rebuildText([first, ...later]: readonly number[]): string {
  if (first === undefined) return ''
  return `; the catalogue can be rebuilt from run ${first}${later.length === 0 ? '' : ` and the ${formatQuantity(later.length, 'run')} after it`}`
}

function parseKeep(text: string): number | 'all' {
  if (text === 'all') return 'all'
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('Write a number of runs, or all.')
  return Number(text)
}
