// The queues: BullMQ over the same Postgres, or over Redis when one machine is not enough. The rows
// of the runs record the remaining work; a lost queue is filled again from them.

import { randomUUID } from 'node:crypto'
import {
  FlowProducer,
  Queue,
  runMigrations,
  assertSchemaCompatibility,
  Worker,
  type FlowJob,
  type Job,
  type Processor,
  type QueueOptions,
  type WorkerOptions,
} from 'bullmq'
import { messageOf, SyncError } from '../core/errors.ts'
import type { Db } from '../db/pool.ts'
import type { DbClient } from '../db/transaction.ts'
import { createCalmBackend } from './backends/postgres.ts'
import { SharedListeners } from './backends/shared-listeners.ts'

/** `fetch` downloads from suppliers; `apply` writes the catalogue and settles runs. */
export type QueueName = 'fetch' | 'apply'
export const QUEUE_NAMES: readonly QueueName[] = ['fetch', 'apply']

/**
 * The same kinds of work for imports, for which a person waits. Each worker has one slot more that takes
 * only these, so that they wait behind no other task.
 */
const URGENT = { fetch: 'import-fetch', apply: 'import-apply' } as const
const URGENT_CONCURRENCY = 1

type QueuePair = Readonly<Record<QueueName, Queue<Task>>>

/** A task of a run. Executing it twice is safe. */
export interface Task {
  readonly sourceId: number
  readonly source: string
  readonly run: number
  /**
   * When the run was started or resumed, as ISO text. Tasks from before the last resumption are
   * obsolete.
   */
  readonly begunAt: string
  /** In `apply` jobs only. */
  readonly part?: number
  /** True for an import, whose tasks are in the queues for imports. */
  readonly urgent?: true
}

/** BullMQ's own schema in the database. */
export const QUEUE_SCHEMA = 'bullmq'
/**
 * BullMQ's functions create sequences in the first schema of the path, where only the owner may
 * create objects.
 */
const QUEUE_PATH = `search_path=${QUEUE_SCHEMA}, pg_catalog, pg_temp`
/**
 * The braces keep all keys in one slot of a Redis Cluster:
 * https://docs.bullmq.io/bull/patterns/redis-cluster
 */
const PREFIX = '{shelfsync}'

/** Lock duration of a job. When it expires, another worker gets the job. About a lease duration. */
const LOCK_MS = 12_000
/** Advisory lock that `migrateQueue` holds. */
const QUEUE_LOCK = 7_435_901_630
const STALLED_CHECK_MS = 5_000
/** Number of lost workers after which a job becomes a dead letter. */
const STALLED_MAX = 10

const WORKER: Partial<WorkerOptions> = {
  lockDuration: LOCK_MS,
  stalledInterval: STALLED_CHECK_MS,
  maxStalledCount: STALLED_MAX,
  autorun: false,
  // Milliseconds before a worker reads again from a Postgres or Redis that was unavailable.
  runRetryDelay: 1000,
  drainDelay: 5,
}

export interface Queues {
  readonly backend: 'postgres' | 'redis'
  /**
   * The eviction policy of Redis, or null. With any other than `noeviction` jobs may be lost when its
   * memory is full; the scheduler enqueues them again.
   */
  readonly evictionPolicy: string | null
  /**
   * Writes and removes a key in Redis. Does nothing with Postgres.
   *
   * @throws Error the error of Redis
   */
  verifyWritable(): Promise<void>
  readonly fetch: Queue<Task>
  readonly apply: Queue<Task>
  readonly urgent: QueuePair
  addFlow(flow: FlowJob): Promise<void>
  /** Starts a worker, with one more slot for imports. Close it before the queues. */
  work(name: QueueName, concurrency: number, processor: Processor<Task>): QueueWorker
  /** Stops waiting for an unavailable Redis, because the process ends. */
  leave(): void
  close(): Promise<void>
}

export interface QueueWorker {
  /** The one for all other tasks, and the one for imports. */
  readonly workers: readonly Worker<Task>[]
  close(): Promise<void>
}

/** Callbacks for a queue that is unavailable and available again. */
export interface QueueEvents {
  /** Called for every error of a connection or a worker, which then tries again. */
  onError(this: void, error: Error): void
  /** Called when a connection to Redis is established, at the start and after each loss. */
  onReached?(this: void): void
}

/**
 * Opens the queues on `db`, whose connections need the schema `bullmq` in their search path, or on
 * the Redis at `queueUrl`, see `openRedis`.
 *
 * @throws SyncError `queue/unreachable` · `db/not-migrated`
 */
