// Starts scheduled runs and repairs the queue. The database decides, by its own clock: any number of
// schedulers may run, each scheduled time starts one run, and times that passed while no scheduler
// ran start one run together.

import { randomUUID } from 'node:crypto'
import { SyncError } from '../core/errors.ts'
import { toSyncError } from '../db/errors.ts'
import {
  listRefreshKeys,
  listScheduledRefreshes,
  listScheduledSources,
  loadSource,
  saveDueTimes,
  type ScheduledRefresh,
  type ScheduledSource,
} from '../db/sources.ts'
import { interruptRun, listObsoleteRuns } from '../db/write/queued-runs.ts'
import { repeat } from '../lib/repeat.ts'
import { toErrorFacts } from '../telemetry/log.ts'
import { Calendar, faultOf, type Times } from '../sources/due.ts'
import { limitRefresh } from '../sources/limit-refresh.ts'
import { dequeueRun, enqueueOpenRuns } from './enqueue.ts'
import { findOutageCode, toQueueError } from './queue-errors.ts'
import { listFailed, listQueues } from './queues.ts'
import { enqueueRuns } from './request-runs.ts'
import { AS_SCHEDULED, type RequestTools, type StartedRun } from './requests.ts'
import { startOrFindRun } from './start-or-find-run.ts'

/** Interval of both tasks: the maximum delay of a scheduled run and of the repair of a lost queue. */
export const TICK_MS = 5_000

/**
 * Repeats both tasks until `signal` is aborted. Resolves when the last repetition has ended.
 * `onChecked` is called whenever the runs that were due have been started.
 */
export async function runScheduler(
  tools: RequestTools,
  signal: AbortSignal,
  onChecked: () => void = () => undefined,
): Promise<void> {
  const calendar = new Calendar()
  const reported = new Map<string, string>()
  // Separate loops, because repairing waits while the queue is unavailable.
  await Promise.all([
    repeatTask(tools, signal, {
      work: 'schedule',
      task: () => startDueRuns(tools, calendar, reported).then(onChecked),
      failure: 'the schedules could not be read; trying again',
    }),
    repeatTask(tools, signal, {
      work: 'repair',
      task: () => repairQueue(tools),
      failure: 'the queue could not be repaired; trying again',
    }),
  ])
}

interface Task {
  readonly work: 'schedule' | 'repair'
  readonly task: () => Promise<void>
  readonly failure: string
}

/** Logs an error that is not an outage once, until the task succeeds or has another error. */
function repeatTask(
  { queues, outages, log }: RequestTools,
  signal: AbortSignal,
  { work, task, failure }: Task,
): Promise<void> {
  let startedMs = 0
  let reported: string | null = null
  const execute = async (): Promise<void> => {
    startedMs = performance.now()
    await task()
    reported = null
    outages.worked(work)
    outages.reached(work === 'repair' ? findOutageCode(queues) : 'db/unreachable')
  }
  const onError = (error: unknown): void => {
    if (outages.failed(toQueueError(queues, error), { work, startedMs })) return
    const facts = toErrorFacts(error)
    log[facts.cause === reported ? 'debug' : 'error'](facts, failure)
    reported = facts.cause
  }
  return repeat(execute, { pauseMs: TICK_MS, signal, onError })
}

/**
 * Starts the runs of all sources that are due. `reported`: the last error of each source, so that a
 * repeated error is logged once.
 */
export async function startDueRuns(
  tools: RequestTools,
  calendar: Calendar,
  reported = new Map<string, string>(),
): Promise<void> {
  const started: StartedRun[] = []
  const later: LaterSource[] = []
  for (const scheduled of await listScheduledSources(tools.db))
    await tryToStart(
      tools,
      { ...scheduled, work: `schedule ${scheduled.source}` },
      reported,
      async () => {
        const at = findTime(calendar, scheduled)
        if (at > scheduled.now) later.push({ ...scheduled, at })
        else started.push(await startScheduled(tools, scheduled, at))
      },
    )
  for (const scheduled of await listScheduledRefreshes(tools.db))
    await tryToStart(
      tools,
      { ...scheduled, work: `refresh ${scheduled.source}` },
      reported,
      async () => {
        const run = await refreshIfDue(tools, calendar, scheduled)
        if (run) started.push(run)
      },
    )
  await enqueueRuns(tools, started)
  if (later.length > 0) await saveDueTimes(tools.db, later)
}

