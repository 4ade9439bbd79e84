// The contents of the queues: tasks by state, and those that are tried again later.

import type { Job } from 'bullmq'
import { listQueues, type AllQueues, type Task } from './queues.ts'

/** Tasks by state. `blocked`: a settle task that waits for the other tasks of its run. */
export interface QueueDepth {
  readonly queue: string
  readonly active: number
  readonly waiting: number
  readonly delayed: number
  readonly blocked: number
  readonly failed: number
}

/** A task that waits for its next attempt. */
export interface DelayedTask {
  readonly id: string
  readonly queue: string
  readonly source: string
  readonly run: number
  readonly part: number | null
  /** Failed attempts. */
  readonly attempts: number
  readonly nextAt: Date
  /** The last error; null while it only waits for a worker that had its lease. */
  readonly reason: string | null
}

export async function measureQueues(queues: AllQueues): Promise<QueueDepth[]> {
  return Promise.all(
    listQueues(queues).map(async (queue) => {
      const counts = await queue.getJobCounts(
        'active',
        'waiting',
        'prioritized',
        'delayed',
        'waiting-children',
        'failed',
      )
      const count = (state: string): number => counts[state] ?? 0
      return {
        queue: queue.name,
        active: count('active'),
        waiting: count('waiting') + count('prioritized'),
        delayed: count('delayed'),
        blocked: count('waiting-children'),
        failed: count('failed'),
      }
    }),
  )
}

/** Lists up to `limit` tasks of each queue, the next one first. */
export async function listDelayedTasks(queues: AllQueues, limit: number): Promise<DelayedTask[]> {
  const jobs = await Promise.all(listQueues(queues).map((queue) => queue.getDelayed(0, limit - 1)))
  return jobs
    .flat()
    .map(toDelayedTask)
    .toSorted((a, b) => a.nextAt.getTime() - b.nextAt.getTime())
}

function toDelayedTask(job: Job<Task>): DelayedTask {
  const { source, run, part = null } = job.data
  const sinceMs = Math.max(job.timestamp, job.processedOn ?? 0)
  return {
    id: job.id ?? '',
    queue: job.queueName,
    source,
    run,
    part,
    attempts: job.attemptsMade,
    nextAt: new Date(sinceMs + job.delay),
    reason: job.failedReason || null,
  }
}
