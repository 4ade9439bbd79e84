// Real processes of `shelfsync serve` that share one database, one artifact store and one supplier,
// as separate machines would.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { medipim } from '../../src/connectors/medipim/connector.ts'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'
import type { Role } from '../../src/core/roles.ts'
import { NODE_FLAGS } from '../../bin/launch.js'
import { openTestDatabase, type Lifetime, type TestDatabase } from '../support/database.ts'
import { MEDIPIM_KEY } from '../support/medipim.ts'
import { openPipeline, type TestPipeline } from '../support/pipeline.ts'
import {
  FREE_PORTS,
  cleanEnv,
  startProcess,
  type Environment,
  type Process,
  type StartOptions,
} from '../support/processes.ts'
import type { EndedRun } from '../support/services.ts'
import { waitUntil } from '../support/wait-until.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const SMALL_PARTS = new URL('small-parts.ts', import.meta.url).href
export const ADMIN_KEY = 'a-key-for-tests-only-0123456789'

export interface FleetOptions {
  readonly supplierUrl: string
  /** Null: the queue is in the database. */
  readonly queueUrl: string | null
  /** Parts of a megabyte and batches of 40 records instead of 32 MiB and 5,000. */
  readonly smallParts: boolean
}

export interface Machine {
  readonly process: Process
  readonly ports: Readonly<Record<string, number>>
}

export interface TimedRun extends EndedRun {
  readonly seconds: number
}

/** Starts a program here or on another host. */
export type Start = (
  command: string,
  args: readonly string[],
  options: StartOptions,
) => Promise<Process>

/** A database, a store, and a source that the machines update. */
export interface Fleet {
  readonly database: TestDatabase
  readonly pipeline: TestPipeline
  /** Adds another source of this supplier. */
  addSource(supplierUrl: string): Promise<TestPipeline>
  readonly env: Environment
  /** Starts one machine and waits until it serves. */
  serve(roles: readonly Role[], env?: Environment, start?: Start): Promise<Machine>
  requestRun(machine: Machine, mode?: 'auto' | 'full', pipeline?: TestPipeline): Promise<number>
  /** The run's row after its end. */
  waitForEnd(run: number): Promise<TimedRun>
  /** Another source of the same supplier, synced by this process alone. */
  syncTwin(): Promise<TestPipeline>
}

export async function openFleet(
  t: Lifetime,
  { supplierUrl, queueUrl, smallParts }: FleetOptions,
): Promise<Fleet> {
  const database = await openTestDatabase(t)
  await migrateQueue(database.pool)
  const addSource = (apiUrl: string) =>
    openPipeline(t, {
      db: database.pool,
      connector: medipim,
      credentials: MEDIPIM_KEY,
      settings: { apiUrl, market: 'au' },
      options: DEFAULT_OPTIONS,
    })
  const pipeline = await addSource(supplierUrl)
  const env = cleanEnv({
    DATABASE_URL: database.url,
    SHELFSYNC_HOME: pipeline.storeRoot,
    ARTIFACTS: `file:${pipeline.storeRoot}`,
    ADMIN_KEY,
    MEDIPIM_API_KEY: '42:secret',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
    ...(queueUrl === null ? {} : { QUEUE_URL: queueUrl }),
  })
  return {
    database,
    pipeline,
    env,
    addSource,
    async serve(roles, own = {}, start = (...program) => startProcess(t, ...program)) {
      const preload = smallParts ? ['--import', SMALL_PARTS] : []
      const started = await start(
        process.execPath,
        [...NODE_FLAGS, ...preload, MAIN, 'serve', ...roles, '--json'],
        { env: { ...env, ...own } },
      )
      const [line] = await started.waitForLine(/^\{"serving".*$/)
      const { servers } = JSON.parse(line) as { servers: { name: string; port: number }[] }
      return {
        process: started,
        ports: Object.fromEntries(servers.map(({ name, port }) => [name, port])),
      }
    },
    async requestRun({ ports }, mode = 'auto', { name: source } = pipeline) {
      const response = await fetch(`http://127.0.0.1:${ports['orchestrator']}/sync`, {
        method: 'POST',
        headers: { 'X-ADMIN-KEY': ADMIN_KEY, 'Content-Type': 'application/json' },
        body: JSON.stringify({ source, ...(mode === 'full' ? { mode } : {}) }),
      })
      const { run } = (await response.json()) as { run: number }
      assert.equal(response.status, 202)
      return run
    },
    waitForEnd: (run) =>
      waitUntil(async () => {
        const [row] = await pipeline.query<TimedRun>(
          'select state, reason, ledger, extract(epoch from finished_at - started_at)::float8 as seconds from catalog.runs where id = $1',
          run,
        )
        return row?.state !== 'running' && row
      }),
    async syncTwin() {
      const twin = await addSource(supplierUrl)
      const { state } = await twin.sync()
      assert.equal(state, 'succeeded')
      return twin
    },
  }
}

/** Every worker that had a lease during the run, by kind of task. Resolves when the run ends. */
export async function watchWorkers(
  { pipeline, database }: Fleet,
  run: number,
): Promise<Record<'fetch' | 'part' | 'settle', Set<string>>> {
  const workers = { fetch: new Set<string>(), part: new Set<string>(), settle: new Set<string>() }
  await waitUntil(async () => {
    const { rows } = await database.pool.query<{ kind: keyof typeof workers; owner: string }>(
      `select split_part(task, ' ', 1) as kind, owner from catalog.leases where run_id = $1 and expires_at > clock_timestamp()`,
      [run],
    )
    for (const { kind, owner } of rows) workers[kind].add(owner)
    const [row] = await pipeline.query<{ state: string }>(
      'select state from catalog.runs where id = $1',
      run,
    )
    return row?.state !== 'running'
  })
  return workers
}
