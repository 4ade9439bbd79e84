// `shelfsync plan NAME`: prints what a sync would change, field by field, and how the run would
// settle. `replay --plan` prints the same for a replay.

import { type Command, Option } from 'commander'
import { loadSource, type Source } from '../../db/sources.ts'
import { bindSource } from '../../sources/bound-source.ts'
import { createProgress, type Progress } from '../../pipeline/context.ts'
import type { PlannedChange } from '../../pipeline/apply/plan-writer.ts'
import { planSource, type Plan } from '../../pipeline/plan.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { formatChangeCounts } from '../format/changes.ts'
import { printPaged } from '../terminal/pager.ts'
import { parseCount } from '../arguments/numbers.ts'
import { PlannedChanges } from './planned-changes.ts'
import { showProgress } from '../terminal/progress.ts'
import { formatLedger, formatRemovalsOff } from '../sync/report.ts'
import { createSinceOption } from '../arguments/time.ts'
import { formatDiff } from '../runs/diff.ts'
import type { SyncFlags } from '../sync/sync.ts'
import { toRequest } from '../sync/sync-request.ts'

/** Changes in the text without --limit and --all. */
const CHANGES_SHOWN = 20

export interface PlanOutputFlags {
  readonly all?: boolean
  readonly limit?: number
  readonly pager?: boolean
}

interface PlanOutput extends PlanOutputFlags {
  /** The command without --limit and --all. */
  readonly again: string
}

type PlanFlags = SyncFlags & PlanOutputFlags

export function definePlan(command: Command, cli: Cli): void {
  addPlanOptions(
    command
      .argument('<name>', 'the source')
      .addOption(new Option('--full', 'plan a full run').conflicts('since'))
      .addOption(createSinceOption('fetch the changes since this time')),
  )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync plan my-shop',
        'shelfsync plan my-shop --full --all',
        'shelfsync plan my-shop --full --json',
      ),
    )
    .action((name: string, flags: PlanFlags) => printSyncPlan(cli, name, flags))
}

async function printSyncPlan(cli: Cli, name: string, flags: PlanFlags): Promise<void> {
  const signal = cli.createStopSignal('stopping; nothing was changed')
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const request = toRequest(flags)
  const again = `shelfsync plan ${name}${formatScope(flags)}`
  await showPlan(cli, source, { ...flags, again }, (progress, onChange) =>
    planSource(tools, bindSource(tools, source), request, { progress, signal, onChange }),
  )
}

/** Returns the options of a plan that the command for all changes repeats. */
function formatScope({ full = false, since }: SyncFlags): string {
  if (since !== undefined) return ` --since ${since.toISOString()}`
  return full ? ' --full' : ''
}

/** The options of a command that prints a plan. */
export function addPlanOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--limit <n>', `number of changes in the text; default ${CHANGES_SHOWN}`)
        .argParser(parseCount)
        .conflicts('all'),
    )
    .option('--all', 'print every change in the text; --json always does')
    .option('--no-pager', 'print a long text without a pager')
}

/**
 * Prints how the run would settle, and the first changes. With --json, prints each change as the plan
 * reports it, and then how the run would settle.
 */
export async function showPlan(
  { output, env }: Cli,
  { name, nextSeq }: Source,
  { again, all = false, limit = CHANGES_SHOWN, pager = true }: PlanOutput,
  plan: (progress: Progress, tell: (change: PlannedChange) => void) => Promise<Plan>,
): Promise<void> {
  const progress = createProgress()
  const planned = new PlannedChanges(all ? Infinity : limit)
  const tell = (change: PlannedChange): void => {
    planned.add(change)
    if (output.json) output.result(change, '')
  }
  const hide = showProgress(output, name, progress)
  let result: Plan
  try {
    result = await plan(progress, tell)
  } finally {
    hide()
  }
  const changes = planned.count(result.state, nextSeq === 0)
  const text = [
    formatPlan(name, result, changes),
    ...planned.format(output, `${again} --all`),
  ].join('\n')
  await printPaged(output, { value: { source: name, ...result, changes }, text }, { env, pager })
}

/**
 * The counts are those that `sync` and `runs show` print after the run:
 *
 * ```
 * my-shop: full run that would be held; its removals and changed prices would wait for a decision
 *   because: 127 of 150 products are missing (more than 15 %)
 *   fetched 23 · created 0 · updated 2 · unchanged 20 · held 0 · quarantined 1 · removed 0 · missing 127
 *   changes: updated 2
 *   approving it: 127 products removed · no price changed · watermark 2026-01-31 03:17:02 UTC
 * ```
 */
export function formatPlan(
  source: string,
  { kind, state, reason, ledger, removalsOff, diff }: Plan,
  changes: Readonly<Record<string, number>>,
): string {
  const end =
    state === 'held'
      ? 'be held; its removals and changed prices would wait for a decision'
      : 'succeed'
  return [
    `${source}: ${kind} run that would ${end}`,
    ...(reason === null ? [] : [`  because: ${reason}`]),
    `  ${formatLedger(ledger)}`,
    `  changes: ${formatChangeCounts(changes) ?? 'none'}`,
    ...formatRemovalsOff(removalsOff),
    ...(diff === null ? [] : [`  approving it: ${formatDiff(diff)}`]),
  ].join('\n')
}
