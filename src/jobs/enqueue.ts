// Enqueues the remaining work of runs, which their rows record: a settle job whose children are the
// fetch and the parts. A job's id names its task, so enqueueing twice changes nothing, and a lost
// queue is filled again with exactly the remaining work.

import type { FlowJob, JobsOptions } from 'bullmq'
import { messageOf } from '../core/errors.ts'
import { listParts } from '../db/write/artifacts.ts'
import type { Db } from '../db/pool.ts'
import { listQueuedRuns, loadQueuedRun, type OpenRun } from '../db/write/queued-runs.ts'
import type { Log } from '../pipeline/context.ts'
import type { Outages } from '../telemetry/outages.ts'
import { toQueueError } from './queue-errors.ts'
import { listFailed, listQueues, type Queues, type Task } from './queues.ts'
import { isPartial, listWindows } from '../pipeline/line-windows.ts'

/**
 * Retries of a task whose error permits them: after 15 s, doubled each time, less a jitter of up to
 * half. Before that, the task itself retries transient errors for some minutes.
 */
const TASK: JobsOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 15_000, jitter: 0.5 },
  removeOnComplete: true,
  // A failed job stays as its dead letter.
  removeOnFail: false,
}

/** `ErrorCode.ParentJobNotExist` of BullMQ, whose package is imported only where a queue is opened. */
const PARENT_JOB_NOT_EXIST = -5

const toFetchId = (run: number) => `${run}-fetch`
const toPartId = (run: number, part: number) => `${run}-part-${part}`
const toSettleId = (run: number) => `${run}-settle`

/** Enqueues every open run that is not in the queue. Returns all open runs. */
export async function enqueueOpenRuns(db: Db, queues: Queues): Promise<readonly OpenRun[]> {
  const runs = await listQueuedRuns(db)
  for (const run of runs) await enqueueRun(db, queues, run)
  return runs
}

/**
 * Enqueues the remaining work of a run, unless it is in the queue already. Jobs from before the run
 * was resumed are replaced.
 */
export async function enqueueRun(db: Db, queues: Queues, run: OpenRun): Promise<void> {
  const { id, sourceId, source, fetched, options } = run
  const task: Task = {
    sourceId,
    source,
    run: id,
    begunAt: run.begunAt.toISOString(),
    ...(options.import && { urgent: true }),
  }
  const { fetch, apply } = task.urgent ? queues.urgent : queues
  const fetchOnly = options.stages === 'fetch'
  const top = await (fetchOnly ? fetch.getJob(toFetchId(id)) : apply.getJob(toSettleId(id)))
  if (top?.data.begunAt === task.begunAt) return
  await dequeueRun(queues, id, task.begunAt)
  const fetching: FlowJob = {
    name: 'fetch',
    queueName: fetch.name,
    data: task,
    opts: { ...TASK, jobId: toFetchId(id) },
  }
  if (fetchOnly) return void (await fetch.add('fetch', task, fetching.opts))
  const parts = await listPartsToApply(db, run)
  await queues.addFlow({
    name: 'settle',
    queueName: apply.name,
    data: task,
    opts: { ...TASK, jobId: toSettleId(id) },
    children: [
      ...(fetched ? [] : [fetching]),
      ...parts.map((part) => ({
        name: 'apply',
        queueName: apply.name,
        data: { ...task, part },
        opts: { ...TASK, jobId: toPartId(id, part) },
      })),
    ],
  })
}

export interface QueueTools {
  readonly queues: Queues
  readonly log: Log
  readonly outages: Outages
}

/**
 * Adds a new part under the run's settle job. Logs an error instead of throwing it: when the queue was
 * emptied and has no settle job, the scheduler adds both later.
 */
export async function enqueuePart(
  { queues, log, outages }: QueueTools,
  task: Task,
  part: number,
): Promise<void> {
  const { apply } = task.urgent ? queues.urgent : queues
  try {
    await apply.add(
      'apply',
      { ...task, part },
      {
        ...TASK,
        jobId: toPartId(task.run, part),
        parent: { id: toSettleId(task.run), queue: apply.qualifiedName },
      },
    )
  } catch (error) {
    if (outages.failed(toQueueError(queues, error), { work: 'enqueue' })) return
    // While a second request for the run replaces its settle job, the queue has none.
    const level = hasCode(error, PARENT_JOB_NOT_EXIST) ? 'info' : 'warn'
    log[level](
      { part, cause: messageOf(error) },
      'the part could not be enqueued; the scheduler will enqueue it',
    )
  }
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/**
 * Removes the jobs of a run that no worker has, and its dead letters, except those whose `begunAt` is
 * `except`.
 */
export async function dequeueRun(queues: Queues, run: number, except?: string): Promise<void> {
  for (const queue of listQueues(queues, ['apply'])) {
    const settle = await queue.getJob(toSettleId(run))
    if (settle?.data.begunAt !== except)
      await settle?.remove({ removeChildren: true }).catch(() => undefined)
  }
  for (const job of await listFailed(queues)) {
    if (job.data.run === run && job.data.begunAt !== except)
      await job.remove().catch(() => undefined)
  }
}

async function listPartsToApply(
  db: Db,
  { id, sourceId, options, partsLeft }: OpenRun,
): Promise<readonly number[]> {
  if (!isPartial(options)) return partsLeft
  const { artifactRun } = await loadQueuedRun(db, sourceId, id)
  const windows = listWindows(await listParts(db, sourceId, artifactRun), options)
  return partsLeft.filter((part) => windows.has(part))
}
