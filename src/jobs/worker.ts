// Executes jobs from the queue. The run's row records the result of a task; the queue only decides
// whether to deliver the job again.

import { DelayedError, UnrecoverableError, WaitingError, type Job } from 'bullmq'
import { hasAction, messageOf } from '../core/errors.ts'
import type { TaskName } from '../db/write/leases.ts'
import { sanitizeText } from '../pipeline/sanitize-text.ts'
import { BUSY_MS, executeQueuedTask, type TaskEnd, type TaskTools } from './queued-task.ts'
import type { QueueName, QueueWorker, Task } from './queues.ts'

/** With more tasks than this waiting to be applied, a process that applies parts begins no other fetch. */
const BACKLOG_MAX = 12

/**
 * Starts `concurrency` workers on a queue. When `stopping` is aborted, running tasks commit their
 * batch and return to the queue.
 */
export function startWorker(
  tools: TaskTools,
  name: QueueName,
  concurrency: number,
  stopping: AbortSignal,
): QueueWorker {
  return tools.queues.work(name, concurrency, async (job, token) => {
    const end = await tools.activity.record(async () =>
      name === 'fetch' && !job.data.urgent && (await isBehind(tools))
        ? 'busy'
        : executeJob(tools, job, stopping),
    )
    if (end === 'busy') {
      await job.moveToDelayed(Date.now() + BUSY_MS, token)
      throw new DelayedError()
    }
    if (end === 'stopped') {
      await job.moveToWait(token)
      throw new WaitingError()
    }
  })
}

/**
 * Returns true if many fetched parts already wait to be applied: another fetch would only make them
 * wait longer.
 */
async function isBehind({ appliesParts, queues }: TaskTools): Promise<boolean> {
  if (!appliesParts) return false
  const { waiting = 0, prioritized = 0 } = await queues.apply.getJobCounts('waiting', 'prioritized')
  return waiting + prioritized > BACKLOG_MAX
}

async function executeJob(
  tools: TaskTools,
  job: Job<Task>,
  stopping: AbortSignal,
): Promise<TaskEnd> {
  const isLastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
  const task = { name: toTaskName(job), task: job.data, isLastAttempt }
  try {
    return await executeQueuedTask(tools, task, stopping)
  } catch (error) {
    // The dead letter has this message. An error without a code is a bug, and is not retried.
    const message = sanitizeText(tools, messageOf(error))
    throw hasAction(error, 'retry') ? new Error(message) : new UnrecoverableError(message)
  }
}

function toTaskName({ name, data }: Job<Task>): TaskName {
  if (name === 'fetch' || name === 'settle') return name
  return `part ${data.part ?? 0}`
}
