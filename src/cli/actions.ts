// `shelfsync actions`: lists what people changed, by whom and why.

import { type Command, Option } from 'commander'
import { listActions, type ActionFilter, type RecordedAction } from '../db/read/actions.ts'
import type { PageRequest } from '../db/read/page.ts'
import { loadRunSummary } from '../db/read/run-summaries.ts'
import { createLimitOption, parseId } from './arguments/numbers.ts'
import { createSinceOption } from './arguments/time.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatInstant } from '../format/format.ts'
import { formatSettings } from '../format/source.ts'
import type { Output } from './terminal/output.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'

const DETAIL_CHARS_MAX = 100

export function defineActions(command: Command, cli: Cli): void {
  command
    .option('--source <name>', 'only actions on this source, also a removed one')
    .addOption(new Option('--run <id>', 'only actions on this run').argParser(parseId))
    .option('--actor <person>', 'only actions of this person, as the list shows the name')
    .addOption(createSinceOption('only actions since this time'))
    .addOption(createLimitOption(50))
    .addOption(createAfterOption('actions'))
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync actions',
        'shelfsync actions --source my-shop --since 2026-01-31',
        'shelfsync actions --run 7 --json',
      ),
    )
    .action((filter: ActionFilter & PageRequest) => printActions(cli, filter))
}

async function printActions(cli: Cli, filter: ActionFilter & PageRequest): Promise<void> {
  await using tools = await cli.openSync()
  if (filter.run !== undefined) await loadRunSummary(tools.db, filter.run)
  const page = await listActions(tools.db, filter)
  await printPage(cli.output, page, {
    headings: ['time', 'who', 'action', 'source', 'run', 'subject', 'reason', 'detail'],
    rows: page.items.map((action) => toCells(cli.output, action)),
    empty: 'No actions.',
    command: formatRepeat(['actions'], {
      source: filter.source,
      run: filter.run,
      actor: filter.actor,
      since: filter.since?.toISOString(),
      limit: filter.limit,
    }),
  })
}

function toCells(output: Output, action: RecordedAction): (string | null)[] {
  const { at, actor, source, run, subject, reason, detail } = action
  return [
    formatInstant(at),
    actor,
    action.action,
    source,
    run === null ? null : String(run),
    subject,
    reason === null ? null : output.short(reason, DETAIL_CHARS_MAX),
    output.short(formatSettings(detail), DETAIL_CHARS_MAX),
  ]
}
