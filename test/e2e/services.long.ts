// The services as real processes, called by the commands of docs/services.md with a shell and curl.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { constants, getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import {
  FREE_PORTS,
  cleanEnv,
  explainMissingProgram,
  startProcess,
  type Process,
} from '../support/processes.ts'
import { mountDisk, NO_DISKS } from '../support/small-disk.ts'
import { waitUntil } from '../support/wait-until.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const program = join(root, 'bin/shelfsync')
const ADMIN_KEY = 'a-key-for-tests-only-0123456789'
const page = readFileSync(join(root, 'docs/services.md'), 'utf8')

interface Stage {
  readonly env: Readonly<Record<string, string>>
  readonly simulator: Awaited<ReturnType<typeof startMedipim>>
  query<Row>(sql: string): Promise<Row[]>
}

/** A database, a supplier and a source. No process runs yet. */
async function setStage(t: Lifetime): Promise<Stage> {
  const database = await openTestDatabase(t)
  await migrateQueue(database.pool)
  const simulator = await startMedipim({ products: 60, rateLimit: null })
  t.after(simulator.close)
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-services-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const env = cleanEnv({
    DATABASE_URL: database.url,
    SHELFSYNC_HOME: home,
    ADMIN_KEY,
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: '42:secret',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
  })
  await promisify(execFile)(program, ['add', 'medipim', '--no-sync'], { env, cwd: home })
  return {
    env,
    simulator,
    query: async <Row>(sql: string) => (await database.pool.query(sql)).rows as Row[],
  }
}

test(
  'metrics without a key are served to this machine only, wherever the other servers listen',
  { skip: process.platform !== 'linux' && 'needs all of 127.0.0.0/8' },
  async (t) => {
    const stage = await setStage(t)
    const statusAt = async (
      host: string,
      port: number | undefined,
      path: string,
    ): Promise<number | string> =>
      fetch(`http://${host}:${port}${path}`).then(
        ({ status }) => status,
        (error: Error) => String((error.cause as NodeJS.ErrnoException).code),
      )
    const { ports } = await serve(
      t,
      { ...stage, env: { ...stage.env, LISTEN_HOST: '0.0.0.0' } },
      'orchestrator',
    )
    assert.deepEqual(
      [
        await statusAt('127.0.0.2', ports['orchestrator'], '/healthz'),
        await statusAt('127.0.0.1', ports['metrics'], '/metrics'),
      ],
      [200, 200],
    )
    assert.equal(await statusAt('127.0.0.2', ports['metrics'], '/metrics'), 'ECONNREFUSED')
    const metricsOnly = await startProcess(t, program, ['serve', 'scheduler'], {
      env: { ...stage.env, METRICS_HOST: '127.0.0.2' },
    })
    const [, host = '', port] = await metricsOnly.waitForLine(/^metrics +http:\/\/(.*):(\d+)$/)
    assert.deepEqual(
      [
        host,
        await statusAt(host, Number(port), '/metrics'),
        await statusAt('127.0.0.1', Number(port), '/metrics'),
      ],
      ['127.0.0.2', 200, 'ECONNREFUSED'],
    )
  },
)

interface Served {
  readonly process: Process
  readonly ports: Readonly<Record<string, number>>
}

async function serve(t: Lifetime, { env }: Stage, ...roles: string[]): Promise<Served> {
  const process = await startProcess(t, program, ['serve', ...roles, '--json'], { env })
  const [line] = await process.waitForLine(/^\{"serving".*$/)
  const { servers } = JSON.parse(line) as { servers: { name: string; port: number }[] }
  return { process, ports: Object.fromEntries(servers.map(({ name, port }) => [name, port])) }
}

interface Said {
  readonly run: number
  readonly state: string
  readonly broken: readonly string[]
  readonly components: readonly { readonly component: string; readonly detail: string }[]
  readonly progress: { readonly perSecond: number }
}

async function sendRequest(
  port: number | undefined,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Said }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { 'X-ADMIN-KEY': ADMIN_KEY },
    ...init,
  })
  return { status: response.status, body: (await response.json()) as Said }
}

function waitForEnd(port: number | undefined, run: number): Promise<Said> {
  return waitUntil(async () => {
    const { body } = await sendRequest(port, `/runs/${run}`)
    return body.state !== 'running' && body
  })
}

