// Checks the state of every component. Each check has a deadline, after which the component counts
// as failing.

import type { ArtifactStore } from '../artifacts/store.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import type { Db } from '../db/pool.ts'
import { listBreakers } from '../db/read/limits.ts'
import { listSourceSummaries, type SourceSummary } from '../db/read/source-summaries.ts'
import { loadServerVersion } from '../db/server-facts.ts'
import type { ComponentHealth } from '../http/control/operations.ts'
import { listQueues, QUEUE_NAMES, type QueueName, type Queues } from '../jobs/queues.ts'
import { findUntakenTask } from '../jobs/untaken-tasks.ts'
import type { Waker } from '../jobs/wake-workers.ts'
import { formatDuration } from '../lib/format-duration.ts'
import { withTimeout } from '../lib/timeout.ts'

const DEADLINE_MS = 3_000
const SUPPLIERS_SHOWN = 5

export interface HealthTools {
  readonly db: Db
  readonly queues: Queues
  /** Null in a process without a worker, which needs no access to the store. */
  readonly store: ArtifactStore | null
  readonly waker: Pick<Waker, 'starts' | 'findOutage'>
}

export async function checkHealth({
  db,
  queues,
  store,
  waker,
}: HealthTools): Promise<ComponentHealth[]> {
  const latest = checkLatest(db)
  const suppliers = checkSuppliers(db)
  const [database, ...others] = await Promise.all([
    checkComponent('database', async () => `Postgres ${await loadServerVersion(db)}`),
    checkComponent('queue', () => describeQueues(queues)),
    ...(store === null ? [] : [checkStore(store)]),
    ...QUEUE_NAMES.map((name) =>
      checkComponent(name === 'fetch' ? 'fetcher' : 'maintainer', async () => {
        const workers = await queues[name].getWorkersCount()
        return workers === 0 ? describeStopped(waker, name) : describeConnected(queues, name)
      }),
    ),
  ])
  // Without the database the copies and the suppliers are unknown, and its own line says so.
  const read = [...(await latest), await suppliers]
  return [database, ...others, ...(database.ok ? read : [])]
}

function checkStore(store: ArtifactStore): Promise<ComponentHealth> {
  return checkComponent('artifacts', async () => {
    await store.check()
    return store.describe()
  })
}

/** @throws Error when the workers are connected, but take no task */
async function describeConnected(queues: Queues, name: QueueName): Promise<string> {
  const waitedMs = await findUntakenTask(queues, name)
  const connected = `${await queues[name].getWorkersCount()} connected`
  if (waitedMs === null) return connected
  const waited = formatDuration(Math.round(waitedMs / 1000))
  throw new Error(
    `${connected}, but a task has waited for ${waited} and none takes it: restart shelfsync serve`,
  )
}

/** @throws Error when nothing starts the workers of the queue */
function describeStopped(waker: HealthTools['waker'], name: QueueName): string {
  if (!waker.starts(name)) throw new Error('no worker is connected: start shelfsync serve')
  const outage = waker.findOutage(name)
  if (outage !== null)
    throw new Error(`no worker is connected, and the request that starts one fails: ${outage}`)
  return 'none is connected; one is started when a task waits'
}

/** Returns no component unless latest.ndjson is written for a source. */
async function checkLatest(db: Db): Promise<ComponentHealth[]> {
  let isWritten = true
  const component = await checkComponent('latest', async () => {
    const sources = await listSourceSummaries(db, null, DEADLINE_MS)
    const copied = sources.filter(({ latestCopy }) => latestCopy !== null)
    isWritten = copied.length > 0
    return describeCopies(copied)
  })
  return isWritten ? [component] : []
}

/** A supplier that is down is not a failure of this system, so this component is always ok. */
function checkSuppliers(db: Db): Promise<ComponentHealth> {
  return checkComponent('suppliers', async () => {
    const breakers = await listBreakers(db, DEADLINE_MS)
    if (breakers.length === 0) return 'no circuit breaker is open'
    const names = breakers
      .slice(0, SUPPLIERS_SHOWN)
      .map(({ key, failures }) => `${key} (${failures} failures)`)
    const more =
      breakers.length > SUPPLIERS_SHOWN ? ` and ${breakers.length - SUPPLIERS_SHOWN} more` : ''
    return `down, and not requested: ${names.join(', ')}${more}`
  })
}

async function describeQueues(queues: Queues): Promise<string> {
  await queues.verifyWritable()
  const counts = await Promise.all(
    listQueues(queues).map(async (queue) => `${queue.name} ${await queue.count()}`),
  )
  return `${queues.backend}; waiting: ${counts.join(', ')}`
}

/** @throws Error when one of the copies could not be written */
function describeCopies(sources: readonly SourceSummary[]): string {
  const broken = sources.flatMap(({ source, latestCopy }) =>
    latestCopy?.error == null
      ? []
      : `latest.ndjson of ${source} could not be written: ${latestCopy.error}`,
  )
  if (broken.length > 0) throw new Error(broken.join('; '))
  return sources.map(({ source, latestCopy }) => `${source} has run ${latestCopy?.run}`).join(', ')
}

async function checkComponent(
  component: string,
  describe: () => Promise<string>,
): Promise<ComponentHealth> {
  const startedMs = performance.now()
  const elapsedMs = () => Math.round(performance.now() - startedMs)
  try {
    const detail = await withTimeout(describe(), DEADLINE_MS)
    return { component, ok: true, detail, latencyMs: elapsedMs() }
  } catch (error) {
    return {
      component,
      ok: false,
      detail: error instanceof SyncError ? `${error.code}: ${error.message}` : messageOf(error),
      latencyMs: elapsedMs(),
    }
  }
}
