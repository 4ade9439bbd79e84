// SIGTERM and SIGINT to the real `shelfsync serve`: open batches are committed, the rest is back in
// the queue before the process ends, and the next process continues there.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { cleanEnv, FREE_PORTS, startProcess, type Process } from '../support/processes.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import { waitUntil } from '../support/wait-until.ts'

const SHELFSYNC = fileURLToPath(new URL('../../bin/shelfsync', import.meta.url))
const ADMIN_KEY = 'a key for nothing but tests'
const STREAM = '/v4/products/stream'
const PRODUCTS = 1500
/** Records of a batch. */
const CHUNK = 50
/** The time that docs/services.md requires of a supervisor before it kills. */
const KILL_TIMEOUT_MS = 30_000

interface Setting {
  readonly database: TestDatabase
  readonly pipeline: TestPipeline
  readonly simulator: MedipimSimulator
}

async function openSetting(t: TestContext): Promise<Setting> {
  const database = await openTestDatabase(t)
  await migrateQueue(database.pool)
  return {
    database,
    ...(await openMedipim(t, {
      db: database.pool,
      supplier: { products: PRODUCTS },
      options: DEFAULT_OPTIONS,
      linesPerPage: Infinity,
    })),
  }
}

/** Starts all roles in one process. */
async function serve(
  t: TestContext,
  { database, pipeline }: Setting,
): Promise<{ running: Process; requestRun(chunkSize: number): Promise<number> }> {
  const env = cleanEnv({
    DATABASE_URL: database.url,
    ARTIFACTS: `file:${pipeline.storeRoot}`,
    ADMIN_KEY,
    MEDIPIM_API_KEY: '42:secret',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
  })
  const running = await startProcess(t, process.execPath, [SHELFSYNC, 'serve'], { env })
  const [, url] = await running.waitForLine(/^orchestrator +(http:\S+)/)
  return {
    running,
    async requestRun(chunkSize) {
      const body = JSON.stringify({ source: pipeline.name, mode: 'full', chunkSize })
      const headers = { 'X-ADMIN-KEY': ADMIN_KEY, 'Content-Type': 'application/json' }
      const response = await fetch(new URL('/sync', url), { method: 'POST', headers, body })
      assert.equal(response.status, 202)
      return ((await response.json()) as { run: number }).run
    },
  }
}

async function stop(serving: Process, signal: NodeJS.Signals): Promise<void> {
  serving.kill(signal)
  await serving.waitForLine(/stopping after the current batches/)
}

/** A supervisor waits for a limited time. */
async function assertEnded(serving: Process): Promise<void> {
  const supervisor = setTimeout(() => serving.kill('SIGKILL'), KILL_TIMEOUT_MS)
  const ended = await serving.exited
  clearTimeout(supervisor)
  assert.deepEqual(ended, { code: 0, signal: null }, serving.output())
}

/** The first row of the query, once there is one. */
function rowOf<Row>(
  pipeline: TestPipeline,
  sql: string,
  ...parameters: readonly unknown[]
): Promise<Row> {
  return waitUntil(async () => (await pipeline.query<Row>(sql, ...parameters))[0])
}

/** Jobs that no worker could take now, without those that wait for other jobs. */
async function lockedJobs(pipeline: TestPipeline): Promise<string[]> {
  const rows = await pipeline.query<{ job: string }>(
    `select id || ' ' || state as job from bullmq.job where state not in ('waiting', 'waiting-children') or lock_token is not null`,
  )
  return rows.map(({ job }) => job)
}

async function assertFinishes(t: TestContext, setting: Setting, run: number): Promise<void> {
  const { pipeline, simulator, database } = setting
  await serve(t, setting)
  const { state, reason } = await rowOf<{ state: string; reason: string | null }>(
    pipeline,
    `select state, reason from catalog.runs where id = $1 and state <> 'running'`,
    run,
  )
  assert.equal(state, 'succeeded', reason ?? '')
  const uninterrupted = await openMedipim(t, {
    db: database.pool,
    simulator,
    options: DEFAULT_OPTIONS,
    linesPerPage: Infinity,
  })
  assert.equal((await uninterrupted.pipeline.sync()).ledger.created, PRODUCTS)
  assert.deepEqual(
    await snapshotCatalogue(pipeline),
    await snapshotCatalogue(uninterrupted.pipeline),
  )
}

test('SIGTERM lets an open batch commit, returns its part at once and ends with 0; the next process finishes the run', async (t) => {
  const setting = await openSetting(t)
  const { pipeline, database } = setting
  const serving = await serve(t, setting)
  const lock = await database.pool.connect()
  await lock.query('begin; lock table catalog.products in share mode')
  const run = await serving.requestRun(CHUNK)
  // A batch waits before its first row and cannot continue.
  await rowOf(
    pipeline,
    `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%apply_batch%'`,
  )
  await stop(serving.running, 'SIGTERM')
  assert.deepEqual(
    await pipeline.query('select from catalog.checkpoints where run_id = $1', run),
    [],
  )
  await lock.query('commit')
  lock.release()
  await assertEnded(serving.running)
  const [{ lines, done, products } = { lines: 0, done: true, products: 0 }] = await pipeline.query<{
    lines: number
    done: boolean
    products: number
  }>(
    `select coalesce(sum(lines_done), 0)::int as lines, bool_and(done) as done, (select count(*) from catalog.products) as products
     from catalog.checkpoints where run_id = $1`,
    run,
  )
  assert.ok(lines >= CHUNK, `the batch under way was not committed: ${lines} lines`)
  assert.deepEqual([products, done], [lines, false])
  assert.deepEqual(await lockedJobs(pipeline), [])
  assert.deepEqual(await pipeline.query('select task from catalog.leases'), [])
  await assertFinishes(t, setting, run)
})

test('SIGINT, which some platforms send, during a fetch keeps the arrived data, and the next process requests only the rest', async (t) => {
  const setting = await openSetting(t)
  const { pipeline, simulator } = setting
  const serving = await serve(t, setting)
  simulator.faults.set({ kind: 'stall', path: STREAM, afterLines: 900 })
  const run = await serving.requestRun(500)
  await rowOf(
    pipeline,
    'select from catalog.artifacts where run_id = $1 and expected is not null',
    run,
  )
  await stop(serving.running, 'SIGINT')
  await assertEnded(serving.running)
  const [{ kept } = { kept: 0 }] = await pipeline.query<{ kept: number }>(
    'select coalesce(sum(line_count), 0)::int as kept from catalog.parts where run_id = $1',
    run,
  )
  assert.ok(kept > 0 && kept <= 900, `${kept} lines were kept`)
  assert.deepEqual(await lockedJobs(pipeline), [])
  simulator.faults.clear()
  const sentBefore = simulator.stats.snapshot()
  await assertFinishes(t, setting, run)
  assert.equal(sentBefore.requests[STREAM], 1)
  const [{ lines } = { lines: 0 }] = await pipeline.query<{ lines: number }>(
    'select sum(line_count)::int as lines from catalog.parts where run_id = $1',
    run,
  )
  assert.ok(lines < PRODUCTS + kept / 2, `${lines} lines were fetched in all`)
})
