// `shelfsync status`: shows the state of every source, what is wrong and open decisions.

import { type Command, Option } from 'commander'
import { countImages } from '../../db/read/images.ts'
import { loadSource } from '../../db/sources.ts'
import { listBreakers } from '../../db/read/limits.ts'
import { Calendar } from '../../sources/due.ts'
import { parseCount } from '../arguments/numbers.ts'
import { type Cli, EXIT, formatExamples, NO_SOURCES } from '../cli.ts'
import type { StatusList } from './list-statuses.ts'

/** Number of sources in the text without --limit. */
const SHOWN_COUNT = 40

interface Options {
  readonly all?: boolean
  readonly limit?: number
  readonly watch?: boolean
}

export function defineStatus(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'one source; by default those that need a person most')
    .addOption(
      new Option('--limit <n>', `number of sources; default ${SHOWN_COUNT}, with --json all`)
        .argParser(parseCount)
        .conflicts('all'),
    )
    .option('--all', 'show all sources')
    .addOption(
      new Option(
        '--watch',
        'show the sources until Ctrl-C: redrawn in a terminal, else a line for each change',
      ).conflicts(['all', 'limit']),
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync status',
        'shelfsync status my-shop',
        'shelfsync status --limit 200',
        'shelfsync status --watch',
        "shelfsync status --json | jq 'select(.due.late)'",
      ),
    )
    .action((name: string | undefined, options: Options) =>
      options.watch === true ? watchStatus(cli, name ?? null) : printStatus(cli, name, options),
    )
}

async function watchStatus(cli: Cli, name: string | null): Promise<void> {
  await using tools = await cli.openSync()
  // Ctrl-C is the way to end it, and not reported.
  cli.output.isReported = true
  const signal = cli.createStopSignal('', { code: EXIT.green, say: () => undefined })
  if (name !== null) await loadSource(tools.db, name)
  const { watchStatuses } = await import('./watch.ts')
  await watchStatuses(cli, { ...tools, calendar: new Calendar() }, { name, signal })
}

async function printStatus(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  await using tools = await cli.openSync()
  // Not for the help of this command.
  const { listOneStatus, listStatuses } = await import('./list-statuses.ts')
  const now = new Date()
  const isAll = options.all ?? (cli.output.json && options.limit === undefined)
  const limit = isAll ? null : (options.limit ?? SHOWN_COUNT)
  const health = { ...tools, calendar: new Calendar() }
  const list =
    name === undefined
      ? await listStatuses(health, limit, now)
      : await listOneStatus(health, name, now)
  await printStatuses(cli, list, now)
  const { formatImages } = await import('./table.ts')
  const { formatBreaker } = await import('../format/failure.ts')
  for (const breaker of await listBreakers(tools.db)) cli.output.say(formatBreaker(breaker, now))
  const images = formatImages(await countImages(tools.db), tools.settings.images.target !== null)
  if (images !== null) cli.output.say(images)
}

async function printStatuses(cli: Cli, { statuses, others }: StatusList, now: Date): Promise<void> {
  const { formatFreshness } = await import('../format/freshness.ts')
  const { printList } = await import('../terminal/list.ts')
  const { formatOthers, listIssues, toStatusTable } = await import('./table.ts')
  const { headings, rows } = toStatusTable(statuses, now)
  printList(cli.output, statuses, { headings, rows, empty: NO_SOURCES })
  for (const { source, freshness } of statuses)
    if (freshness !== null) cli.output.say(`${source}: ${formatFreshness(freshness)}`)
  for (const line of statuses.flatMap(listIssues)) cli.output.say(line)
  if (others.total > 0) cli.output.say(formatOthers(others))
}
