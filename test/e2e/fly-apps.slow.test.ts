// The apps of docs/deploy/fly.md as local processes: the commands of the page with a flyctl that
// records secrets, the environment of the files of deploy/fly, and in place of Fly's proxy a server
// that starts a stopped worker when a request arrives.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseEnv, promisify } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { SECRET_KEY, startStorage } from '../../simulators/storage/server.ts'
import { openPool } from '../../src/db/pool.ts'
import { parseFlyConfig } from '../support/fly-config.ts'
import { readPage } from '../support/pages.ts'
import { cleanEnv, startProcess, type Ended, type Process } from '../support/processes.ts'
import { waitUntil } from '../support/wait-until.ts'
import { openShelfsync } from './shelfsync.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SHELFSYNC = join(ROOT, 'bin/shelfsync')
const ADMIN_KEY = 'a key of 32 characters, for tests'
const PRODUCTS = 300
type App = 'fetcher' | 'maintainer' | 'orchestrator'

/** Follows the page up to the secrets. Returns the secrets of each app. */
async function followPage(t: TestContext): Promise<Record<App, NodeJS.Dict<string>>> {
  const supplier = await startMedipim({
    products: PRODUCTS,
    rateLimit: null,
    keys: [{ id: '42', secret: 'sim-key' }],
  })
  t.after(supplier.close)
  const { run, folder, url } = await openShelfsync(t)
  const storage = await startStorage({ folder: join(folder, 'storage'), port: 0 })
  t.after(storage.close)
  const dotEnv = {
    DATABASE_URL: url,
    SUPABASE_URL: storage.url,
    SUPABASE_SECRET_KEY: SECRET_KEY,
    MEDIPIM_API_URL: supplier.url,
    MEDIPIM_API_KEY_ID: '42',
    MEDIPIM_API_KEY_SECRET: 'sim-key',
    ADMIN_KEY: `"${ADMIN_KEY}"`,
    SYNC_KEY: randomUUID(),
  }
  const lines = Object.entries(dotEnv).map(([name, value]) => `${name}=${value}`)
  await writeFile(join(folder, '.env'), lines.join('\n') + '\n')
  // Roles belong to the whole server, so each test has its own.
  const prefix = `t${randomUUID().slice(0, 8)}`
  t.after(() => dropRoles(url, prefix))
  for (const args of [
    ['migrate'],
    ['logins', '--to', '.env.logins', '--prefix', prefix],
    ['add', 'medipim', '--no-sync'],
  ]) {
    const { code, stdout, stderr } = await run(...args)
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  }
  return stageSecrets(folder)
}

/** Executes the commands of the page for the secrets with a flyctl that records its input. */
async function stageSecrets(folder: string): Promise<Record<App, NodeJS.Dict<string>>> {
  const block = readPage('docs/deploy/fly.md').fences.find(({ code }) =>
    code.startsWith('secrets_of()'),
  )
  const bin = join(folder, 'bin')
  await mkdir(bin)
  const script = `#!/bin/sh\n[ "$1 $2 $3 $4" = "secrets import --stage --app" ] && cat > "$5.secrets"\n`
  await writeFile(join(bin, 'fly'), script, { mode: 0o755 })
  const env = { PATH: `${bin}:${process.env['PATH']}` }
  const { stdout, stderr } = await promisify(execFile)('sh', ['-ec', block?.code ?? 'exit 1'], {
    cwd: folder,
    env,
  })
  assert.deepEqual([stdout, stderr], ['', ''])
  const read = async (app: App) =>
    parseEnv(await readFile(join(folder, `medipim-${app}.secrets`), 'utf8'))
  return {
    fetcher: await read('fetcher'),
    maintainer: await read('maintainer'),
    orchestrator: await read('orchestrator'),
  }
}

/** The database of the test is dropped before. */
async function dropRoles(url: string, prefix: string): Promise<void> {
  const server = Object.assign(new URL(url), { pathname: 'postgres' }).href
  const pool = await openPool(server, { applicationName: 'test', max: 1 })
  for (const kind of ['fetcher', 'maintainer', 'orchestrator'])
    await pool.query(`drop role if exists ${prefix}_${kind}`)
  await pool.end()
}

