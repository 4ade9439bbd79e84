// `shelfsync runs approve` and `reject`: decisions on held runs. An approval covers what the
// command printed, or what an earlier `runs diff` listed; anything that has appeared since stays
// held.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { isReservedName } from '../../core/reserved-name.ts'
import { loadRunDiff } from '../../db/read/run-diffs.ts'
import { loadRunSummary } from '../../db/read/run-summaries.ts'
import type { PipelineDb } from '../../db/pipeline-db.ts'
import { approveRun, rejectRun, type Approval } from '../../db/write/decisions.ts'
import { type Cli, EXIT, formatExamples } from '../cli.ts'
import { formatArgument } from '../../format/format.ts'
import { formatQuantity } from '../../lib/words.ts'
import { parseId } from '../arguments/numbers.ts'
import { confirm } from '../terminal/prompt.ts'
import { formatApproval, formatDiff } from './diff.ts'
import { describeUser } from '../user.ts'

interface RejectFlags {
  readonly by: string
  readonly yes?: boolean
}

interface Rejection {
  readonly run: number
  /** Pending removals and prices, which it discards. */
  readonly removals: number
  readonly prices: number
}

interface ApproveFlags extends RejectFlags {
  readonly seen?: string
}

export function addDecisions(runs: Command, cli: Cli): void {
  runs
    .command('approve')
    .argument('<id>', 'the held run', parseId)
    .description('print what a held run would change, ask, and apply it')
    .option('--yes', 'do not ask; required without a terminal')
    .option('--seen <version>', 'approve only what `runs diff` listed in this version')
    .addOption(createByOption())
    .addHelpText(
      'after',
      formatExamples('shelfsync runs approve 7', 'shelfsync runs approve 7 --yes --seen 7:1'),
    )
    .action((id: number, flags: ApproveFlags) => approve(cli, id, flags))
  runs
    .command('reject')
    .argument('<id>', 'the held run', parseId)
    .description('print what a held run would change, ask, and discard it')
    .option('--yes', 'do not ask; required without a terminal')
    .addOption(createByOption())
    .addHelpText(
      'after',
      formatExamples('shelfsync runs reject 7', 'shelfsync runs reject 7 --yes'),
    )
    .action((id: number, flags: RejectFlags) => reject(cli, id, flags))
}

/** The option of every decision, recorded with it. */
export function createByOption(): Option {
  return new Option('--by <person>', 'the person who decides')
    .default(describeUser())
    .argParser(parsePerson)
}

/** The option of decisions whose reason is recorded. */
export function createReasonOption(): Option {
  return new Option('--reason <text>', 'the reason, for the log of actions')
}

function parsePerson(name: string): string {
  if (isReservedName(name))
    throw new InvalidArgumentError('It stands for decisions without a person.')
  return name
}

async function approve(cli: Cli, id: number, { by, yes, seen }: ApproveFlags): Promise<void> {
  await using tools = await cli.openSync()
  const diff = await loadRunDiff(tools.db, id)
  const version = seen ?? diff.version
  const { reason } = await loadRunSummary(tools.db, id)
  cli.output.say(`Approving run ${id}: ${formatDiff(diff)}`)
  cli.output.say(`  because: ${cli.output.inLine(reason ?? '')}`)
  cli.output.say(`  list: shelfsync runs diff ${id}`)
  if (seen !== undefined && seen !== diff.version)
    cli.output.say(
      `The diff has changed since version ${seen}: what has appeared since then is counted here, but stays held.`,
    )
  const command = `${formatApproval(id, version)} --yes${formatBy(by)}`
  if (!yes && !(await confirm(cli, `Approve run ${id}?`, { done: 'approved', command }))) {
    cli.output.say(`Run ${id} stays held: nothing was approved.`)
    cli.end(EXIT.held)
    return
  }
  const approval = await approveRun(tools.db, id, { version, by })
  cli.output.result({ run: id, ...approval }, formatResult(id, approval))
  if (approval.state === 'held') cli.end(EXIT.held)
}

/** The option --by of a command that is printed, unless it is the user of this machine. */
export function formatBy(by: string): string {
  return by === describeUser() ? '' : ` --by ${formatArgument(by)}`
}

/**
 * `Run 7: 12 removals and 1 changed price were approved; 3 removals appeared meanwhile and wait: …`
 */
function formatResult(id: number, { removed, prices, waiting, state }: Approval): string {
  const done = `${formatEffects(removed, prices)} approved`
  if (state === 'succeeded') return `Run ${id} is approved: ${done}.`
  return `Run ${id}: ${done}; ${formatEffects(waiting.removals, waiting.prices)} appeared meanwhile and wait: shelfsync runs diff ${id}`
}

/** `12 removals and 1 changed price`. */
export function formatEffects(removals: number, prices: number): string {
  const parts = [
    ...(removals > 0 || prices === 0 ? [formatQuantity(removals, 'removal')] : []),
    ...(prices > 0 ? [formatQuantity(prices, 'changed price')] : []),
  ]
  return parts.join(' and ')
}

async function reject(cli: Cli, id: number, { by, yes = false }: RejectFlags): Promise<void> {
  await using tools = await cli.openSync()
  const diff = await loadRunDiff(tools.db, id)
  const { reason } = await loadRunSummary(tools.db, id)
  cli.output.say(`Rejecting run ${id} discards ${formatEffects(diff.removals, diff.prices)}.`)
  cli.output.say(`  because: ${cli.output.inLine(reason ?? '')}`)
  const command = `shelfsync runs reject ${id} --yes${formatBy(by)}`
  await rejectHeld(cli, tools.db, { run: id, ...diff }, { by, yes, done: 'rejected', command })
}

/** Asks unless `yes`, and rejects the held run. `command` does so without a terminal. */
export async function rejectHeld(
  cli: Cli,
  db: PipelineDb,
  { run, removals, prices }: Rejection,
  { by, yes, ...question }: RejectFlags & { readonly done: string; readonly command: string },
): Promise<void> {
  cli.output.say(`  list: shelfsync runs diff ${run}`)
  if (!yes && !(await confirm(cli, `Reject run ${run}?`, question))) {
    cli.output.say(`Run ${run} stays held: nothing was discarded.`)
    cli.end(EXIT.held)
    return
  }
  await rejectRun(db, run, by)
  cli.output.result(
    { run, state: 'rejected', removed: 0 },
    `Run ${run} is rejected: ${formatEffects(removals, prices)} discarded.`,
  )
}
