// Services on the embedded database, which is killed or stopped under them: real processes, a real
// postmaster, kill -9.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { findPlace } from '../../src/embedded-postgres/data-directory.ts'
import { findServer, stopServer, type Server } from '../../src/embedded-postgres/server.ts'
import { cleanEnv, startProcess } from '../support/processes.ts'
import { waitUntil } from '../support/wait-until.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const ADMIN_KEY = 'a-key-for-tests-only-0123456789'
const GONE = /the embedded database ended unexpectedly/g

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
    FETCHER_PORT: '0',
    MAINTAINER_PORT: '0',
    ORCHESTRATOR_PORT: '0',
    METRICS_PORT: '0',
    LISTEN_HOST: '127.0.0.1',
  })
  const run = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [MAIN, ...args], { env, cwd: home })).stdout
  await run('add', 'medipim', '--no-sync')
  return {
    run,
    server,
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
    assert.equal(serving.output().match(GONE)?.length, 1)

    assert.match(await home.run('stop'), /is stopped\. A running `shelfsync serve` starts it again/)
    const third = await home.successor(second)
    assert.equal(third.port, first.port)
    assert.equal(await runToEnd(port), 'succeeded')
    assert.equal(serving.output().match(GONE)?.length, 2)

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