/** Starts the process of an app with its file and its secrets. */
async function startApp(
  t: TestContext,
  app: App,
  secrets: NodeJS.Dict<string>,
  own: Readonly<Record<string, string>>,
): Promise<Process> {
  const config = parseFlyConfig(await readFile(join(ROOT, `deploy/fly/${app}.toml`), 'utf8'))
  const env = cleanEnv({
    ...config.env,
    ...secrets,
    FLY_APP_NAME: config.app,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    [`${app.toUpperCase()}_PORT`]: '0',
    METRICS_PORT: '0',
    ...own,
  })
  const args = config.processes?.['app']?.split(' ') ?? []
  return startProcess(t, process.execPath, [SHELFSYNC, ...args], { env })
}

/** Starts a stopped worker on a request, and responds when it serves. */
async function openFlycast(t: TestContext, start: () => Promise<Process>, app: App) {
  const ends: Promise<Ended>[] = []
  let running: Promise<unknown> | null = null
  const launch = async (): Promise<void> => {
    const worker = await start()
    ends.push(worker.exited.finally(() => (running = null)))
    await worker.waitForLine(new RegExp(`^${app} +http`))
  }
  const server = createServer((_, response) => {
    running ??= launch()
    void running.then(() => response.end('{"ok":true}'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => void server.close())
  return { ends, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('the orchestrator starts stopped workers for a sync, they exit when it has ended, and each app has only its own secrets', async (t) => {
  const secrets = await followPage(t)
  const names = (app: App) => Object.keys(secrets[app]).toSorted()
  const worker = ['ADMIN_KEY', 'DATABASE_URL', 'SUPABASE_SECRET_KEY', 'SUPABASE_URL']
  assert.deepEqual(names('maintainer'), worker)
  assert.deepEqual(
    names('fetcher'),
    [...worker, 'MEDIPIM_API_KEY_ID', 'MEDIPIM_API_KEY_SECRET'].toSorted(),
  )
  assert.deepEqual(names('orchestrator'), ['ADMIN_KEY', 'DATABASE_URL', 'SYNC_KEY'])

  const exits = { EXIT_WHEN_IDLE_SECONDS: '1' }
  const open = (app: App) => openFlycast(t, () => startApp(t, app, secrets[app], exits), app)
  const [fetchers, maintainers] = [await open('fetcher'), await open('maintainer')]
  const orchestrator = await startApp(t, 'orchestrator', secrets.orchestrator, {
    FETCHER_WAKE_URL: fetchers.url,
    MAINTAINER_WAKE_URL: maintainers.url,
  })
  const [, url = ''] = await orchestrator.waitForLine(/^orchestrator +(http:\S+)/)
  const request = async (method: string, path: string) => {
    const headers = { 'X-ADMIN-KEY': ADMIN_KEY }
    const response = await fetch(new URL(path, url), { method, headers })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  assert.deepEqual([fetchers.ends, maintainers.ends], [[], []])

  const { status, body } = await request('POST', '/sync')
  assert.equal(status, 202, JSON.stringify(body))
  const run = await waitUntil(async () => {
    const { body: found } = await request('GET', `/runs/${String(body['run'])}`)
    return found['state'] === 'running' ? null : found
  })
  assert.equal(run['state'], 'succeeded', JSON.stringify(run))
  assert.equal((run['progress'] as Record<string, unknown>)['inserted'], PRODUCTS)
  for (const { ends } of [fetchers, maintainers])
    assert.deepEqual(await Promise.all(ends), [{ code: 0, signal: null }])
  const health = await waitUntil(async () => {
    const found = await request('GET', '/health')
    return JSON.stringify(found.body).includes('one is started when a task waits') ? found : null
  })
  assert.deepEqual([health.status, health.body['ok']], [200, true], JSON.stringify(health.body))
})
