// `shelfsync runs`: lists and shows runs.

import { type Command, Option } from 'commander'
import { countChanges, listChanges } from '../../db/read/changes.ts'
import {
  listRuns,
  loadRunDetails,
  loadRunSummary,
  RUN_STATES,
  type RunDetails,
  type RunFilter,
  type RunSummary,
} from '../../db/read/run-summaries.ts'
import type { ArtifactSummary } from '../../db/read/artifacts.ts'
import type { PageRequest } from '../../db/read/page.ts'
import { loadSource } from '../../db/sources.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { formatDuration } from '../../lib/format-duration.ts'
import { parseChoice } from '../arguments/choice.ts'
import { createLimitOption, parseId } from '../arguments/numbers.ts'
import type { Output } from '../terminal/output.ts'
import { createAfterOption, formatRepeat, printPage } from '../terminal/paging.ts'
import { addDecisions } from './decisions.ts'
import { addDiff, formatDiff } from './diff.ts'
import { addCancel } from './cancel.ts'
import { CHANGE_HEADINGS, formatChangeCounts, toChangeCells } from '../format/changes.ts'
import { formatLedger } from '../sync/report.ts'
import { formatBytes, formatInstant } from '../../format/format.ts'
import { formatCount, formatQuantity, formatRelative } from '../../lib/words.ts'

const REASON_CHARS_MAX = 60

const RUN_HEADINGS = [
  'run',
  'source',
  'kind',
  'state',
  'started',
  'took',
  'fetched',
  'created',
  'updated',
  'removed',
  'reason',
]

export function defineRuns(runs: Command, cli: Cli): void {
  runs.addHelpText(
    'after',
    formatExamples('shelfsync runs', 'shelfsync runs show 7', 'shelfsync runs approve 7'),
  )
  addList(runs, cli)
  addShow(runs, cli)
  addChanges(runs, cli)
  addDiff(runs, cli)
  addDecisions(runs, cli)
  addCancel(runs, cli)
}

function addList(runs: Command, cli: Cli): void {
  runs
    .command('list', { isDefault: true })
    .description('list runs, the newest first')
    .option('--source <name>', 'only runs of this source')
    .addOption(
      new Option('--state <state>', `only runs in this state: ${RUN_STATES.join(', ')}`).argParser(
        (text: string) => parseChoice(text, RUN_STATES),
      ),
    )
    .addOption(createLimitOption(20))
    .addOption(createAfterOption('runs'))
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync runs',
        'shelfsync runs --state held',
        'shelfsync runs --source my-shop --limit 5',
      ),
    )
    .action((filter: RunFilter) => printRuns(cli, filter))
}

async function printRuns(cli: Cli, filter: RunFilter): Promise<void> {
  await using tools = await cli.openSync()
  if (filter.source !== undefined) await loadSource(tools.db, filter.source)
  const page = await listRuns(tools.db, filter)
  const now = new Date()
  await printPage(cli.output, page, {
    headings: RUN_HEADINGS,
    rows: page.items.map((run) => toRow(cli.output, run, now)),
    empty: 'No runs yet.',
    command: formatRepeat(['runs'], {
      source: filter.source,
      state: filter.state,
      limit: filter.limit,
    }),
  })
}

function toRow(output: Output, run: RunSummary, now: Date): (string | number | null)[] {
  const { ledger } = run
  return [
    String(run.id),
    run.source,
    run.kind,
    run.state,
    formatRelative(run.startedAt, now),
    formatDuration(run.seconds),
    ledger?.fetched ?? null,
    ledger?.created ?? null,
    ledger?.updated ?? null,
    ledger?.removed ?? null,
    formatReason(output, run),
  ]
}

/** The first cause of a held run, and the number of the others. */
function formatReason(output: Output, { state, reason }: RunSummary): string {
  if (reason === null || state !== 'held') return output.short(reason ?? '', REASON_CHARS_MAX)
  const [first = '', ...others] = reason.split('; ')
  const count = others.length > 0 ? ` (+${others.length})` : ''
  return `${output.short(first, REASON_CHARS_MAX)}${count}`
}

function addShow(runs: Command, cli: Cli): void {
  runs
    .command('show')
    .argument('<id>', 'the run', parseId)
    .description('show one run in detail')
    .addHelpText('after', formatExamples('shelfsync runs show 7'))
    .action((id: number) => printRun(cli, id))
}

