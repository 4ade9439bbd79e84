// Services and syncs on the embedded database, which is killed or stopped under them: real processes,
// a real postmaster, kill -9.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { findPlace } from '../../src/embedded-postgres/data-directory.ts'
import { findServer, stopServer, type Server } from '../../src/embedded-postgres/server.ts'
import { cleanEnv, FREE_PORTS, freePort, startProcess, type Process } from '../support/processes.ts'
import { waitUntil } from '../support/wait-until.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const ADMIN_KEY = 'a-key-for-tests-only-0123456789'
const GONE = /The database is unreachable/g
const BACK = /The database is reachable again after \d/g
const STREAM = '/v4/products/stream'

/**
 * A home with one source, and a supplier. Processes that start later end earlier, so that no
 * process starts the database again at the end.
 */
async function openHome(t: TestContext) {
  const ends = new AsyncDisposableStack()
  t.after(() => ends.disposeAsync())
  const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-services-embedded-'))
  // Under root, Postgres runs as another account, which must be able to enter the folder.
  await chmod(home, 0o755)
  const server = async (): Promise<Server | null> => {
    const place = await findPlace(home)
    return place && findServer(place)
  }
  ends.defer(async () => {
    const place = await findPlace(home)
    if (place) await stopServer(place)
    await rm(home, { recursive: true, force: true })
  })
  const simulator = await startMedipim({ products: 60, rateLimit: null })
  ends.defer(simulator.close)
  const env = cleanEnv({
    SHELFSYNC_HOME: home,
    ADMIN_KEY,
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: '42:secret',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
  })
  const run = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [MAIN, ...args], { env, cwd: home })).stdout
  await run('add', 'medipim', '--no-sync')
  return {
    home,
    run,
    server,
    simulator,
    /** Starts a sync, and returns when the supplier has sent half of its products and then stalls. */
    async stallSync(): Promise<Process> {
      simulator.faults.set({ kind: 'stall', afterLines: 30, path: STREAM, times: null })
      const started = await startProcess(lifetime, process.execPath, [MAIN, 'sync'], {
        env,
        cwd: home,
      })
      await waitUntil(() => (simulator.stats.snapshot().requests[STREAM] ?? 0) > 0)
      return started
    },
    async serve(...roles: string[]) {
      const started = await startProcess(
        lifetime,
        process.execPath,
        [MAIN, 'serve', ...roles, '--json'],
        { env, cwd: home },
      )
      const [line] = await started.waitForLine(/^\{"serving".*$/)
      const { servers } = JSON.parse(line) as { servers: { name: string; port: number }[] }
      return { process: started, port: servers.find(({ name }) => name === 'orchestrator')?.port }
    },
    /** The server that runs instead of `before`. */
    successor: (before: Server | null) =>
      waitUntil(async () => {
        const now = await server()
        return now?.ready && now.pid !== before?.pid && now
      }),
  }
}

/** Expects a warning at the beginning and one at the end of each outage, and no others. */
function assertOutages({ output }: Process, count: number): void {
  const text = output()
  const found = [GONE, BACK].map((pattern) => text.match(pattern)?.length ?? 0)
  assert.deepEqual(found, [count, count], text)
  assert.equal(text.match(/warn|"level":"error"|error:/g)?.length, 2 * count, text)
}

interface Said {
  readonly run: number
  readonly state: string
}

/** Null while the server cannot respond. */
async function sendRequest(
  port: number | undefined,
  path: string,
  method = 'GET',
): Promise<Said | null> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'X-ADMIN-KEY': ADMIN_KEY },
  })
  const body = (await response.json()) as Said
  if (response.status === 503) return null
  assert.ok(response.ok, JSON.stringify(body))
  return body
}

async function runToEnd(port: number | undefined): Promise<string> {
  const { run } = await waitUntil(() => sendRequest(port, '/sync', 'POST'))
  const { state } = await waitUntil(async () => {
    const body = await sendRequest(port, `/runs/${run}`)
    return body?.state !== 'running' && body
  })
  return state
}

test(
  'serve restarts a killed or stopped database on the same port, and its runs succeed',
  { timeout: 120_000 },
  async (t) => {
    const home = await openHome(t)
    const { process: serving, port } = await home.serve()
    const first = await home.server()
    assert.ok(first)

    process.kill(first.pid, 'SIGKILL')
    const second = await home.successor(first)
    assert.equal(second.port, first.port)
    assert.equal(await runToEnd(port), 'succeeded')
    await serving.waitForLine(BACK)
    assertOutages(serving, 1)

    assert.match(
      await home.run('stop'),
      /is stopped\. A running `shelfsync serve` or `shelfsync sync` starts it again/,
    )
    const third = await home.successor(second)
    assert.equal(third.port, first.port)
    assert.equal(await runToEnd(port), 'succeeded')
    assertOutages(serving, 2)

    serving.kill('SIGTERM')
    assert.deepEqual(await serving.exited, { code: 0, signal: null })
    assert.equal(await home.server(), null, 'the process that started it stops it')
  },
)

test(
  'one of several processes restarts a lost database, all continue with it, and none passes on a priority',
  { timeout: 120_000 },
  async (t) => {
    const home = await openHome(t)
    const orchestrator = await home.serve('orchestrator')
    const worker = await home.serve('fetcher', 'maintainer')
    assert.equal(getPriority(worker.process.pid), getPriority())
    assert.equal(await runToEnd(orchestrator.port), 'succeeded')
    const before = await home.server()
    assert.ok(before)
    process.kill(before.pid, 'SIGKILL')
    const after = await home.successor(before)
    assert.deepEqual([after.port, getPriority(after.pid)], [before.port, getPriority()])
    assert.equal(await runToEnd(orchestrator.port), 'succeeded')
  },
)

test(
  'a sync restarts a killed database and succeeds, with one message at the beginning and one at the end',
  { timeout: 120_000 },
  async (t) => {
    const { stallSync, server, successor, simulator } = await openHome(t)
    const sync = await stallSync()
    const before = await server()
    assert.ok(before)
    process.kill(before.pid, 'SIGKILL')
    await successor(before)
    await sync.waitForLine(/The database is reachable again/)
    simulator.faults.clear()
    assert.deepEqual(await sync.exited, { code: 0, signal: null })
    assert.match(sync.output(), /full run 1 succeeded/)
    assertOutages(sync, 1)
    assert.equal(await server(), null, 'the process that started it stops it')
  },
)

test(
  'a sync finds its database again when it is restarted on another port',
  { timeout: 120_000 },
  async (t) => {
    const { home, stallSync, server, successor, simulator } = await openHome(t)
    const sync = await stallSync()
    const before = await server()
    assert.ok(before)
    // The next server takes the port of this file, unless another program has it.
    const options = join(home, 'postgres', 'data', 'postmaster.opts')
    const text = await readFile(options, 'utf8')
    await writeFile(options, text.replace(`port=${before.port}`, `port=${await freePort()}`))
    process.kill(before.pid, 'SIGKILL')
    const after = await successor(before)
    assert.notEqual(after.port, before.port)
    await sync.waitForLine(/The database is reachable again/)
    simulator.faults.clear()
    assert.deepEqual(await sync.exited, { code: 0, signal: null })
    assertOutages(sync, 1)
  },
)
