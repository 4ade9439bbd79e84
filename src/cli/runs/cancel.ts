// `shelfsync runs cancel`: ends a run for good, also while a worker executes it.

import type { Command } from 'commander'
import type { Tools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import { loadRunDiff } from '../../db/read/run-diffs.ts'
import { loadRunSummary } from '../../db/read/run-summaries.ts'
import { rejectRun } from '../../db/write/decisions.ts'
import { cancelRun, findQueuedRun } from '../../db/write/queued-runs.ts'
import { type Cli, EXIT, formatExamples } from '../cli.ts'
import { openQueueIfPossible } from '../open-queue.ts'
import { parseId } from '../arguments/numbers.ts'
import { confirm } from '../terminal/prompt.ts'
import { describeUser } from '../user.ts'
import { formatEffects } from './decisions.ts'

interface CancelFlags {
  readonly yes?: boolean
}

export function addCancel(runs: Command, cli: Cli): void {
  runs
    .command('cancel')
    .argument('<id>', 'the run: running, queued, fetched, interrupted or held', parseId)
    .description(
      'end a run for good; its worker stops within seconds, and what is archived or applied stays',
    )
    .option('--yes', 'do not ask about a held run; required without a terminal')
    .addHelpText(
      'after',
      formatExamples('shelfsync runs cancel 7', 'shelfsync runs cancel 7 --yes'),
    )
    .action((id: number, flags: CancelFlags) => cancel(cli, id, flags))
}

async function cancel(cli: Cli, id: number, flags: CancelFlags): Promise<void> {
  await using tools = await cli.open()
  const { state, source } = await loadRunSummary(tools.db, id)
  if (state === 'held') return await rejectHeld(cli, tools, id, flags)
  const isQueued = (await findQueuedRun(tools.db, id)) !== null
  const ended = await cancelRun(tools.db, id)
  if (ended !== 'cancelled')
    throw new SyncError('run/ended', `Run ${id} cannot be cancelled: it is already ${ended}`)
  if (isQueued || state === 'interrupted') await removeTasks(cli, tools, id)
  cli.output.result(
    { run: id, state: ended },
    `Run ${id} is cancelled. The next sync starts a new run: shelfsync sync ${source}`,
  )
}

/** A held run has ended already: only its pending removals and prices are left to discard. */
async function rejectHeld(
  cli: Cli,
  { db }: Tools,
  id: number,
  { yes = false }: CancelFlags,
): Promise<void> {
  const { removals, prices } = await loadRunDiff(db, id)
  const effects = formatEffects(removals, prices)
  cli.output.say(`Run ${id} is held. Cancelling it rejects it, which discards ${effects}.`)
  cli.output.say(`  list: shelfsync runs diff ${id}`)
  const command = `shelfsync runs cancel ${id} --yes`
  if (!yes && !(await confirm(cli, `Reject run ${id}?`, { done: 'cancelled', command }))) {
    cli.output.say(`Run ${id} stays held: nothing was discarded.`)
    cli.end(EXIT.held)
    return
  }
  await rejectRun(db, id, describeUser())
  cli.output.result({ run: id, state: 'rejected' }, `Run ${id} is rejected: ${effects} discarded.`)
}

/** Removes the tasks and the dead letters of the run. */
async function removeTasks(cli: Cli, { settings }: Tools, id: number): Promise<void> {
  await using queue = await openQueueIfPossible(cli, settings)
  if (queue === null) return
  const { dequeueRun } = await import('../../jobs/enqueue.ts')
  await dequeueRun(queue.queues, id)
}
