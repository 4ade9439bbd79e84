// Outages of the servers under real processes: a separate Postgres or Redis is stopped and started
// again while `sync` and `serve` work. The log has exactly two warnings: the beginning and the end.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { openPool } from '../../src/db/pool.ts'
import { openEmbedded } from '../../src/embedded-postgres/embedded.ts'
import { migrateQueue } from '../../src/jobs/queues.ts'
import {
  FREE_PORTS,
  cleanEnv,
  explainMissingProgram,
  startProcess,
  type Process,
} from '../support/processes.ts'
import { startRedis } from '../support/redis.ts'
import { waitUntil } from '../support/wait-until.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const ADMIN_KEY = 'a-key-for-tests-only-0123456789'
const STREAM = '/v4/products/stream'

interface Line {
  readonly level?: string
  readonly message?: string
  readonly outage?: string
  readonly code?: string
  readonly seconds?: number
}

/** A separate Postgres with one source that has never been synced. */
async function openStage(t: TestContext, more: Readonly<Record<string, string>> = {}) {
  const ends = new AsyncDisposableStack()
  t.after(() => ends.disposeAsync())
  const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-outages-'))
  // Under root, Postgres runs as another account, which must be able to enter the folder.
  await chmod(home, 0o755)
  ends.defer(() => rm(home, { recursive: true, force: true }))
  const open = () => openEmbedded({ home, settings: { fsync: 'off' } })
  let server = await open()
  ends.defer(() => server.stop())
  const { url } = server
  const db = await openPool(url, { applicationName: 'test' })
  await migrate(db)
  await migrateQueue(db)
  await db.end()
  const simulator = await startMedipim({ products: 60, rateLimit: null })
  ends.defer(simulator.close)
  const env = cleanEnv({
    DATABASE_URL: url,
    SHELFSYNC_HOME: home,
    ADMIN_KEY,
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: '42:secret',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
    ...more,
  })
  const start = (...args: readonly string[]): Promise<Process> =>
    startProcess(lifetime, process.execPath, [MAIN, ...args], { env, cwd: home })
  await promisify(execFile)(process.execPath, [MAIN, 'add', 'medipim', '--no-sync'], {
    env,
    cwd: home,
  })
  return {
    lifetime,
    start,
    simulator,
    stopPostgres: () => server.stop(),
    async startPostgres() {
      server = await open()
      assert.equal(server.url, url)
    },
    /** Makes the supplier stall after half of its products. */
    stall: () => simulator.faults.set({ kind: 'stall', afterLines: 30, path: STREAM, times: null }),
    waitForRequest: () => waitUntil(() => (simulator.stats.snapshot().requests[STREAM] ?? 0) > 0),
  }
}

function readLog({ output }: Process): Line[] {
  return output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
}

/** The only lines above level info are the beginning and the end of one outage. */
function assertOneOutage(process: Process, outage: string, code: string): void {
  const lines = readLog(process).filter(({ level }) => level === 'warn' || level === 'error')
  assert.deepEqual(
    lines.map((line) => [line.outage, line.code, (line.seconds ?? 0) > 0]),
    [
      [outage, code, false],
      [outage, code, true],
    ],
    process.output(),
  )
  assert.match(lines[0]?.message ?? '', /is unreachable: .*Check (?:DATABASE|QUEUE)_URL/)
  assert.match(lines[1]?.message ?? '', /is reachable again after \d/)
}

/** Sends requests as people, monitors and Prometheus do. */
function createClient(port: number | undefined, metricsPort: number | undefined) {
  const send = (path: string, method = 'GET', at = port): Promise<Response> =>
    fetch(`http://127.0.0.1:${at}${path}`, { method, headers: { 'X-ADMIN-KEY': ADMIN_KEY } })
  return {
    send,
    async lookAround() {
      for (const path of ['/status', '/runs', '/health']) await (await send(path)).arrayBuffer()
      await (await send('/metrics', 'GET', metricsPort)).arrayBuffer()
    },
    async runToEnd() {
      const response = await waitUntil(async () => {
        const one = await send('/sync', 'POST')
        return one.ok && one
      })
      const { run } = (await response.json()) as { run: number }
      return waitUntil(async () => {
        const one = await send(`/runs/${run}`)
        const { state } = (await one.json()) as { state?: string }
        return one.ok && state !== 'running' && state
      })
    },
  }
}

async function serve(start: (...args: string[]) => Promise<Process>) {
  const serving = await start('serve', '--json')
  const [line] = await serving.waitForLine(/^\{"serving".*$/)
  const { servers } = JSON.parse(line) as { servers: { name: string; port: number }[] }
  const portOf = (name: string) => servers.find((one) => one.name === name)?.port
  return { serving, client: createClient(portOf('orchestrator'), portOf('metrics')) }
}

test(
  'a sync says once that Postgres is gone and once that it is back, and succeeds',
  { timeout: 100_000 },
  async (t) => {
    const { start, simulator, stall, waitForRequest, stopPostgres, startPostgres } =
      await openStage(t)
    stall()
    const sync = await start('sync', '--json')
    await waitForRequest()
    await stopPostgres()
    await sync.waitForLine(/The database is unreachable/)
    // The next part cannot be recorded either.
    simulator.faults.clear()
    await sync.waitForLine(/waiting for the database/)
    await startPostgres()
    assert.deepEqual(await sync.exited, { code: 0, signal: null })
    assertOneOutage(sync, 'database', 'db/unreachable')
    assert.equal(readLog(sync).at(-1)?.code, null)
  },
)

test(
  'serve says once that Postgres is gone and once that it is back, although callers and scrapes fail meanwhile',
  { timeout: 100_000 },
  async (t) => {
    const { start, simulator, stall, waitForRequest, stopPostgres, startPostgres } =
      await openStage(t)
    const { serving, client } = await serve(start)
    stall()
    assert.equal((await client.send('/sync', 'POST')).status, 202)
    await waitForRequest()
    await stopPostgres()
    await serving.waitForLine(/The database is unreachable/)
    for (let round = 0; round < 3; round++) await client.lookAround()
    simulator.faults.clear()
    await startPostgres()
    await serving.waitForLine(/The database is reachable again/)
    assert.equal(await client.runToEnd(), 'succeeded')
    await client.lookAround()
    serving.kill('SIGTERM')
    assert.deepEqual(await serving.exited, { code: 0, signal: null })
    assertOneOutage(serving, 'database', 'db/unreachable')
  },
)

test(
  'serve says once that Redis is gone and once that it is back, and enqueues what was requested meanwhile',
  { timeout: 100_000, skip: explainMissingProgram('redis-server', 'redis-server') },
  async (t) => {
    const redis = await startRedis(t)
    const { start } = await openStage(t, { QUEUE_URL: redis.url })
    const { serving, client } = await serve(start)
    assert.equal(await client.runToEnd(), 'succeeded')
    await redis.stop()
    await serving.waitForLine(/The queue is unreachable/)
    await client.lookAround()
    const requested = await client.send('/sync', 'POST')
    assert.equal(requested.status, 202)
    await client.lookAround()
    await redis.restart()
    await serving.waitForLine(/The queue is reachable again/)
    assert.equal(await client.runToEnd(), 'succeeded')
    serving.kill('SIGTERM')
    assert.deepEqual(await serving.exited, { code: 0, signal: null })
    assertOneOutage(serving, 'queue', 'queue/unreachable')
  },
)
