// `shelfsync quarantine`: lists records that could not be applied, and applies them again after a
// correction.

import type { Command } from 'commander'
import {
  countClosedRecords,
  listOpenRecords,
  listQuarantine,
  listQuarantinedRuns,
} from '../db/read/quarantine.ts'
import type { PageRequest } from '../db/read/page.ts'
import { loadSourceSummary } from '../db/read/source-summaries.ts'
import { loadSource } from '../db/sources.ts'
import { bindSource } from '../sources/bound-source.ts'
import { replayRun } from '../pipeline/replay.ts'
import { type Cli, formatExamples } from './cli.ts'
import { createLimitOption } from './parse-numbers.ts'
import { createAfterOption, printPage } from './paging.ts'
import { STOPPING, watchRun } from './watch-run.ts'
import { formatQuantity } from './format.ts'

interface QuarantineFilter extends PageRequest {
  readonly source?: string
}

export function defineQuarantine(quarantine: Command, cli: Cli): void {
  quarantine.addHelpText(
    'after',
    formatExamples('shelfsync quarantine', 'shelfsync quarantine replay my-shop'),
  )
  addList(quarantine, cli)
  addReplay(quarantine, cli)
}

function addList(quarantine: Command, cli: Cli): void {
  quarantine
    .command('list', { isDefault: true })
    .description('list quarantined records, the newest first')
    .option('--source <name>', 'only records of this source')
    .addOption(createLimitOption(50))
    .addOption(createAfterOption('quarantine'))
    .addHelpText(
      'after',
      formatExamples('shelfsync quarantine', 'shelfsync quarantine --source my-shop --json'),
    )
    .action((filter: QuarantineFilter) => printQuarantine(cli, filter))
}

async function printQuarantine(cli: Cli, filter: QuarantineFilter): Promise<void> {
  await using tools = await cli.open()
  if (filter.source !== undefined) await loadSource(tools.db, filter.source)
  const page = await listQuarantine(tools.db, filter)
  printPage(cli.output, page, {
    headings: ['record', 'source', 'where', 'product', 'rule', 'message'],
    rows: page.items.map(
      ({ id, source, artifactRun, part, line, byteOffset, product, rule, message }) => [
        String(id),
        source,
        `run ${artifactRun}, part ${part}, line ${line}, byte ${byteOffset}`,
        product,
        rule,
        cli.output.short(message, 80),
      ],
    ),
    empty: 'No quarantined records.',
  })
}

function addReplay(quarantine: Command, cli: Cli): void {
  quarantine
    .command('replay')
    .argument('<name>', 'the source')
    .description(
      'replay the artifacts with quarantined records; records that can be applied leave quarantine',
    )
    .addHelpText('after', formatExamples('shelfsync quarantine replay my-shop'))
    .action((name: string) => replayQuarantine(cli, name))
}

async function replayQuarantine(cli: Cli, name: string): Promise<void> {
  const signal = cli.createStopSignal(STOPPING)
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const bound = bindSource(tools, source)
  const before = await listOpenRecords(tools.db, source.id)
  for (const { run, artifact } of await listQuarantinedRuns(tools.db, source.id)) {
    if (signal.aborted) return
    if (artifact !== 'closed') {
      const reason =
        artifact === 'purged'
          ? `The artifact of run ${run} is purged`
          : `The fetch of run ${run} did not end`
      cli.output.note(`${reason}: its records stay in quarantine`)
      continue
    }
    await watchRun(cli, tools, source, (progress) =>
      replayRun(tools, bound, run, { progress, signal }),
    )
  }
  const replayed = await countClosedRecords(tools.db, source.id, before)
  const { openQuarantine: open } = await loadSourceSummary(tools.db, name)
  cli.output.result(
    { source: name, replayed, open },
    `${formatQuantity(replayed, 'record')} left quarantine, ` +
      `${formatQuantity(open, 'record')} still in it.`,
  )
}
