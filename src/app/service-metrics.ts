// The metrics of a service: its own, and as an orchestrator those of the database and the queue.

import { SyncError } from '../core/errors.ts'
import { toSyncError } from '../db/errors.ts'
import { createMetricsReader } from '../db/read/metrics.ts'
import { readStorageMetrics } from '../db/read/work-metrics.ts'
import { findOutageCode, toQueueError } from '../jobs/queue-errors.ts'
import { listQueues, QUEUE_NAMES, type Queues } from '../jobs/queues.ts'
import { countUntakenTasks } from '../jobs/untaken-tasks.ts'
import { withTimeout } from '../lib/timeout.ts'
import { createMetrics, type Metrics, type Reading } from '../telemetry/metrics.ts'
import { METRICS } from '../telemetry/metrics-table.ts'
import type { Role } from '../core/roles.ts'
import { Calendar } from '../sources/due.ts'
import type { ServiceTools } from './serve.ts'

/**
 * Less than the limit of a read in src/telemetry/metrics.ts, whose error does not name the cause.
 */
const COLLECT_MS = 4_000
/** Adding up the sizes of a million parts takes a second. */
const STORAGE_EVERY_MS = 5 * 60_000

/** Creates the metrics of a process. `toKnown` names an error of a collector. */
export function openProcessMetrics(
  { db, log, outages }: Pick<ServiceTools, 'db' | 'log' | 'outages'>,
  toKnown: (error: unknown) => unknown = toSyncError,
): Metrics {
  const reported = new Map<string, string>()
  const metrics = createMetrics({
    onFailure(collector, error) {
      if (outages.failed(toKnown(error), { work: `metrics of the ${collector}` })) return
      const cause = String(error)
      if (reported.get(collector) !== cause)
        log.warn({ collector, cause }, 'metrics could not be read')
      reported.set(collector, cause)
    },
  })
  metrics.set(
    'shelfsync_database_connections',
    { state: 'busy' },
    () => db.totalCount - db.idleCount,
  )
  metrics.set('shelfsync_database_connections', { state: 'idle' }, () => db.idleCount)
  return metrics
}

/** Creates the metrics of a process with these roles. */
export function openMetrics(tools: ServiceTools, roles: readonly Role[]): Metrics {
  const { db, queues, connectors, outages } = tools
  const metrics = openProcessMetrics(tools, (error) => toQueueError(queues, error))
  // Start at zero, so that the first wait counts as an increase.
  if (roles.includes('fetcher'))
    for (const connector of connectors.keys())
      metrics.count('shelfsync_limit_wait_seconds_total', { connector }, 0)
  // Only orchestrators report metrics of the system, each of them all of these.
  if (roles.includes('orchestrator')) {
    const calendar = new Calendar()
    const readDatabase = createMetricsReader(
      db,
      (source) => calendar.dueOf(source, new Date()).late,
    )
    const collectors = [
      { name: 'database', code: 'db/unreachable', read: readDatabase },
      { name: 'queue', code: findOutageCode(queues), read: () => readQueues(queues) },
      {
        name: 'storage',
        code: 'db/unreachable',
        read: () => readStorageMetrics(db),
        everyMs: STORAGE_EVERY_MS,
      },
    ] as const
    for (const { name, code, read, ...interval } of collectors)
      metrics.collect({
        name,
        ...interval,
        async read() {
          const readings = await withTimeout(
            read(),
            COLLECT_MS,
            () => new SyncError(code, `No response within ${COLLECT_MS / 1000} s`),
          )
          outages.worked(`metrics of the ${name}`)
          return readings
        },
      })
  }
  return metrics
}

async function readQueues(queues: Queues): Promise<Reading[]> {
  const states = METRICS.shelfsync_queue_jobs.labels.state
  const readings = await Promise.all(
    QUEUE_NAMES.map(async (queue) => {
      const listed = await Promise.all(
        listQueues(queues, [queue]).map((one) => one.getJobCounts(...states)),
      )
      const jobs = states.map((state): Reading => ({
        name: 'shelfsync_queue_jobs',
        labels: { queue, state },
        value: listed.reduce((sum, counts) => sum + (counts[state] ?? 0), 0),
      }))
      const untaken = await countUntakenTasks(queues, queue)
      return [
        ...jobs,
        { name: 'shelfsync_queue_untaken_jobs', labels: { queue }, value: untaken } as const,
      ]
    }),
  )
  return readings.flat()
}
