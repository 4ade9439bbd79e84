// The queues: BullMQ over Postgres, the same database, or over Redis when one machine is outgrown.
// A queue is never the truth: what there is to do stands in the rows of the runs, so a queue that
// is lost is filled again from there.

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
import { createCalmBackend } from './backends/postgres.ts'

/** One by kind of work: `fetch` asks suppliers, `apply` writes the catalogue and settles. */
export type QueueName = 'fetch' | 'apply'
export const QUEUE_NAMES: readonly QueueName[] = ['fetch', 'apply']

/** A task of a run. Every one may be done twice. */
export interface Task {
  readonly sourceId: number
  readonly source: string
  readonly run: number
  /**
   * ISO text. A run that goes on after an interruption begins once more: tasks from before it say
   * nothing about it any more.
   */
  readonly begunAt: string
  /** In `apply` jobs only. */
  readonly part?: number
}

/** BullMQ's own schema in the database. */
export const QUEUE_SCHEMA = 'bullmq'
/**
 * BullMQ's functions create sequences in the first schema of their path. Only the owner can create
 * anything there.
 */
const QUEUE_PATH = `search_path=${QUEUE_SCHEMA}, pg_catalog, pg_temp`
/**
 * The braces keep all keys in one slot of a Redis Cluster:
 * https://docs.bullmq.io/bull/patterns/redis-cluster
 */
const PREFIX = '{shelfsync}'

/**
 * How long a worker's silence is borne before its job goes to another one; leases of tasks last
 * about as long.
 */
const LOCK_MS = 12_000
/** The advisory lock of whoever brings the queue's tables up to date. */
const QUEUE_LOCK = 7_435_901_630
const STALLED_CHECK_MS = 5_000
/** A job that has killed so many workers is a dead letter. */
const STALLED_MAX = 10

export interface Queues {
  readonly backend: 'postgres' | 'redis'
  /**
   * What Redis does when its memory is full, or null. Anything but `noeviction` may lose jobs,
   * which then are filled in again.
   */
  readonly evictionPolicy: string | null
  /**
   * Writes and removes a key of Redis. In Postgres there is nothing to prove. @throws Error what
   * Redis says
   */
  verifyWritable(): Promise<void>
  readonly fetch: Queue<Task>
  readonly apply: Queue<Task>
  addFlow(flow: FlowJob): Promise<void>
  /** Starts taking jobs. Close it before the queues. */
  work(name: QueueName, concurrency: number, processor: Processor<Task>): Worker<Task>
  /** From now on nothing waits for a Redis that is away: the process is about to end. */
  leave(): void
  close(): Promise<void>
}

/**
 * Opens the queues on `db`, whose connections must find schema `bullmq` in their search path, or on
 * the Redis of `queueUrl`, see `openRedis`.
 *
 * @throws SyncError `queue/unreachable` · `db/not-migrated`
 */
export async function openQueues(
  db: Db,
  queueUrl: string | null,
  onError: (error: Error) => void,
): Promise<Queues> {
  const leaving = new AbortController()
  // Who has the queue in Postgres need not carry a Redis client about.
  const library = queueUrl === null ? null : await import('./backends/redis.ts')
  const redis =
    queueUrl === null || library === null
      ? null
      : await library.openRedis(queueUrl, onError, leaving.signal)
  const connection = redis ?? (await requireSchema(db))
  const factory = redis === null ? createCalmBackend() : undefined
  const options = { connection, prefix: PREFIX } as QueueOptions
  const open = (name: QueueName): Queue<Task> =>
    listenTo(new Queue<Task>(name, options, factory as undefined), onError)
  const flows = listenTo(new FlowProducer(options, factory as undefined), onError)
  const queues = { fetch: open('fetch'), apply: open('apply') }
  await Promise.all([
    flows.waitUntilReady(),
    queues.fetch.waitUntilReady(),
    queues.apply.waitUntilReady(),
  ])
  return {
    ...queues,
    backend: redis === null ? 'postgres' : 'redis',
    evictionPolicy: redis && library && (await library.findEvictionPolicy(redis)),
    verifyWritable: async () =>
      void (redis && (await library?.proveRedisWritable(redis, `${PREFIX}:check-${randomUUID()}`))),
    addFlow: async (flow) => void (await flows.add(flow)),
    work(name, concurrency, processor) {
      const workerOptions = {
        ...options,
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: STALLED_MAX,
        autorun: false,
        // A job that could not be looked at, because Postgres or Redis was away, is looked for
        // again soon.
        runRetryDelay: 1000,
        drainDelay: 5,
      } as WorkerOptions
      const worker = listenTo(
        new Worker<Task>(name, processor, workerOptions, factory as undefined),
        onError,
      )
      worker.run().catch(onError)
      return worker
    },
    leave: () => leaving.abort(),
    async close() {
      await Promise.all([queues.fetch.close(), queues.apply.close(), flows.close()])
      redis?.disconnect()
    },
  }
}

/** The jobs that failed for good, of both queues. */
export async function listFailed({ fetch, apply }: Pick<Queues, QueueName>): Promise<Job<Task>[]> {
  return [...(await fetch.getFailed()), ...(await apply.getFailed())]
}

/**
 * Brings the queue's own tables up to date, and lets the roles of processes use them. Twice is
 * safe.
 */
export async function migrateQueue(db: Db): Promise<void> {
  const client = await db.connect()
  try {
    await client.query('reset search_path')
    // Postgres refuses two sessions that grant or alter the same at once. The lock ends with the
    // session.
    await client.query('select pg_advisory_lock($1)', [QUEUE_LOCK])
    await runMigrations(client, QUEUE_SCHEMA)
    // Some of BullMQ's functions have no path of their own, and none of them puts the caller's
    // temporary schema last.
    await client.query(`do $$
      declare f regprocedure;
      begin
        for f in select oid from pg_proc where pronamespace = '${QUEUE_SCHEMA}'::regnamespace
            and not coalesce(proconfig @> '{"${QUEUE_PATH}"}', false) loop
          execute format('alter function %s set ${QUEUE_PATH.replace('=', ' = ')}', f);
        end loop;
      end $$`)
    const roles = 'shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator'
    await client.query(`revoke all on schema ${QUEUE_SCHEMA} from public; grant usage on schema ${QUEUE_SCHEMA} to ${roles};
      grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to ${roles};
      grant usage on all sequences in schema ${QUEUE_SCHEMA} to ${roles}; grant execute on all functions in schema ${QUEUE_SCHEMA} to ${roles};`)
  } finally {
    client.release(true)
  }
}

async function requireSchema(db: Db): Promise<Db> {
  try {
    await assertSchemaCompatibility(db, QUEUE_SCHEMA)
    return db
  } catch (error) {
    throw new SyncError('db/not-migrated', `The database has no queue: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

interface Emits {
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** A connection that breaks mends itself; without a listener it would end the process. */
function listenTo<Emitter extends Emits>(
  emitter: Emitter,
  onError: (error: Error) => void,
): Emitter {
  emitter.on('error', onError)
  return emitter
}
