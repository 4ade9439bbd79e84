// Detects workers that are connected to the queue and take no task from it.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import type { Task } from './queues.ts'

/** A worker notices a task within five seconds, even after a lost notification. */
const PATIENCE_MS = 30_000
/** A task that has just returned to the queue is old. Between two looks a worker takes it. */
const LOOK_AGAIN_MS = 1_000

/** Counts the tasks that wait although workers are connected and execute nothing. */
export async function countUntakenTasks(queue: Queue<Task>): Promise<number> {
  const [workers, counts] = await Promise.all([
    queue.getWorkersCount(),
    queue.getJobCounts('waiting', 'prioritized', 'active'),
  ])
  const { waiting = 0, prioritized = 0, active = 0 } = counts
  return workers > 0 && active === 0 ? waiting + prioritized : 0
}

/** Returns the age of the oldest task that no connected worker takes, or null. Takes a second. */
export async function findUntakenTask(queue: Queue<Task>): Promise<number | null> {
  const first = await findOverdueTask(queue)
  if (first === null) return null
  await sleep(LOOK_AGAIN_MS)
  const again = await findOverdueTask(queue)
  return again?.id === first.id ? Date.now() - first.timestamp : null
}

async function findOverdueTask(queue: Queue<Task>) {
  if ((await countUntakenTasks(queue)) === 0) return null
  const [oldest] = await queue.getJobs(['waiting', 'prioritized'], 0, 0, true)
  return oldest && Date.now() - oldest.timestamp > PATIENCE_MS ? oldest : null
}
