// `shelfsync runs`: what ran, how it went, and the decision on what is held.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { listRuns, loadRun, type RunDetails } from '../db/read/listings.ts'
import { decideRun } from '../db/reviews.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, formatExamples } from './cli.ts'
import { createLimitOption, parseId } from './ids.ts'
import type { Output } from './output.ts'
import { describeUser } from './user.ts'
import { formatLedger } from './report.ts'
import {
  formatBytes,
  formatCount,
  formatQuantity,
  formatDuration,
  formatInstant,
  formatRelative,
} from './format.ts'

const STATES = [
  'running',
  'interrupted',
  'fetched',
  'succeeded',
  'held',
  'failed',
  'rejected',
  'superseded',
  'cancelled',
  'partial',
]

export function addRuns(program: Command, cli: Cli): void {
  const runs = program
    .command('runs')
    .description('list, show, approve or reject runs')
    .addHelpText(
      'after',
      formatExamples('shelfsync runs', 'shelfsync runs show 7', 'shelfsync runs approve 7'),
    )
  runs
    .command('list', { isDefault: true })
    .description('list the newest runs')
    .option('--source <name>', 'of this source only')
    .addOption(
      new Option('--state <state>', `in this state only: ${STATES.join(', ')}`).argParser(
        parseState,
      ),
    )
    .addOption(createLimitOption(20))
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync runs',
        'shelfsync runs --state held',
        'shelfsync runs --source medipim-au --limit 5',
      ),
    )
    .action(async (filter: { source?: string; state?: string; limit: number }) => {
      await using tools = await cli.openSync()
      if (filter.source !== undefined) await loadSource(tools.db, filter.source)
      const listed = await listRuns(tools.db, filter)
      const now = new Date()
      const rows = listed.map(({ id, source, kind, state, startedAt, seconds, ledger, reason }) => [
        String(id),
        source,
        kind,
        state,
        formatRelative(startedAt, now),
        formatDuration(seconds),
        ledger?.fetched ?? null,
        ledger?.created ?? null,
        ledger?.updated ?? null,
        ledger?.removed ?? null,
        cli.output.short(reason ?? '', 60),
      ])
      cli.output.list(
        listed,
        [
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
        ],
        rows,
        'No runs yet.',
      )
    })

  runs
    .command('show')
    .argument('<id>', 'the run', parseId)
    .description('show everything about one run')
    .addHelpText('after', formatExamples('shelfsync runs show 7'))
    .action(async (id: number) => {
      await using tools = await cli.open()
      const run = await loadRun(tools.db, id)
      cli.output.result(run, runText(cli.output, run))
    })

  for (const [verb, what] of [
    ['approve', 'let a held run do what it waits to do, removals included'],
    ['reject', 'drop what a held run waits to do'],
  ] as const) {
    runs
      .command(verb)
      .argument('<id>', 'the held run', parseId)
      .description(what)
      .addOption(new Option('--by <person>', 'who decides').default(describeUser()))
      .addHelpText('after', formatExamples(`shelfsync runs ${verb} 7`))
      .action(async (id: number, { by }: { by: string }) => {
        await using tools = await cli.open()
        const removed = await decideRun(tools.db, id, verb === 'approve', by)
        const text =
          verb === 'approve'
            ? `Run ${id} is approved: ${formatQuantity(removed, 'product')} removed, pending prices are current.`
            : `Run ${id} is rejected: what waited is dropped.`
        cli.output.result(
          { run: id, state: verb === 'approve' ? 'succeeded' : 'rejected', removed },
          text,
        )
      })
  }
}

function parseState(text: string): string {
  if (!STATES.includes(text)) throw new InvalidArgumentError(`One of ${STATES.join(', ')}.`)
  return text
}

function runText(output: Output, run: RunDetails): string {
  const { ledger, artifact, changes } = run
  const facts: [name: string, value: string | null][] = [
    ['source', run.source],
    ['kind', run.sinceAt ? `${run.kind}, since ${formatInstant(run.sinceAt)}` : run.kind],
    ['state', run.errorCode ? `${run.state} (${run.errorCode})` : run.state],
    ['reason', run.reason],
    ['started', `${formatInstant(run.startedAt)}, took ${formatDuration(run.seconds)}`],
    [
      'ledger',
      ledger &&
        `${formatLedger(ledger)}${ledger.expected === null ? '' : ` · expected ${formatCount(ledger.expected)}`}`,
    ],
    ['removals', run.removalsOff && `off: ${run.removalsOff}`],
    [
      'changes',
      Object.entries(changes)
        .map(([kind, n]) => `${kind} ${formatCount(n)}`)
        .join(' · ') || null,
    ],
    [
      'artifact',
      artifact &&
        `run ${artifact.run}, ${artifact.state}, ${artifact.complete ? 'complete' : 'not complete'}: ${formatQuantity(artifact.lines, 'line')} in ` +
          `${formatQuantity(artifact.parts, 'part')}, ${formatBytes(artifact.rawBytes)} (${formatBytes(artifact.storedBytes)} stored)`,
    ],
    ...(artifact?.warnings ?? []).map((warning): [string, string] => ['warning', warning]),
    [
      'open',
      `${formatQuantity(run.openReviews, 'review')}, ${formatQuantity(run.openQuarantine, 'record')} in quarantine`,
    ],
    ['correlation', run.correlationId],
    [
      'decide',
      run.state === 'held'
        ? `shelfsync runs approve ${run.id} · shelfsync runs reject ${run.id}`
        : null,
    ],
  ]
  return [
    `Run ${run.id}`,
    ...facts.flatMap(([name, value]) =>
      value === null ? [] : [`  ${name.padEnd(11)} ${output.inLine(value)}`],
    ),
  ].join('\n')
}
