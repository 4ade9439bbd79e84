// The services inside a test's process: queues, workers and a scheduler over a real Postgres, and
// over Redis if requested.

import type { Job } from 'bullmq'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import type { Connector } from '../../src/core/connector.ts'
import { openPool } from '../../src/db/pool.ts'
import { listDeadLetters, type DeadLetter } from '../../src/jobs/dead-letters.ts'
import { AS_SCHEDULED, type RequestedRun, type RunsRequest } from '../../src/jobs/runs-request.ts'
import { requestRuns } from '../../src/jobs/request-runs.ts'
import {
  migrateQueue,
  openQueues,
  QUEUE_SCHEMA,
  type Queues,
  type Task,
} from '../../src/jobs/queues.ts'
import { ApplyStateCache } from '../../src/jobs/apply-state-cache.ts'
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
  /** Like `waitForEnd`, with a scheduler that looks after the queue. */
  runSchedulerUntilEnd(run: number): Promise<EndedRun>
  /** The run's row after its end. */
  waitForEnd(run: number): Promise<EndedRun>
}

export interface EndedRun {
  readonly state: string
  readonly reason: string | null
  readonly ledger: Readonly<Record<string, number>> | null
}

/** Opens everything that workers need to update the pipeline's source. No worker runs yet. */
export async function openServices(
  t: Lifetime,
  database: TestDatabase,
  pipeline: TestPipeline,
  queueUrl: string | null = null,
  options: Partial<PipelineOptions> = {},
): Promise<TestServices> {
  const db = await openPool(database.url, { applicationName: 'services', searchPath: QUEUE_SCHEMA })
  await migrateQueue(db)
  const queues = await openQueues(db, queueUrl, () => undefined)
  const stops: (() => Promise<void>)[] = []
  t.after(async () => {
    await Promise.all(stops.map((stop) => stop()))
    await queues.close()
    await db.end()
  })
  const connectors: ReadonlyMap<string, Connector> = new Map([
    ...CONNECTORS,
    [pipeline.connector.name, pipeline.connector],
  ])
  const pauses: Pause[] = []
  const metrics = createMetrics()
  const counting = countTasks(metrics)
  const events: TaskEvents = {
    ...counting,
    archived: () => Promise.resolve(),
    settled: () => Promise.resolve(),
    paused(pause, connector) {
      pauses.push(pause)
      counting.paused(pause, connector)
    },
  }
  const tools: TaskTools = {
    ...pipeline.tools,
    http: () => pipeline.tools.http,
    db,
    queues,
    connectors,
    events,
    applyStates: new ApplyStateCache(),
    options: { ...pipeline.tools.options, ...options },
  }
  const find = async (run: number): Promise<EndedRun | null> => {
    const [row] = await pipeline.query<EndedRun>(
      'select state, reason, ledger from catalog.runs where id = $1',
      run,
    )
    return row && row.state !== 'running' ? row : null
  }
  const services: TestServices = {
    tools,
    queues,
    pauses,
    metrics,
    async requestRun(order = {}) {
      const [requested] = await requestRuns(
        tools,
        { ...AS_SCHEDULED, source: pipeline.name, ...order },
        'test',
      )
      if (!requested || 'error' in requested) throw new Error('no run was requested')
      return requested
    },
    async runScheduler() {
      await startDueRuns(tools, new Calendar())
      await repairQueue(tools)
    },
    startWorkers() {
      const stopping = new AbortController()
      const workers = [
        startWorker(tools, 'fetch', 1, stopping.signal),
        startWorker(tools, 'apply', 2, stopping.signal),
      ]
      let stopped: Promise<void> | null = null
      const stop = (): Promise<void> => {
        stopping.abort()
        stopped ??= Promise.all(workers.map((worker) => worker.close())).then(() => undefined)
        return stopped
      }
      stops.push(stop)
      return stop
    },
    waitForDeadLetter: (run) =>
      waitUntil(async () => (await listDeadLetters(queues)).find((letter) => letter.run === run)),
    waitForDelayedJob: (id) =>
      waitUntil(async () => (await queues.fetch.getDelayed()).find((job) => job.id === id)),
    runSchedulerUntilEnd: (run) =>
      waitUntil(async () => (await find(run)) ?? services.runScheduler().then(() => null)),
    waitForEnd: (run) => waitUntil(() => find(run)),
  }
  return services
}
