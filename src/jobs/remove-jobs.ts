// Removes the jobs of a source that no longer exists.

import type { Job, JobType } from 'bullmq'
import { listQueues, type Queues, type Task } from './queues.ts'

/** All states of a job that no worker has. */
const IDLE: JobType[] = [
  'wait',
  'prioritized',
  'delayed',
  'waiting-children',
  'failed',
  'completed',
]

/** Removes the jobs of the source, dead letters included, and returns their number. */
export async function removeSourceJobs(queues: Queues, sourceId: number): Promise<number> {
  let removed = 0
  for (const queue of listQueues(queues)) {
    for (const job of await queue.getJobs(IDLE)) {
      if (job.data.sourceId === sourceId && (await isRemoved(job))) removed += 1
    }
  }
  return removed
}

/** A job that a worker has taken meanwhile stays: the worker finds that its run does not exist. */
async function isRemoved(job: Job<Task>): Promise<boolean> {
  try {
    await job.remove({ removeChildren: true })
    return true
  } catch {
    return false
  }
}
