// The schedules, and the care of the queue. All that it decides stands in the database, under the database's clock: any number of these
// may run, each night starts one run, and what was missed while none ran is made up for once.

import { randomUUID } from 'node:crypto'
import { SyncError } from '../core/errors.ts'
import { giveUpRun, listScheduled, type ScheduledSource } from '../db/runs.ts'
import { wait } from '../lib/back-off.ts'
import type { Log } from '../pipeline/context.ts'
import { dueAt, faultOf } from '../pipeline/due.ts'
import { fillQueues } from './fill.ts'
import { AS_SCHEDULED, orderSync, type OrderTools } from './orders.ts'
import { listFailed } from './queues.ts'

/** How late a scheduled run may begin, and how long a lost queue may stay empty. */
export const TICK_MS = 5_000

/** Looks after schedules and queue until `signal` says otherwise. Resolves when the last look is over. */
export async function keepSchedules(tools: OrderTools, log: Log, signal: AbortSignal, tickMs = TICK_MS): Promise<void> {
  while (!signal.aborted) {
    await tick(tools, log).catch((error: unknown) => log.warn({ cause: String(error) }, 'the schedules could not be looked after; trying again'))
    // Being told to stop is how it ends, not a failure.
    await wait(tickMs, signal).catch(() => undefined)
  }
}

/** One look: starts what is due, puts into the queue what is not there, and ends runs whose job is a dead letter. */
export async function tick(tools: OrderTools, log: Log): Promise<void> {
  for (const scheduled of await listScheduled(tools.db)) {
    await startIfDue(tools, log, scheduled).catch((error: unknown) =>
      log.error({ source: scheduled.source, cause: String(error) }, 'the scheduled run could not be started; trying again'))
  }
  const open = await fillQueues(tools.db, tools.queues)
  await clearUp(tools, new Set(open.map(({ id }) => id)))
}

async function startIfDue(tools: OrderTools, log: Log, { source, schedule, lastRun, sinceAt, now }: ScheduledSource): Promise<void> {
  const { at } = dueAt(schedule, sinceAt, now)
  if (at === null) throw new SyncError('settings/invalid', `The schedule of ${source}: ${faultOf(schedule)}`)
  if (at > now) return
  const [ordered] = await orderSync(tools, { ...AS_SCHEDULED, source }, randomUUID(), lastRun)
  if (ordered?.started) log.info({ source, run: ordered.run, dueAt: at }, 'scheduled run started')
}

/** A run that a dead letter holds up would wait for ever, and so would a settle whose run is over. */
async function clearUp({ db, queues }: OrderTools, open: ReadonlySet<number>): Promise<void> {
  for (const job of await listFailed(queues)) {
    if (open.has(job.data.run)) await giveUpRun(db, job.data.run, `a task failed for good: ${job.failedReason}`)
  }
  for (const job of await queues.apply.getWaitingChildren()) {
    if (!open.has(job.data.run)) await job.remove({ removeChildren: false }).catch(() => undefined)
  }
}
