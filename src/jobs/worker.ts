// Taking tasks from the queue. What comes of a task is for the run's row to say; the queue only
// learns whether to give it out again.

import { DelayedError, UnrecoverableError, WaitingError, type Job, type Worker } from 'bullmq'
import { asks, messageOf } from '../core/errors.ts'
import type { TaskName } from '../db/write/runs.ts'
import { outsideText } from '../pipeline/outside-text.ts'
import type { QueueName, Task } from './queues.ts'
import { BUSY_MS, executeTask, type TaskEnd, type TaskTools } from './execute-task.ts'

/**
 * Starts `concurrency` workers on a queue. When `stopping` is aborted, the tasks at hand commit
 * what they have and go back.
 */
export function startWorker(
  tools: TaskTools,
  name: QueueName,
  concurrency: number,
  stopping: AbortSignal,
): Worker<Task> {
  return tools.queues.work(name, concurrency, async (job, token) => {
    let end: TaskEnd
    try {
      const last = job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
      end = await executeTask(tools, taskName(job), job.data, last, stopping)
    } catch (error) {
      // The dead letter shows the message. Anything that we did not name is a bug: trying again
      // would only repeat it.
      const message = outsideText(tools, messageOf(error))
      throw asks(error, 'retry') ? new Error(message) : new UnrecoverableError(message)
    }
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

function taskName({ name, data }: Job<Task>): TaskName {
  if (name === 'fetch' || name === 'settle') return name
  return `part ${data.part ?? 0}`
}
