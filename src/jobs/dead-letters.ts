// Dead letters: tasks that failed permanently, kept in the queue until a person decides. A retry
// resumes the run where it stopped.

import { SyncError } from '../core/errors.ts'
import type { Db } from '../db/pool.ts'
import { findQueuedRun, reopenRun } from '../db/write/queued-runs.ts'
import { enqueueRun } from './enqueue.ts'
import { listFailed, listQueues, type Queues } from './queues.ts'

export interface DeadLetter {
  readonly id: string
  readonly queue: string
  readonly source: string
  readonly run: number
  readonly part: number | null
  readonly reason: string
  readonly attempts: number
  readonly failedAt: Date | null
}

export async function listDeadLetters(queues: Queues): Promise<DeadLetter[]> {
  return (await listFailed(queues)).map((job) => ({
    id: job.id ?? '',
    queue: job.queueName,
    source: job.data.source,
    run: job.data.run,
    part: job.data.part ?? null,
    reason: job.failedReason,
    attempts: job.attemptsMade,
    failedAt: job.finishedOn === undefined ? null : new Date(job.finishedOn),
  }))
}

/**
 * Resumes the run of a dead letter.
 *
 * @throws SyncError `job/unknown` · `run/ended` when the run has ended or a newer run replaced it
 */
export async function retryDeadLetter(db: Db, queues: Queues, id: string): Promise<DeadLetter> {
  const letter = await loadDeadLetter(queues, id)
  await reopenRun(db, letter.run)
  const open = await findQueuedRun(db, letter.run)
  if (!open) {
    throw new SyncError(
      'run/ended',
      `Run ${letter.run} cannot be resumed: it has ended, or a newer run of ${letter.source} has replaced it. Discard ${id}`,
    )
  }
  await enqueueRun(db, queues, open)
  return letter
}

/** Deletes a dead letter. Its run does not change. @throws SyncError `job/unknown` */
export async function discardDeadLetter(queues: Queues, id: string): Promise<DeadLetter> {
  const letter = await loadDeadLetter(queues, id)
  const queue = listQueues(queues).find(({ name }) => name === letter.queue)
  await (await queue?.getJob(id))?.remove()
  return letter
}

async function loadDeadLetter(queues: Queues, id: string): Promise<DeadLetter> {
  const letter = (await listDeadLetters(queues)).find((one) => one.id === id)
  if (!letter) throw new SyncError('job/unknown', `The dead letter ${id} does not exist`)
  return letter
}
