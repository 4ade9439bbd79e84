// The schedules, and the care of the queue. All that it decides stands in the database, under the
// database's clock: any number of these may run, each night starts one run, and what was missed
// while none ran is made up for once.

import { randomUUID } from 'node:crypto'
import { SyncError } from '../core/errors.ts'
import { interruptRun, listObsoleteRuns } from '../db/write/queued-runs.ts'
import { listScheduledSources, type ScheduledSource } from '../db/sources.ts'
import { loadSource } from '../db/sources.ts'
import { wait } from '../lib/back-off.ts'
import { Calendar, faultOf } from '../sources/due.ts'
import { dequeueRun, enqueueOpenRuns } from './enqueue.ts'
import {
  AS_SCHEDULED,
  startOrFindRun,
  enqueueRuns,
  type StartedRun,
  type RequestTools,
} from './request-runs.ts'
import { listFailed } from './queues.ts'

/** How late a scheduled run may begin, and how long a lost queue may stay empty. */
export const TICK_MS = 5_000

/**
 * Looks after schedules and queue until `signal` says otherwise. Resolves when the last look is
 * over.
 */
export async function runScheduler(
  tools: RequestTools,
  signal: AbortSignal,
  tickMs = TICK_MS,
): Promise<void> {
  const calendar = new Calendar()
  const told = new Map<string, string>()
  const again = async (look: () => Promise<void>, what: string): Promise<void> => {
    while (!signal.aborted) {
      await look().catch((error: unknown) =>
        tools.log.warn({ cause: String(error) }, `${what} could not be looked after; trying again`),
      )
      // Being told to stop is how it ends, not a failure.
      await wait(tickMs, signal).catch(() => undefined)
    }
  }
  // Apart, because the queue may be away for long and is waited for.
  await Promise.all([
    again(() => startDue(tools, calendar, told), 'the schedules'),
    again(() => repairQueue(tools), 'the queue'),
  ])
}

/**
 * Starts what is due. `told`: why a source could not be started the last time, so that its reason
 * is logged once and not at every look.
 */
export async function startDue(
  tools: RequestTools,
  calendar: Calendar,
  told = new Map<string, string>(),
): Promise<void> {
  const begun: StartedRun[] = []
  for (const scheduled of await listScheduledSources(tools.db)) {
    try {
      const run = await beginIfDue(tools, calendar, scheduled)
      if (run) begun.push(run)
      told.delete(scheduled.source)
    } catch (error) {
      // A run by hand is in its way and will be over.
      if (error instanceof SyncError && error.code === 'run/active') continue
      const cause = String(error)
      if (told.get(scheduled.source) !== cause)
        tools.log.error(
          { source: scheduled.source, cause },
          'the scheduled run could not be started; trying again',
        )
      told.set(scheduled.source, cause)
    }
  }
  await enqueueRuns(tools, begun)
}

async function beginIfDue(
  tools: RequestTools,
  calendar: Calendar,
  { source, schedule, lastRun, sinceAt, now }: ScheduledSource,
): Promise<StartedRun | null> {
  const { at } = calendar.dueAt(schedule, sinceAt, now)
  if (at === null)
    throw new SyncError('settings/invalid', `The schedule of ${source}: ${faultOf(schedule)}`)
  if (at > now) return null
  const begun = await startOrFindRun(
    tools,
    await loadSource(tools.db, source),
    { ...AS_SCHEDULED, source },
    randomUUID(),
    lastRun,
  )
  if (begun.started) tools.log.info({ source, run: begun.run, dueAt: at }, 'scheduled run started')
  return begun
}

/**
 * Puts into the queue what is not there, ends runs whose job is a dead letter, and throws away what
 * nobody needs any more.
 */
export async function repairQueue({ db, queues }: RequestTools): Promise<void> {
  const open = new Map((await enqueueOpenRuns(db, queues)).map((run) => [run.id, run]))
  const letters = await listFailed(queues)
  const moot = new Set(
    letters.length === 0
      ? []
      : await listObsoleteRuns(
          db,
          letters.map(({ data }) => data.run),
        ),
  )
  for (const letter of letters) {
    const { run, begunAt } = letter.data
    const held = open.get(run)
    // A run that a dead letter holds up would wait for ever. A letter from before the run went on
    // must not end it again.
    if (held?.begunAt.toISOString() === begunAt)
      await interruptRun(db, run, `a task failed for good: ${letter.failedReason}`)
    else if (held) await dequeueRun(queues, run)
    else if (moot.has(run)) await letter.remove().catch(() => undefined)
  }
  // So would a settle whose run is over.
  for (const job of await queues.apply.getWaitingChildren()) {
    if (!open.has(job.data.run)) await job.remove({ removeChildren: false }).catch(() => undefined)
  }
}
