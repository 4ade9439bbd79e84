// `shelfsync runs cancel`: ends a run for good, also while a worker executes it.

import type { Command } from 'commander'
import type { Tools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import { loadRunDiff } from '../../db/read/run-diffs.ts'
import { loadRunSummary } from '../../db/read/run-summaries.ts'
import { cancelRun, findQueuedRun } from '../../db/write/queued-runs.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { openQueueIfPossible } from '../open-queue.ts'
import { parseId } from '../arguments/numbers.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { describeUser } from '../user.ts'
import { formatEffects, rejectHeld } from './decisions.ts'

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
  if (state === 'held') return await cancelHeld(cli, tools, id, flags)
  const isQueued = (await findQueuedRun(tools.db, id)) !== null
  const ended = await cancelRun(tools.db, id)
  if (ended !== 'cancelled')
    throw new SyncError('run/ended', `Run ${id} cannot be cancelled: it is already ${ended}`)
  await recordOwnAction(tools.db, { action: 'run.cancel', run: id })
  if (isQueued || state === 'interrupted') await removeTasks(cli, tools, id)
  cli.output.result(
    { run: id, state: ended },
    `Run ${id} is cancelled. The next sync starts a new run: shelfsync sync ${source}`,
  )
}

/** A held run has ended already: only its pending removals and prices are left to discard. */
async function cancelHeld(
  cli: Cli,
  { db }: Tools,
  id: number,
  { yes = false }: CancelFlags,
): Promise<void> {
  const diff = await loadRunDiff(db, id)
  const effects = formatEffects(diff.removals, diff.prices)
  cli.output.say(`Run ${id} is held. Cancelling it rejects it, which discards ${effects}.`)
  const command = `shelfsync runs cancel ${id} --yes`
  await rejectHeld(
    cli,
    db,
    { run: id, ...diff },
    { by: describeUser(), yes, done: 'cancelled', command },
  )
}

/** Removes the tasks and the dead letters of the run. */
async function removeTasks(cli: Cli, { settings }: Tools, id: number): Promise<void> {
  await using queue = await openQueueIfPossible(cli, settings)
  if (queue === null) return
  const { dequeueRun } = await import('../../jobs/enqueue.ts')
  await dequeueRun(queue.queues, id)
}
