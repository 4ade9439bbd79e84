// `shelfsync changes`: lists the published changes of products, of one source or of all.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { CHANGE_KINDS } from '../core/change-message.ts'
import { listPublishedChanges, type PublishedChange } from '../db/read/changes.ts'
import type { PageRequest } from '../db/read/page.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatInstant } from '../format/format.ts'
import { CHANGE_HEADINGS, toChangeCells } from './format/changes.ts'
import { createLimitOption } from './arguments/numbers.ts'
import { createSinceOption } from './arguments/time.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'

interface ChangeFlags extends PageRequest {
  readonly since?: Date
  readonly kind?: PublishedChange['kind']
}

export function defineChanges(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'the source; by default all sources')
    .addOption(createSinceOption('only changes since this time'))
    .addOption(
      new Option(
        '--kind <kind>',
        `only changes of this kind: ${CHANGE_KINDS.join(', ')}`,
      ).argParser(parseKind),
    )
    .addOption(createLimitOption(50))
    .addOption(createAfterOption('history'))
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync changes',
        'shelfsync changes my-shop --since 2026-01-31',
        'shelfsync changes my-shop --kind repriced --json',
      ),
    )
    .action((name: string | undefined, flags: ChangeFlags) => printChanges(cli, name, flags))
}

async function printChanges(
  cli: Cli,
  name: string | undefined,
  { since, kind, ...page }: ChangeFlags,
): Promise<void> {
  await using tools = await cli.open()
  const source = name === undefined ? null : await loadSource(tools.db, name)
  const changes = await listPublishedChanges(tools.db, {
    sourceId: source?.id ?? null,
    sinceAt: since ?? null,
    kind: kind ?? null,
    ...page,
  })
  await printPage(cli.output, changes, {
    headings: ['time', 'source', ...CHANGE_HEADINGS],
    rows: changes.items.map((change) => [
      formatInstant(change.changedAt),
      change.source,
      ...toChangeCells(cli.output, change),
    ]),
    empty: 'No changes.',
    command: formatRepeat(['changes', ...(name === undefined ? [] : [name])], {
      since: since?.toISOString(),
      kind,
      limit: page.limit,
    }),
  })
}

function parseKind(text: string): PublishedChange['kind'] {
  const kind = CHANGE_KINDS.find((one) => one === text)
  if (!kind) throw new InvalidArgumentError(`It must be one of ${CHANGE_KINDS.join(', ')}.`)
  return kind
}
