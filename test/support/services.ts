// The services inside a test's process: queues, workers and a scheduler over a real Postgres, and
// over Redis if requested.

import type { Job } from 'bullmq'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import { openPool } from '../../src/db/pool.ts'
import { listDeadLetters, type DeadLetter } from '../../src/jobs/dead-letters.ts'
import { AS_SCHEDULED, type RequestedRun, type RunsRequest } from '../../src/jobs/requests.ts'
import { requestRuns } from '../../src/jobs/request-runs.ts'
import {
  migrateQueue,
  openQueues,
  QUEUE_SCHEMA,
  type Queues,
  type Task,
} from '../../src/jobs/queues.ts'
import { ApplyStateCache } from '../../src/jobs/apply-state-cache.ts'
import { TaskActivity } from '../../src/jobs/idle.ts'
import { startDueRuns, repairQueue } from '../../src/jobs/scheduler.ts'
import type { TaskEvents, TaskTools } from '../../src/jobs/queued-task.ts'
import { startWorker } from '../../src/jobs/worker.ts'
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts'
import type { PipelineOptions } from '../../src/pipeline/options.ts'
import type { Pause } from '../../src/pipeline/context.ts'
import { Calendar } from '../../src/sources/due.ts'
import { countTasks } from '../../src/app/task-metrics.ts'
import type { Lifetime, TestDatabase } from './database.ts'
import type { TestPipeline } from './pipeline.ts'
import { waitUntil } from './wait-until.ts'

export interface TestServices {
  readonly tools: TaskTools
  readonly queues: Queues
  readonly pauses: readonly Pause[]
  /** The metrics of the workers. */
  readonly metrics: Metrics
  requestRun(request?: Partial<RunsRequest>): Promise<RequestedRun>
  runScheduler(): Promise<void>
  /** Starts workers. The result stops them, as SIGTERM would. */
  startWorkers(): () => Promise<void>
  /** The dead letter that ended the run. The run ends first, its job a moment later. */
  waitForDeadLetter(run: number): Promise<DeadLetter>
  /** The job while it waits for its next attempt. */
  waitForDelayedJob(id: string): Promise<Job<Task>>
  /** Like `waitForEnd`, with a scheduler that maintains the queue. */
  runSchedulerUntilEnd(run: number): Promise<EndedRun>
  /** The run's row after its end. */
  waitForEnd(run: number): Promise<EndedRun>
}

export interface EndedRun {
  readonly state: string
  readonly reason: string | null
  readonly ledger: Readonly<Record<string, number>> | null
}

export interface ServicesSetup {
  /** Null, the default: the queue is in Postgres. */
  readonly queueUrl?: string | null | undefined
  readonly options?: Partial<PipelineOptions>
}

/** Opens everything that workers need to update the pipeline's source. No worker runs yet. */
export async function openServices(
  t: Lifetime,
  database: TestDatabase,
  pipeline: TestPipeline,
  setup: ServicesSetup = {},
): Promise<TestServices> {
  const db = await openPool(database.url, { applicationName: 'services', searchPath: QUEUE_SCHEMA })
  await migrateQueue(db)
  const queues = await openQueues(db, setup.queueUrl ?? null, { onError: () => undefined })
  const stops: (() => Promise<void>)[] = []
  t.after(async () => {
    await Promise.all(stops.map((stop) => stop()))
    await queues.close()
    await db.end()
  })
  const pauses: Pause[] = []
  const metrics = createMetrics()
  const tools: TaskTools = {
    ...pipeline.tools,
    http: () => pipeline.tools.http,
    db,
    queues,
    connectors: new Map([...CONNECTORS, [pipeline.connector.name, pipeline.connector]]),
    events: recordPauses(metrics, pauses),
    applyStates: new ApplyStateCache(),
    activity: new TaskActivity(),
    appliesParts: true,
    options: { ...pipeline.tools.options, ...setup.options },
  }
  const services: TestServices = {
    tools,
    queues,
    pauses,
    metrics,
    async requestRun(request = {}) {
      const all = { ...AS_SCHEDULED, source: pipeline.name, ...request }
      const [requested] = await requestRuns(tools, all, 'test')
      if (!requested || 'error' in requested) throw new Error('no run was requested')
      return requested
    },
    async runScheduler() {
      await startDueRuns(tools, new Calendar())
      await repairQueue(tools)
    },
    startWorkers() {
      const stop = startWorkers(tools)
      stops.push(stop)
      return stop
    },
    waitForDeadLetter: (run) =>
      waitUntil(async () => (await listDeadLetters(queues)).find((letter) => letter.run === run)),
    waitForDelayedJob: (id) =>
      waitUntil(async () => (await queues.fetch.getDelayed()).find((job) => job.id === id)),
    runSchedulerUntilEnd: (run) =>
      waitUntil(
        async () => (await findEndedRun(pipeline, run)) ?? services.runScheduler().then(() => null),
      ),
    waitForEnd: (run) => waitUntil(() => findEndedRun(pipeline, run)),
  }
  return services
}

/** Counts tasks in `metrics` and records their pauses. */
function recordPauses(metrics: Metrics, pauses: Pause[]): TaskEvents {
  const counting = countTasks(metrics, { addWait: () => undefined })
  return {
    ...counting,
    archived: () => Promise.resolve(),
    settled: () => Promise.resolve(),
    paused(pause, connector) {
      pauses.push(pause)
      counting.paused(pause, connector)
    },
  }
}

/** Starts a fetching and an applying worker. The result stops both and may be called twice. */
function startWorkers(tools: TaskTools): () => Promise<void> {
  const stopping = new AbortController()
  const workers = [
    startWorker(tools, 'fetch', 1, stopping.signal),
    startWorker(tools, 'apply', 2, stopping.signal),
  ]
  let stopped: Promise<void> | null = null
  return () => {
    stopping.abort()
    stopped ??= Promise.all(workers.map((worker) => worker.close())).then(() => undefined)
    return stopped
  }
}

/** The run's row, or null while it is running. */
async function findEndedRun(pipeline: TestPipeline, run: number): Promise<EndedRun | null> {
  const [row] = await pipeline.query<EndedRun>(
    'select state, reason, ledger from catalog.runs where id = $1',
    run,
  )
  return row && row.state !== 'running' ? row : null
}