async function printRun(cli: Cli, id: number): Promise<void> {
  await using tools = await cli.openSync()
  const run = await loadRunDetails(tools.db, id)
  cli.output.result(run, formatRun(cli.output, run))
}

function addChanges(runs: Command, cli: Cli): void {
  runs
    .command('changes')
    .argument('<id>', 'the run', parseId)
    .description('list the changes of one run by product; those of a held run are not published')
    .addOption(createLimitOption(100))
    .addOption(createAfterOption('changes'))
    .addHelpText(
      'after',
      formatExamples('shelfsync runs changes 7', 'shelfsync runs changes 7 --limit 1000 --json'),
    )
    .action((id: number, request: PageRequest) => printChanges(cli, id, request))
}

async function printChanges(cli: Cli, id: number, request: PageRequest): Promise<void> {
  await using tools = await cli.openSync()
  await loadRunSummary(tools.db, id)
  const page = await listChanges(tools.db, id, request)
  await printPage(cli.output, page, {
    headings: CHANGE_HEADINGS,
    rows: page.items.map((change) => toChangeCells(cli.output, change)),
    empty: `Run ${id} changed no product.`,
    command: formatRepeat(['runs', 'changes', String(id)], { limit: request.limit }),
    count: () => countChanges(tools.db, id),
  })
}

function formatRun(output: Output, run: RunDetails): string {
  const { ledger, artifact, decision } = run
  const expected = ledger?.expected == null ? '' : ` · expected ${formatCount(ledger.expected)}`
  const facts: [name: string, value: string | null][] = [
    ['source', run.source],
    ['kind', formatKind(run)],
    ['state', run.errorCode ? `${run.state} (${run.errorCode})` : run.state],
    ['reason', run.reason],
    [
      'decision',
      decision && `${decision.state} by ${decision.by} at ${formatInstant(decision.at)}`,
    ],
    ['started', `${formatInstant(run.startedAt)}, took ${formatDuration(run.seconds)}`],
    ['ledger', ledger && `${formatLedger(ledger)}${expected}`],
    ['removals', run.removalsOff && `off: ${run.removalsOff}`],
    ['changes', formatChangeCounts(run.changes)],
    ['artifact', artifact && formatArtifact(artifact)],
    ...(artifact?.warnings ?? []).map((warning): [string, string] => ['warning', warning]),
    ['parsing', artifact?.parsingWarnings ?? null],
    ['held prices', formatHeldPrices(run)],
    ['quarantine', formatQuarantine(run)],
    ['correlation', run.correlationId],
    ...formatDecision(run),
  ]
  return [
    `Run ${run.id}`,
    ...facts.flatMap(([name, value]) =>
      value === null ? [] : [`  ${name.padEnd(12)} ${output.inLine(value)}`],
    ),
  ].join('\n')
}

function formatHeldPrices({ id, heldPrices, heldProducts }: RunDetails): string | null {
  if (heldPrices === 0) return null
  return `${formatQuantity(heldPrices, 'price')} of ${formatQuantity(heldProducts, 'product')}, each with its own review: shelfsync reviews --run ${id}`
}

function formatQuarantine({ source, artifactRun, openQuarantine, otherQuarantine }: RunDetails) {
  if (openQuarantine + otherQuarantine === 0) return null
  return `${formatQuantity(openQuarantine, 'record')} of run ${artifactRun}, ${formatCount(otherQuarantine)} of other runs: shelfsync quarantine --source ${source}`
}

function formatDecision({ id, diff }: RunDetails): [name: string, value: string][] {
  if (diff === null) return []
  return [
    ['approving', formatDiff(diff)],
    ['list', `shelfsync runs diff ${id}`],
    ['decide', `shelfsync runs approve ${id} · shelfsync runs reject ${id}`],
  ]
}

function formatKind({ kind, sinceAt, keyCount }: RunSummary): string {
  if (keyCount !== null) return `${kind} of ${formatQuantity(keyCount, 'product')}`
  return sinceAt ? `${kind}, since ${formatInstant(sinceAt)}` : kind
}

function formatArtifact(artifact: ArtifactSummary): string {
  const { run, state, complete, lines, parts, rawBytes, storedBytes } = artifact
  return (
    `run ${run}, ${state}, ${complete ? 'complete' : 'not complete'}: ` +
    `${formatQuantity(lines, 'line')} in ${formatQuantity(parts, 'part')}, ` +
    `${formatBytes(rawBytes)} (${formatBytes(storedBytes)} stored)`
  )
}