suite('shelfsync serve', () => {
  test('every command of the page works, and its run succeeds', async (t) => {
    const stage = await setStage(t)
    const { ports } = await serve(t, stage)
    const commands =
      [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
        .map(([, code = '']) => code)
        .find((code) => code.includes('curl')) ?? ''
    const here = commands
      .replaceAll('127.0.0.1:3001', `127.0.0.1:${ports['fetcher']}`)
      .replaceAll('127.0.0.1:3002', `127.0.0.1:${ports['maintainer']}`)
      .replaceAll('127.0.0.1:3003', `127.0.0.1:${ports['orchestrator']}`)
      .replaceAll('127.0.0.1:9091', `127.0.0.1:${ports['metrics']}`)
      .replace(
        '3001 3002 3003',
        `${ports['fetcher']} ${ports['maintainer']} ${ports['orchestrator']}`,
      )
    assert.doesNotMatch(here, /:(300[123]|9091)\b/)
    const lines = [...here.matchAll(/^(?:curl|for) .*$/gm)].map(([command]) =>
      explainMissingProgram('jq', 'jq') ? command.replace(/ \| jq .*/, '') : command,
    )
    assert.equal(lines.length, 9)
    const answers: string[] = []
    for (const command of lines) {
      const { stdout } = await promisify(execFile)(
        'sh',
        ['-c', command.replaceAll('curl -s', 'curl -sS --fail-with-body')],
        { env: { ...stage.env, ADMIN_KEY } },
      )
      answers.push(stdout)
    }
    const [
      sync = '',
      full = '',
      status = '',
      progress = '',
      health = '',
      healthz = '',
      ,
      ,
      metrics = '',
    ] = answers
    assert.match(
      sync,
      /^\{"run":1,"runs":\[\{"source":"medipim-au","run":1,"started":true\}\],"status":"\/runs\/1"\}/,
    )
    assert.match(full, /"run":\d+/)
    assert.match(
      status,
      /^\{"state":"\w+","source":"medipim-au","run":\d+,"startedAt":".*","progress":\{"phase":/,
    )
    assert.match(progress, /"phase":/)
    assert.match(health, /^\{"ok":true,"broken":\[\]/)
    assert.equal(healthz, '{"ok":true}'.repeat(3))
    assert.match(metrics, /^shelfsync_build_info\{/m)
    const over = await waitForEnd(ports['orchestrator'], 1)
    assert.equal(over.state, 'succeeded')
  })

  test('three processes with one role each share a run, and a restart loses nothing', async (t) => {
    const stage = await setStage(t)
    const first = await serve(t, stage, 'orchestrator')
    const workers = [await serve(t, stage, 'fetcher'), await serve(t, stage, 'maintainer')]
    const [own, lower] = [
      getPriority(first.process.pid),
      workers.map(({ process: { pid } }) => getPriority(pid)),
    ]
    assert.ok(
      lower.every(
        (priority) => priority >= Math.max(own, constants.priority.PRIORITY_BELOW_NORMAL),
      ),
      'workers have a lower priority than servers',
    )
    assert.equal(own, getPriority())
    const { status, body } = await sendRequest(first.ports['orchestrator'], '/sync', {
      method: 'POST',
    })
    assert.equal(status, 202)
    assert.equal((await waitForEnd(first.ports['orchestrator'], body.run)).state, 'succeeded')
    const before = await sendRequest(first.ports['orchestrator'], '/status')
    first.process.kill('SIGKILL')
    await first.process.exited
    const second = await serve(t, stage, 'orchestrator')
    assert.deepEqual((await sendRequest(second.ports['orchestrator'], '/status')).body, before.body)
    assert.deepEqual(before.body.progress, {
      phase: 'done',
      fetched: 60,
      applied: 60,
      total: 60,
      percent: 100,
      perSecond: before.body.progress.perSecond,
      etaSeconds: null,
      inserted: 60,
      updated: 0,
      skipped: 0,
      quarantined: 0,
      held: 0,
      removed: 0,
    })
  })

  test('/health returns 503 without workers and names what is missing', async (t) => {
    const stage = await setStage(t)
    const { ports } = await serve(t, stage, 'orchestrator')
    const { status, body } = await sendRequest(ports['orchestrator'], '/health')
    assert.deepEqual([status, body.broken], [503, ['fetcher', 'maintainer']])
  })

  test(
    'processes start on a full disk, and /health returns 503 with the reason until there is space',
    { skip: NO_DISKS },
    async (t) => {
      const stage = await setStage(t)
      const disk = await mountDisk(t, { megabytes: 1 })
      await disk.fill()
      const { process, ports } = await serve(t, {
        ...stage,
        env: { ...stage.env, ARTIFACTS: `file:${disk.path}` },
      })
      // Workers that start later than the servers report themselves.
      const artifacts = async () => {
        const { status, body } = await sendRequest(ports['orchestrator'], '/health')
        return {
          status,
          broken: body.broken.includes('artifacts'),
          said: body.components.find(({ component }) => component === 'artifacts')?.detail,
        }
      }
      const { status, broken, said } = await artifacts()
      assert.deepEqual([status, broken], [503, true])
      assert.equal(
        said,
        `artifact/unwritable: Cannot keep artifacts in file:${disk.path}: no space is left on the disk (ENOSPC)`,
      )
      assert.deepEqual(await readdir(disk.path), ['ballast'])
      await disk.free()
      assert.equal((await artifacts()).broken, false)
      assert.deepEqual(await readdir(disk.path), [])
      process.kill('SIGTERM')
      await process.exited
    },
  )

  test('a scheduler alone starts runs that were due while no process ran, and other processes execute them', async (t) => {
    const stage = await setStage(t)
    await stage.query(
      `update catalog.sources set due_at = null, schedule_set_at = now() - interval '2 days'`,
    )
    const scheduler = await serve(t, stage, 'scheduler')
    assert.deepEqual(Object.keys(scheduler.ports), ['metrics'])
    assert.equal((await sendRequest(scheduler.ports['metrics'], '/healthz')).status, 200)
    await serve(t, stage, 'fetcher', 'maintainer')
    await waitUntil(async () => {
      const runs = await stage.query<{ state: string }>('select state from catalog.runs')
      assert.ok(runs.length <= 1, 'begun twice')
      return runs.some(({ state }) => state === 'succeeded')
    })
    scheduler.process.kill('SIGTERM')
    assert.deepEqual(await scheduler.process.exited, { code: 0, signal: null })
  })

  test('two requests start one run; a cancelled run stays cancelled, and the next request starts another', async (t) => {
    const stage = await setStage(t)
    const { ports } = await serve(t, stage, 'orchestrator')
    const order = async () =>
      (await sendRequest(ports['orchestrator'], '/sync', { method: 'POST' })).body.run
    const run = await order()
    assert.equal(await order(), run)
    for (let time = 0; time < 2; time++) {
      const { status, body } = await sendRequest(ports['orchestrator'], `/runs/${run}/cancel`, {
        method: 'POST',
      })
      assert.deepEqual([status, body], [202, { run, state: 'cancelled' }])
    }
    assert.equal((await sendRequest(ports['orchestrator'], `/runs/${run}`)).body.state, 'cancelled')
    assert.equal(
      (await sendRequest(ports['orchestrator'], '/runs/4711/cancel', { method: 'POST' })).status,
      404,
    )
    assert.ok((await order()) > run)
  })

  test('SIGTERM ends an idle process with 0, and no process starts without ADMIN_KEY', async (t) => {
    const stage = await setStage(t)
    const { process } = await serve(t, stage)
    process.kill('SIGTERM')
    assert.deepEqual(await process.exited, { code: 0, signal: null })
    const { ADMIN_KEY: _, ...open } = stage.env
    const refused = await startProcess(t, program, ['serve'], { env: open })
    assert.equal((await refused.exited).code, 1)
    assert.match(refused.output(), /ADMIN_KEY: missing/)
  })

  test('no secret is in the output of a process', async (t) => {
    const stage = await setStage(t)
    const { process, ports } = await serve(t, stage)
    await sendRequest(ports['orchestrator'], '/sync', {
      method: 'POST',
      headers: { 'X-ADMIN-KEY': 'a-wrong-key-that-nobody-may-see' },
    })
    const { body } = await sendRequest(ports['orchestrator'], '/sync', { method: 'POST' })
    await waitForEnd(ports['orchestrator'], body.run)
    process.kill('SIGTERM')
    await process.exited
    for (const secret of [
      ADMIN_KEY,
      'a-wrong-key-that-nobody-may-see',
      '42:secret',
      Buffer.from('42:secret').toString('base64'),
    ]) {
      assert.ok(!process.output().includes(secret))
    }
  })
})
