// `shelfsync purge`: removes archived bytes beyond the retention limit, and content whose licence
// has ended. Every successful run does the same.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Keep } from '../artifacts/retention.ts'
import { SyncError } from '../core/errors.ts'
import { listSources, loadSource } from '../db/sources.ts'
import { removeOldChanges } from '../db/write/feed.ts'
import { purgeExpiredRows } from '../db/write/retention.ts'
import { purgeSource } from '../pipeline/purge.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatBytes } from '../format/format.ts'
import { formatQuantity } from '../lib/words.ts'
import { recordOwnAction } from './record-own-action.ts'

interface PurgeFlags {
  readonly keep?: Exclude<Keep, 'none'>
  readonly everything?: boolean
  readonly dryRun?: boolean
}

export function definePurge(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'the source; by default every source')
    .addOption(
      new Option(
        '--keep <n>',
        'number of successful runs of each source that keep their bytes, or all; the bytes that a rebuild of the catalogue needs are always kept; by default ARTIFACTS_KEEP',
      ).argParser(parseKeep),
    )
    .addOption(
      new Option(
        '--everything',
        'remove all bytes of the named source; a replay or rebuild is not possible afterwards',
      ).conflicts('keep'),
    )
    .option('--dry-run', 'only print the runs that would be purged')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync purge --dry-run',
        'shelfsync purge --keep 3',
        'shelfsync purge my-shop --everything',
      ),
    )
    .action((name: string | undefined, flags: PurgeFlags) => purge(cli, name, flags))
}

async function purge(
  cli: Cli,
  name: string | undefined,
  { keep, everything = false, dryRun = false }: PurgeFlags,
): Promise<void> {
  if (everything && name === undefined)
    throw new SyncError('usage/invalid', '--everything needs the name of a source')
  await using tools = await cli.open()
  const sources =
    name === undefined ? await listSources(tools.db) : [await loadSource(tools.db, name)]
  const kept = everything ? 'none' : (keep ?? tools.settings.artifactsKeep)
  const expired = dryRun ? 0 : await purgeExpiredRows(tools.db)
  const changes = dryRun ? 0 : await removeOldChanges(tools.db, tools.settings.changesDays)
  if (changes > 0) cli.output.say(`${formatQuantity(changes, 'old change')} removed`)
  if (expired > 0) cli.output.say(`Expired content purged from ${formatQuantity(expired, 'row')}`)
  for (const source of sources) {
    const purged = await purgeSource(tools, source, kept, { dryRun })
    const { runs, storedBytes, rebuild } = purged
    if (!dryRun && runs.length > 0)
      await recordOwnAction(tools.db, {
        action: 'source.purge',
        source: source.name,
        detail: { kept, runs: runs.length },
      })
    const result =
      runs.length === 0
        ? 'nothing to purge'
        : `${formatQuantity(runs.length, 'run')} ${dryRun ? 'would be purged' : 'purged'}, ${formatBytes(storedBytes)}`
    cli.output.result({ ...purged, dryRun }, `${source.name}: ${result}${formatRebuild(rebuild)}`)
  }
}

/** `; the catalogue can be rebuilt from run 7 and the 38 runs after it`. */
function formatRebuild([first, ...later]: readonly number[]): string {
  if (first === undefined) return ''
  return `; the catalogue can be rebuilt from run ${first}${later.length === 0 ? '' : ` and the ${formatQuantity(later.length, 'run')} after it`}`
}

function parseKeep(text: string): number | 'all' {
  if (text === 'all') return 'all'
  if (!/^\d{1,6}$/.test(text))
    throw new InvalidArgumentError('It must be a number of runs, or all.')
  return Number(text)
}
