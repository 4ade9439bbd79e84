// Filling the queue from the rows of the runs: a flow of fetch and parts below their settle. The
// ids of jobs name what they do, so filling twice changes nothing, and a queue that was lost is
// filled with just what is left.

import type { FlowJob, JobsOptions } from 'bullmq'
import { messageOf } from '../core/errors.ts'
import { listParts } from '../db/write/artifacts.ts'
import type { Db } from '../db/pool.ts'
import { listQueuedRuns, loadQueuedRun, type OpenRun } from '../db/write/queued-runs.ts'
import type { Log } from '../pipeline/context.ts'
import { listFailed, type Queues, type Task } from './queues.ts'
import { isPartial, windowsOf } from '../pipeline/line-windows.ts'

/**
 * A task is tried again so often, when its error says that trying helps, after fifteen seconds and
 * then each time twice as long, less up to half. What passes within minutes is waited out by the
 * task itself.
 */
const TASK: JobsOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 15_000, jitter: 0.5 },
  removeOnComplete: true,
  // What is left of a failed job is its dead letter.
  removeOnFail: false,
}

const fetchId = (run: number) => `${run}-fetch`
const partId = (run: number, part: number) => `${run}-part-${part}`
const settleId = (run: number) => `${run}-settle`

/** Puts every queued run into the queue that is not in it. Returns the runs. */
export async function enqueueOpenRuns(db: Db, queues: Queues): Promise<readonly OpenRun[]> {
  const runs = await listQueuedRuns(db)
  for (const run of runs) await enqueueRun(db, queues, run)
  return runs
}

/**
 * Puts what is left of one run into the queue, unless it is there already, in place of what is left
 * there of it from before it was interrupted.
 */
export async function enqueueRun(db: Db, queues: Queues, run: OpenRun): Promise<void> {
  const { id, sourceId, source, fetched, options } = run
  const task: Task = { sourceId, source, run: id, begunAt: run.begunAt.toISOString() }
  const fetchOnly = options.stages === 'fetch'
  const top = await (fetchOnly
    ? queues.fetch.getJob(fetchId(id))
    : queues.apply.getJob(settleId(id)))
  if (top?.data.begunAt === task.begunAt) return
  await dequeueRun(queues, id, task.begunAt)
  const fetching: FlowJob = {
    name: 'fetch',
    queueName: 'fetch',
    data: task,
    opts: { ...TASK, jobId: fetchId(id) },
  }
  if (fetchOnly) return void (await queues.fetch.add('fetch', task, fetching.opts))
  const parts = await wantedParts(db, run)
  await queues.addFlow({
    name: 'settle',
    queueName: 'apply',
    data: task,
    opts: { ...TASK, jobId: settleId(id) },
    children: [
      ...(fetched ? [] : [fetching]),
      ...parts.map((part) => ({
        name: 'apply',
        queueName: 'apply',
        data: { ...task, part },
        opts: { ...TASK, jobId: partId(id, part) },
      })),
    ],
  })
}

/**
 * Adds a part that was just recorded below the run's settle. Without that, in a queue that was
 * emptied, the next filling adds both.
 */
export async function enqueuePart(
  { apply }: Queues,
  task: Task,
  part: number,
  log: Log,
): Promise<void> {
  try {
    await apply.add(
      'apply',
      { ...task, part },
      {
        ...TASK,
        jobId: partId(task.run, part),
        parent: { id: settleId(task.run), queue: apply.qualifiedName },
      },
    )
  } catch (error) {
    log.warn(
      { part, cause: messageOf(error) },
      'the part is not in the queue; it will be put there with what else is left',
    )
  }
}

/**
 * Takes the jobs of a run out of the queue that nobody works on, its dead letters too, but none of
 * the beginning `except`.
 */
export async function dequeueRun(queues: Queues, run: number, except?: string): Promise<void> {
  const settle = await queues.apply.getJob(settleId(run))
  if (settle?.data.begunAt !== except)
    await settle?.remove({ removeChildren: true }).catch(() => undefined)
  for (const job of await listFailed(queues)) {
    if (job.data.run === run && job.data.begunAt !== except)
      await job.remove().catch(() => undefined)
  }
}

async function wantedParts(
  db: Db,
  { id, sourceId, options, partsLeft }: OpenRun,
): Promise<readonly number[]> {
  if (!isPartial(options)) return partsLeft
  const { artifactRun } = await loadQueuedRun(db, sourceId, id)
  const windows = windowsOf(await listParts(db, sourceId, artifactRun), options)
  return partsLeft.filter((part) => windows.has(part))
}
