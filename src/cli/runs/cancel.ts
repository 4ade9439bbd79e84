// `shelfsync runs cancel`: ends a run for good, also while a worker executes it.

import type { Command } from 'commander'
import type { Tools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import { loadRunSummary } from '../../db/read/run-summaries.ts'
import { rejectRun } from '../../db/write/decisions.ts'
import { cancelRun, findQueuedRun } from '../../db/write/queued-runs.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { openQueueIfPossible } from '../open-queue.ts'
import { parseId } from '../parse/numbers.ts'
import { describeUser } from '../user.ts'

export function addCancel(runs: Command, cli: Cli): void {
  runs
    .command('cancel')
    .argument('<id>', 'the run: running, queued, fetched, interrupted or held', parseId)
    .description(
      'end a run for good; its worker stops within seconds, and what is archived or applied stays',
    )
    .addHelpText('after', formatExamples('shelfsync runs cancel 7'))
    .action((id: number) => cancel(cli, id))
}

async function cancel(cli: Cli, id: number): Promise<void> {
  await using tools = await cli.open()
  const { state, source } = await loadRunSummary(tools.db, id)
  if (state === 'held') return await rejectHeld(cli, tools, id)
  const isQueued = (await findQueuedRun(tools.db, id)) !== null
  const ended = await cancelRun(tools.db, id)
  if (ended !== 'cancelled')
    throw new SyncError('run/over', `Run ${id} cannot be cancelled: it is already ${ended}`)
  if (isQueued || state === 'interrupted') await removeTasks(cli, tools, id)
  cli.output.result(
    { run: id, state: ended },
    `Run ${id} is cancelled. The next sync starts a new run: shelfsync sync ${source}`,
  )
}

/** A held run has ended already: only its pending removals and prices are left to discard. */
async function rejectHeld(cli: Cli, { db }: Tools, id: number): Promise<void> {
  await rejectRun(db, id, describeUser())
  cli.output.result(
    { run: id, state: 'rejected' },
    `Run ${id} was held and is rejected: its pending removals and prices are discarded.`,
  )
}

/** Removes the tasks and the dead letters of the run. */
async function removeTasks(cli: Cli, { settings }: Tools, id: number): Promise<void> {
  await using queue = await openQueueIfPossible(cli, settings)
  if (queue === null) return
  const { dequeueRun } = await import('../../jobs/enqueue.ts')
  await dequeueRun(queue.queues, id)
}
