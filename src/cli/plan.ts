// `shelfsync plan NAME`: what a sync would change now, field by field, without changing it.

import { type Command, Option } from 'commander'
import { loadSource } from '../db/sources.ts'
import { connectorOf } from '../pipeline/connector-of.ts'
import { newProgress } from '../pipeline/context.ts'
import { planSource, type PlannedChange } from '../pipeline/plan.ts'
import { type Cli, examples } from './cli.ts'
import { showProgress } from './progress.ts'
import { sinceOption, type SyncFlags, toRequest } from './sync.ts'
import { count, short } from './text.ts'

/** How long a value may be in the text; --json has all of it. */
const VALUE_CHARS_MAX = 60

export function addPlan(program: Command, cli: Cli): void {
  program
    .command('plan')
    .argument('<name>', 'the source')
    .description('show what a sync would change now, and change nothing')
    .addOption(new Option('--full', 'plan a full run').conflicts('since'))
    .addOption(sinceOption())
    .addHelpText('after', examples('shelfsync plan medipim-au', 'shelfsync plan medipim-au --full --json'))
    .action(async (name: string, flags: SyncFlags) => {
      const signal = cli.stoppable('stopping; nothing was changed')
      await using tools = await cli.open()
      const source = await loadSource(tools.db, name)
      const progress = newProgress()
      const kinds: Record<string, number> = {}
      const hide = showProgress(cli.output, name, progress)
      try {
        for await (const change of planSource(tools, source, connectorOf(tools, source), toRequest(flags), progress, signal)) {
          kinds[change.kind] = (kinds[change.kind] ?? 0) + 1
          cli.output.result(change, changeText(change))
        }
      } finally {
        hide()
      }
      const total = Object.entries(kinds).map(([kind, n]) => `${kind} ${count(n)}`)
      cli.output.result({ source: name, fetched: progress.fetchedLines, changes: kinds }, `${name}: ${total.join(' · ') || 'nothing would change'}`)
    })
}

/** `updated M0001  title: "Old" → "New"`, one line for each member after the first. */
export function changeText({ kind, externalId, detail }: PlannedChange): string {
  const members = Object.entries(detail).map(([name, value]) => `\n    ${name}: ${differenceText(value)}`)
  return `${kind.padEnd(11)} ${externalId}${members.join('')}`
}

function differenceText(value: unknown): string {
  if (!Array.isArray(value) || value.length < 2) return valueText(value)
  const [before, after, reason] = value as unknown[]
  return `${valueText(before)} → ${valueText(after)}${reason === undefined ? '' : ` (would be held: ${valueText(reason)})`}`
}

function valueText(value: unknown): string {
  return short(JSON.stringify(value ?? null), VALUE_CHARS_MAX)
}
