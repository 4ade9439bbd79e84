// `shelfsync plan NAME`: prints what a sync would change, field by field, and how the run would
// settle. `replay --plan` prints the same for a replay.

import { type Command, Option } from 'commander'
import { loadSource, type Source } from '../db/sources.ts'
import { bindSource } from '../sources/bound-source.ts'
import { createProgress, type Progress } from '../pipeline/context.ts'
import type { PlannedChange } from '../pipeline/apply/plan-writer.ts'
import { planSource, type Plan } from '../pipeline/plan.ts'
import { type Cli, formatExamples } from './cli.ts'
import type { Output } from './output.ts'
import { showProgress } from './progress.ts'
import { formatLedger, formatRemovalsOff } from './report.ts'
import { createSinceOption } from './parse-time.ts'
import { type SyncFlags, toRequest } from './sync.ts'
import { formatCount } from './format.ts'

/** Maximum length of a value in the text; --json contains all of it. */
const VALUE_CHARS_MAX = 60
const ID_CHARS_MAX = 200

export function definePlan(command: Command, cli: Cli): void {
  command
    .argument('<name>', 'the source')
    .addOption(new Option('--full', 'plan a full run').conflicts('since'))
    .addOption(createSinceOption('fetch the changes since this time'))
    .addHelpText(
      'after',
      formatExamples('shelfsync plan my-shop', 'shelfsync plan my-shop --full --json'),
    )
    .action((name: string, flags: SyncFlags) => printSyncPlan(cli, name, flags))
}

async function printSyncPlan(cli: Cli, name: string, flags: SyncFlags): Promise<void> {
  const signal = cli.createStopSignal('stopping; nothing was changed')
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const request = toRequest(flags)
  await showPlan(cli, source, (progress, onChange) =>
    planSource(tools, bindSource(tools, source), request, { progress, signal, onChange }),
  )
}

/** Prints each change that `plan` reports, and then how the run would settle. */
export async function showPlan(
  { output }: Cli,
  { name }: Source,
  plan: (progress: Progress, tell: (change: PlannedChange) => void) => Promise<Plan>,
): Promise<void> {
  const progress = createProgress()
  const changes: Record<string, number> = {}
  const tell = (change: PlannedChange): void => {
    changes[change.kind] = (changes[change.kind] ?? 0) + 1
    output.result(change, formatChange(output, change))
  }
  const hide = showProgress(output, name, progress)
  const planned = await plan(progress, tell).finally(hide)
  output.result({ source: name, ...planned, changes }, formatPlan(name, planned, changes))
}

/**
 * ```
 * my-shop: full run that would be held: updated 2 · quarantined 1; removals and changed prices would wait for a decision
 *   because: 127 of 150 products are missing (more than 15 %)
 *   fetched 23 · created 0 · updated 2 · unchanged 20 · held 0 · quarantined 1 · removed 0 · missing 0
 * ```
 */
export function formatPlan(
  source: string,
  { kind, state, reason, ledger, removalsOff }: Plan,
  changes: Readonly<Record<string, number>>,
): string {
  const total = Object.entries(changes)
    .map(([what, n]) => `${what} ${formatCount(n)}`)
    .join(' · ')
  const held = `run that would be held: ${total || 'nothing would change at once'}; removals and changed prices would wait for a decision`
  return [
    `${source}: ${kind} ${state === 'held' ? held : `run: ${total || 'nothing would change'}`}`,
    ...(reason === null ? [] : [`  because: ${reason}`]),
    `  ${formatLedger(ledger)}`,
    ...formatRemovalsOff(removalsOff),
  ].join('\n')
}

/** `updated M0001  title: "Old" → "New"`, one line for each member after the first. */
export function formatChange(output: Output, { kind, externalId, detail }: PlannedChange): string {
  const members = Object.entries(detail).map(
    ([name, value]) => `\n    ${name}: ${formatDifference(output, value)}`,
  )
  return `${kind.padEnd(11)} ${output.short(externalId, ID_CHARS_MAX)}${members.join('')}`
}

function formatDifference(output: Output, value: unknown): string {
  if (!Array.isArray(value) || value.length < 2) return formatValue(output, value)
  const [before, after, reason] = value as unknown[]
  return `${formatValue(output, before)} → ${formatValue(output, after)}${reason === undefined ? '' : ` (would be held: ${formatValue(output, reason)})`}`
}

function formatValue(output: Output, value: unknown): string {
  return output.short(JSON.stringify(value ?? null), VALUE_CHARS_MAX)
}
