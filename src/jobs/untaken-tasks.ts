// Detects workers that are connected to the queue and take no task from it.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, Queue } from 'bullmq'
import { listQueues, type AllQueues, type QueueName, type Task } from './queues.ts'

/** Age of an overdue task. A worker notices one within five seconds, even after a lost notification. */
const OVERDUE_AFTER_MS = 30_000
/** A task that has just returned to the queue is old. Between two looks a worker takes it. */
const LOOK_AGAIN_MS = 1_000

/** Counts the tasks that wait although workers are connected and execute nothing from their queue. */
export async function countUntakenTasks(queues: AllQueues, name: QueueName): Promise<number> {
  const untaken = await listUntaken(queues, name)
  return untaken.reduce((sum, { tasks }) => sum + tasks, 0)
}

/** Returns the age of the oldest task that no connected worker takes, or null. Takes a second. */
export async function findUntakenTask(queues: AllQueues, name: QueueName): Promise<number | null> {
  const first = await listOverdueTasks(queues, name)
  if (first.length === 0) return null
  await sleep(LOOK_AGAIN_MS)
  const again = new Set((await listOverdueTasks(queues, name)).map(({ id }) => id))
  const ages = first
    .filter(({ id }) => again.has(id))
    .map(({ timestamp }) => Date.now() - timestamp)
  return ages.length === 0 ? null : Math.max(...ages)
}

/** Lists the oldest task of each queue that no worker takes, if it is overdue. */
async function listOverdueTasks(queues: AllQueues, name: QueueName): Promise<Job<Task>[]> {
  const oldest = await Promise.all(
    (await listUntaken(queues, name)).map(({ queue }) =>
      queue.getJobs(['waiting', 'prioritized'], 0, 0, true),
    ),
  )
  return oldest.flatMap(([job]) =>
    job && Date.now() - job.timestamp > OVERDUE_AFTER_MS ? [job] : [],
  )
}

interface Untaken {
  readonly queue: Queue<Task>
  readonly tasks: number
}

async function listUntaken(queues: AllQueues, name: QueueName): Promise<Untaken[]> {
  // A worker of imports shares the connection of the other one, and is not counted.
  if ((await queues[name].getWorkersCount()) === 0) return []
  const counted = await Promise.all(
    listQueues(queues, [name]).map(async (queue) => {
      const counts = await queue.getJobCounts('waiting', 'prioritized', 'active')
      const { waiting = 0, prioritized = 0, active = 0 } = counts
      return { queue, tasks: active === 0 ? waiting + prioritized : 0 }
    }),
  )
  return counted.filter(({ tasks }) => tasks > 0)
}
