// `shelfsync changes`: lists the published changes of products, of one source or of all, or follows them.

import { type Command, Option } from 'commander'
import { CHANGE_KINDS, type FeedKind } from '../core/change-message.ts'
import { SyncError } from '../core/errors.ts'
import { listPublishedChanges } from '../db/read/changes.ts'
import type { PageRequest } from '../db/read/page.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatInstant } from '../format/format.ts'
import { CHANGE_HEADINGS, toChangeCells } from './format/changes.ts'
import { createLimitOption } from './arguments/numbers.ts'
import { parseChangeKind, parsePosition } from './arguments/feed.ts'
import { createSinceOption } from './arguments/time.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'

interface ChangeFlags extends PageRequest {
  readonly since?: Date
  readonly kind?: FeedKind
  readonly follow?: boolean
  readonly from?: number
}

export function defineChanges(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'the source; by default all sources')
    .addOption(createSinceOption('only changes since this time'))
    .addOption(
      new Option(
        '--kind <kind>',
        `only changes of this kind: ${CHANGE_KINDS.join(', ')}`,
      ).argParser(parseChangeKind),
    )
    .addOption(createLimitOption(50))
    .addOption(createAfterOption('history'))
    .addOption(
      new Option('--follow', 'print each change once, in order, until it is stopped').conflicts([
        'since',
        'after',
        'limit',
      ]),
    )
    .addOption(
      new Option(
        '--from <position>',
        'with --follow: begin after this position of the feed, 0 for the oldest; by default now',
      ).argParser(parsePosition),
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync changes',
        'shelfsync changes my-shop --since 2026-01-31',
        'shelfsync changes my-shop --kind repriced --json',
        'shelfsync changes --follow --from 1200 --json',
      ),
    )
    .action((name: string | undefined, flags: ChangeFlags) => printChanges(cli, name, flags))
}

async function printChanges(
  cli: Cli,
  name: string | undefined,
  { since, kind, follow = false, from, ...page }: ChangeFlags,
): Promise<void> {
  if (follow) {
    const { followChanges } = await import('./follow-changes.ts')
    return followChanges(cli, { source: name ?? null, kind, from })
  }
  if (from !== undefined) throw new SyncError('usage/invalid', '--from belongs to --follow')
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
