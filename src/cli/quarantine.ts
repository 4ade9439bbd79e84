// `shelfsync quarantine`: lists records that could not be applied, and applies them again after a
// correction.

import type { Command } from 'commander'
import type { Tools } from '../app/compose.ts'
import { readLine } from '../artifacts/read-line.ts'
import {
  countClosedRecords,
  countQuarantine,
  listOpenRecords,
  listQuarantine,
  listQuarantinedRuns,
  loadQuarantinedRecord,
  type QuarantineDetails,
} from '../db/read/quarantine.ts'
import type { PageRequest } from '../db/read/page.ts'
import { loadSourceSummary } from '../db/read/source-summaries.ts'
import { loadSource } from '../db/sources.ts'
import { listParts } from '../db/write/artifacts.ts'
import { bindSource } from '../sources/bound-source.ts'
import { replayRun } from '../pipeline/replay.ts'
import { type Cli, formatExamples } from './cli.ts'
import { createLimitOption, parseId } from './arguments/numbers.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'
import { recordOwnAction } from './record-own-action.ts'
import { STOPPING, watchRun } from './sync/watch-run.ts'
import { formatBytes } from '../format/format.ts'
import { formatQuantity } from '../lib/words.ts'
import { formatPlace, formatQuarantinedRecord, formatRecordBytes } from './format/quarantine.ts'
import { writeBytes } from './terminal/write-bytes.ts'

const REASON_CHARS_MAX = 80

interface QuarantineFilter extends PageRequest {
  readonly source?: string
}

export function defineQuarantine(quarantine: Command, cli: Cli): void {
  quarantine.addHelpText(
    'after',
    formatExamples(
      'shelfsync quarantine',
      'shelfsync quarantine show 12',
      'shelfsync quarantine replay my-shop',
    ),
  )
  addList(quarantine, cli)
  addShow(quarantine, cli)
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
  await printPage(cli.output, page, {
    headings: ['record', 'source', 'product', 'reason', 'rule', 'where'],
    rows: page.items.map((record) => [
      String(record.id),
      record.source,
      record.product,
      cli.output.short(record.reason, REASON_CHARS_MAX),
      record.rule,
      formatPlace(record),
    ]),
    empty: 'No quarantined records.',
    command: formatRepeat(['quarantine'], { source: filter.source, limit: filter.limit }),
    count: () => countQuarantine(tools.db, filter.source),
  })
  if (page.items.length > 0)
    cli.output.say('Show the reason in full and the bytes: shelfsync quarantine show RECORD')
}

function addShow(quarantine: Command, cli: Cli): void {
  quarantine
    .command('show')
    .argument('<id>', 'the number of the quarantined record', parseId)
    .description('show one quarantined record: the reason, its bytes, its place, and what to do')
    .option('--raw', 'print all bytes of the record instead')
    .addHelpText(
      'after',
      formatExamples('shelfsync quarantine show 12', 'shelfsync quarantine show 12 --raw | jq .'),
    )
    .action((id: number, flags: { readonly raw?: boolean }) => printRecord(cli, id, flags))
}

async function printRecord(
  cli: Cli,
  id: number,
  { raw = false }: { readonly raw?: boolean },
): Promise<void> {
  await using tools = await cli.open()
  const record = await loadQuarantinedRecord(tools.db, id)
  if (raw) return await printBytes(tools, cli, record)
  const { raw: bytes, ...facts } = record
  cli.output.result(
    { ...facts, text: bytes.toString() },
    formatQuarantinedRecord(cli.output, record),
  )
  cli.output.say(`\n${formatRecordBytes(cli.output, record)}`, { raw: true })
}

/** The database has the first 64 KiB, and the artifact all of them until it is purged. */
async function printBytes(
  { db, store }: Tools,
  { output }: Cli,
  record: QuarantineDetails,
): Promise<void> {
  const { source, artifactRun, part: no, line, byteLength, raw, artifactState } = record
  if (raw.length >= byteLength) return await writeBytes([raw, Buffer.from('\n')])
  const parts = await listParts(db, (await loadSource(db, source)).id, artifactRun)
  const part = parts.find((one) => one.no === no)
  if (part !== undefined && artifactState !== 'purged')
    return await writeBytes(readLine(store, part, line))
  output.note(
    `The artifact of run ${artifactRun} is purged: only the first ${formatBytes(raw.length)} of ${formatBytes(byteLength)} are left`,
  )
  await writeBytes([raw, Buffer.from('\n')])
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
  await recordOwnAction(tools.db, { action: 'quarantine.replay', source: name })
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