export async function openQueues(
  db: Db,
  queueUrl: string | null,
  events: QueueEvents,
): Promise<Queues> {
  const { onError } = events
  const leaving = new AbortController()
  await using opened = new AsyncDisposableStack()
  // Loaded only with Redis, because it takes time and memory.
  const library = queueUrl === null ? null : await import('./backends/redis.ts')
  const redis =
    queueUrl === null || library === null
      ? null
      : await library.openRedis(queueUrl, events, leaving.signal)
  opened.defer(() => redis?.disconnect())
  const connection = redis ?? (await requireQueueSchema(db))
  const factory = redis === null ? createCalmBackend(onError) : undefined
  const listeners = factory && new SharedListeners(factory)
  const options = { connection, prefix: PREFIX } as QueueOptions
  const keep = <One extends Emits & { close(): Promise<unknown> }>(one: One): One =>
    opened.adopt(listenTo(one, onError), async () => void (await one.close()))
  const open = (name: string): Queue<Task> =>
    keep(new Queue<Task>(name, options, factory as undefined))
  const flows = keep(new FlowProducer(options, factory as undefined))
  const urgent = { fetch: open(URGENT.fetch), apply: open(URGENT.apply) }
  const queues = { fetch: open('fetch'), apply: open('apply'), urgent }
  await Promise.all([flows, ...listQueues(queues)].map((one) => one.waitUntilReady()))
  const evictionPolicy = redis && library && (await library.findEvictionPolicy(redis))
  const kept = opened.move()
  return {
    ...queues,
    backend: redis === null ? 'postgres' : 'redis',
    evictionPolicy,
    verifyWritable: async () =>
      void (redis && (await library?.proveRedisWritable(redis, `${PREFIX}:check-${randomUUID()}`))),
    addFlow: async (flow) => void (await flows.add(flow)),
    work(name, concurrency, processor) {
      const start = (queue: string, slots: number, backend: unknown): Worker<Task> => {
        const workerOptions = { ...options, ...WORKER, concurrency: slots } as WorkerOptions
        const worker = new Worker<Task>(queue, processor, workerOptions, backend as undefined)
        listenTo(worker, onError)
        worker.run().catch(onError)
        return worker
      }
      const workers = [
        start(name, concurrency, listeners?.lend(name) ?? factory),
        start(URGENT[name], URGENT_CONCURRENCY, listeners?.borrow(name) ?? factory),
      ]
      return {
        workers,
        close: async () => void (await Promise.all(workers.map((one) => one.close()))),
      }
    },
    leave: () => leaving.abort(),
    close: () => kept.disposeAsync(),
  }
}

/**
 * Counts the tasks that a worker could take now or after a delay: only a running worker notices the
 * end of a delay. A settle task that waits for other tasks does not count.
 */
export async function countWaitingTasks(queue: Queue<Task>): Promise<number> {
  return queue.getJobCountByTypes('waiting', 'prioritized', 'delayed')
}

export type AllQueues = Pick<Queues, QueueName | 'urgent'>

/** Lists the queues of these kinds of work, those for imports included. */
export function listQueues(
  queues: AllQueues,
  names: readonly QueueName[] = QUEUE_NAMES,
): readonly Queue<Task>[] {
  return names.flatMap((name) => [queues[name], queues.urgent[name]])
}

/** Lists the jobs of all queues that failed permanently. */
export async function listFailed(queues: AllQueues): Promise<Job<Task>[]> {
  return (await Promise.all(listQueues(queues).map((queue) => queue.getFailed()))).flat()
}

/** What `migrateQueue` did to BullMQ's tables. */
export type QueueMigration = 'created' | 'updated' | 'unchanged'

/**
 * Creates or updates BullMQ's tables and grants the workers' roles access. Calling twice is safe.
 */
export async function migrateQueue(db: Db): Promise<QueueMigration> {
  const client = await db.connect()
  try {
    await client.query('reset search_path')
    // Two sessions cannot alter the same objects at once. The lock ends with the session.
    await client.query('select pg_advisory_lock($1)', [QUEUE_LOCK])
    const before = await findQueueVersion(client)
    const version = await runMigrations(client, QUEUE_SCHEMA)
    // Some of BullMQ's functions set no search path. The others set one without pg_temp, and
    // Postgres then searches the caller's temporary schema first.
    await client.query(`do $$
      declare f regprocedure;
      begin
        for f in select oid from pg_proc where pronamespace = '${QUEUE_SCHEMA}'::regnamespace
            and not coalesce(proconfig @> '{"${QUEUE_PATH}"}', false) loop
          execute format('alter function %s set ${QUEUE_PATH.replace('=', ' = ')}', f);
        end loop;
      end $$`)
    const roles = 'shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator, shelfsync_web'
    await client.query(`revoke all on schema ${QUEUE_SCHEMA} from public;
      revoke execute on all functions in schema ${QUEUE_SCHEMA} from public;
      grant usage on schema ${QUEUE_SCHEMA} to ${roles};
      grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to ${roles};
      grant usage on all sequences in schema ${QUEUE_SCHEMA} to ${roles};
      grant execute on all functions in schema ${QUEUE_SCHEMA} to ${roles};`)
    if (before === null) return 'created'
    return before < version ? 'updated' : 'unchanged'
  } finally {
    client.release(true)
  }
}

/** The version of BullMQ's schema, or null before its first migration. */
async function findQueueVersion(client: DbClient): Promise<number | null> {
  const { rows } = await client.query<{ exists: boolean }>(
    `select to_regclass('${QUEUE_SCHEMA}.migration') is not null as exists`,
  )
  if (rows[0]?.exists !== true) return null
  const { rows: versions } = await client.query<{ version: number | null }>(
    `select max(version) as version from ${QUEUE_SCHEMA}.migration`,
  )
  return versions[0]?.version ?? null
}

/** @throws SyncError `db/not-migrated` */
export async function requireQueueSchema(db: Db): Promise<Db> {
  try {
    await assertSchemaCompatibility(db, QUEUE_SCHEMA)
    return db
  } catch (error) {
    throw new SyncError(
      'db/not-migrated',
      `The schema of the queue is missing or outdated: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}

interface Emits {
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** BullMQ reconnects by itself; an `error` event without a listener would end the process. */
function listenTo<Emitter extends Emits>(
  emitter: Emitter,
  onError: (error: Error) => void,
): Emitter {
  emitter.on('error', onError)
  return emitter
}