/** An error of one source does not stop the others. */
async function tryToStart(
  { outages, log }: RequestTools,
  { source, work }: { readonly source: string; readonly work: string },
  reported: Map<string, string>,
  start: () => Promise<void>,
): Promise<void> {
  const startedMs = performance.now()
  try {
    await start()
    outages.worked(work)
    reported.delete(work)
  } catch (error) {
    // A manual run is active. The source stays due until it has ended.
    if (error instanceof SyncError && error.code === 'run/active') return
    if (outages.failed(toSyncError(error), { work, startedMs })) return
    const facts = toErrorFacts(error)
    if (reported.get(work) !== facts.cause)
      log.error({ source, ...facts }, 'the scheduled run could not be started; trying again')
    reported.set(work, facts.cause)
  }
}

interface LaterSource extends ScheduledSource {
  readonly at: Date
}

interface TimedSource extends Pick<ScheduledSource, 'source' | 'sinceAt' | 'now'> {
  readonly schedule: Times
}

/** @throws SyncError `settings/invalid` when the schedule has no next time */
function findTime(calendar: Calendar, { source, schedule, sinceAt, now }: TimedSource): Date {
  const { at } = calendar.dueAt(schedule, sinceAt, now)
  if (at === null)
    throw new SyncError(
      'settings/invalid',
      `The schedule of ${source} cannot be used: ${faultOf(schedule)}`,
    )
  return at
}

async function startScheduled(
  tools: RequestTools,
  { source, lastRun }: ScheduledSource,
  at: Date,
): Promise<StartedRun> {
  const run = await startOrFindRun(
    tools,
    await loadSource(tools.db, source),
    { ...AS_SCHEDULED, source },
    { correlationId: randomUUID(), after: lastRun },
  )
  if (run.started) tools.log.info({ source, run: run.run, dueAt: at }, 'scheduled run started')
  return run
}

async function refreshIfDue(
  tools: RequestTools,
  calendar: Calendar,
  scheduled: ScheduledRefresh,
): Promise<StartedRun | null> {
  const { source, schedule, lastRun, after, now } = scheduled
  const { refresh, zone } = schedule
  if (refresh === undefined) return null
  const dueAt = findTime(calendar, { ...scheduled, schedule: { cron: refresh.cron, zone } })
  if (dueAt > now) return null
  const found = await loadSource(tools.db, source)
  const atMost = await limitRefresh(tools.db, calendar, found, now)
  const keys = await listRefreshKeys(tools.db, found.id, { ...refresh, atMost }, after)
  const refreshTo = keys.at(-1)
  if (refreshTo === undefined) return null
  const run = await startOrFindRun(
    tools,
    found,
    { ...AS_SCHEDULED, source, keys },
    { correlationId: randomUUID(), after: lastRun, refreshTo },
  )
  if (run.started)
    tools.log.info({ source, run: run.run, dueAt, keys: keys.length }, 'scheduled refresh started')
  return run
}

/**
 * Enqueues the work that is missing from the queue, interrupts runs whose job is a dead letter, and
 * removes jobs that no run needs.
 */
export async function repairQueue({ db, queues }: RequestTools): Promise<void> {
  const open = new Map((await enqueueOpenRuns(db, queues)).map((run) => [run.id, run]))
  const letters = await listFailed(queues)
  const runs = letters.map(({ data }) => data.run)
  const obsolete = new Set(runs.length === 0 ? [] : await listObsoleteRuns(db, runs))
  for (const letter of letters) {
    const { run, begunAt } = letter.data
    const current = open.get(run)
    // The run would wait forever for the failed task. A dead letter from before the run was resumed
    // must not interrupt it again.
    if (current?.begunAt.toISOString() === begunAt)
      await interruptRun(db, run, `a task failed permanently: ${letter.failedReason}`)
    else if (current) await dequeueRun(queues, run)
    else if (obsolete.has(run)) await letter.remove().catch(() => undefined)
  }
  // A settle job of a run that has ended would wait forever for its children.
  for (const queue of listQueues(queues, ['apply']))
    for (const job of await queue.getWaitingChildren())
      if (!open.has(job.data.run))
        await job.remove({ removeChildren: false }).catch(() => undefined)
}
