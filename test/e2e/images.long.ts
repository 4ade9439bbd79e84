// The real `shelfsync serve images` with its own login, on the images of a real sync: killed between
// each upload and its row, it loses nothing and stores nothing twice.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { parseEnv } from 'node:util'
import { startWoocommerce } from '../../simulators/woocommerce/server.ts'
import { openBucket, openImageKit } from '../support/images.ts'
import { dropLogins } from '../support/login.ts'
import { startProcess, cleanEnv, type Process } from '../support/processes.ts'
import { waitUntil } from '../support/wait-until.ts'
import { MAIN, openShelfsync } from './shelfsync.ts'

const PREFIX = `i${process.pid}`

/** A shop that was synced, and the settings of a process for its images. */
async function openShop(t: TestContext, target: Readonly<Record<string, string>>) {
  const shop = await startWoocommerce({ products: 40 })
  t.after(shop.close)
  const shelfsync = await openShelfsync(t, { ARTIFACTS: '' })
  const run = async (...args: readonly string[]) => {
    const result = await shelfsync.run(...args)
    assert.equal(result.code, 0, result.stderr + result.stdout)
    return result
  }
  await run('add', shop.url, '--name', 'shop')
  t.after(() => dropLogins(shelfsync.url, PREFIX))
  const file = join(shelfsync.folder, '.env.logins')
  await run('logins', 'images', '--prefix', PREFIX, '--to', file)
  const { IMAGES_DATABASE_URL = '' } = parseEnv(await readFile(file, 'utf8'))
  const env = cleanEnv({
    ...target,
    DATABASE_URL: IMAGES_DATABASE_URL,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    REQUEST_RATES: 'images=999999/s',
    METRICS_PORT: '0',
  })
  const serve = (own = {}): Promise<Process> =>
    startProcess(t, process.execPath, [MAIN, 'serve', 'images', '--json'], {
      env: { ...env, ...own },
    })
  const count = async (state: string): Promise<number> => {
    const { rows } = await shelfsync.db.query<{ count: number }>(
      'select count(*)::int as count from catalog.images where state = $1',
      [state],
    )
    return rows[0]?.count ?? 0
  }
  return { shop, shelfsync, run, serve, count }
}

test('a process for images that is killed between upload and row loses nothing and stores nothing twice', async (t) => {
  let victim: Process | null = null
  let stored = 0
  const { env, imageKit } = await openImageKit(t, {
    onStored() {
      stored += 1
      if (stored <= 5) victim?.kill('SIGKILL')
    },
  })
  const { shop, shelfsync, serve, count } = await openShop(t, env)
  const total = await count('new')
  assert.ok(total > 20)
  for (let kills = 0; kills < 5; kills++) {
    victim = await serve()
    assert.equal((await victim.exited).signal, 'SIGKILL', victim.output())
    // As if the leases of the killed process had expired.
    await shelfsync.db.query('update catalog.image_channels set leased_until = now()')
  }
  victim = await serve()
  await waitUntil(async () => (await count('stored')) === total)
  const { rows } = await shelfsync.db.query<{ images: number; blobs: number }>(
    `select count(distinct sha256)::int as images, (select count(*)::int from catalog.blobs) as blobs
     from catalog.images`,
  )
  assert.deepEqual(rows, [{ images: imageKit.files.size, blobs: imageKit.files.size }])
  const asked = Object.entries(shop.stats.snapshot().requests).filter(([path]) =>
    path.startsWith('/wp-content/'),
  )
  assert.equal(asked.length, imageKit.files.size)
  // Each kill costs at most one more request.
  assert.ok(asked.reduce((sum, [, times]) => sum + times, 0) <= asked.length + 5)
  victim.kill('SIGTERM')
  assert.deepEqual(await victim.exited, { code: 0, signal: null })
})

test('two processes share the images of a shop, and commands show the state', async (t) => {
  const { env, names } = await openBucket(t)
  const { shop, run, serve, count } = await openShop(t, env)
  const total = await count('new')
  const status = await run('status')
  assert.doesNotMatch(status.stdout + status.stderr, /images/)
  const processes = await Promise.all([serve(), serve()])
  await waitUntil(async () => (await count('stored')) === total)
  const [line = ''] = (await processes[0].waitForLine(/^\{"serving".*$/)) ?? []
  const { servers } = JSON.parse(line) as { servers: { port: number }[] }
  const url = `http://127.0.0.1:${servers[0]?.port}`
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  assert.match(
    await (await fetch(`${url}/metrics`)).text(),
    /^shelfsync_images_total\{result="uploaded"\} \d/m,
  )
  const requests = Object.entries(shop.stats.snapshot().requests).filter(([path]) =>
    path.startsWith('/wp-content/'),
  )
  assert.ok(requests.every(([, times]) => times === 1))
  assert.equal(requests.length, names().length)
  const shown = await run('sources', 'show', 'shop')
  assert.match(shown.stdout, new RegExp(`images +${total} stored · 0 failed · 0 not stored`))
  const listed = await run('images', '--json')
  const { counts } = listed.json() as { counts: { stored: number } }
  assert.equal(counts.stored, names().length)
  await run('images', 'retry')
  for (const one of processes) one.kill('SIGTERM')
  for (const one of processes) assert.deepEqual(await one.exited, { code: 0, signal: null })
  // Without work, a process with this setting ends by itself.
  const idle = await serve({ EXIT_WHEN_IDLE_SECONDS: '1' })
  assert.deepEqual(await idle.exited, { code: 0, signal: null })
})

test('the role needs IMAGES, and a login with its rights', async (t) => {
  const { env } = await openBucket(t)
  const shelfsync = await openShelfsync(t, { METRICS_PORT: '0' })
  const { code, stderr } = await shelfsync.run('serve', 'images')
  assert.equal(code, 1)
  assert.match(stderr, /IMAGES: missing; a process with the role images stores nothing without it/)
  const login = await openShelfsync(t, { METRICS_PORT: '0', ...env })
  t.after(() => dropLogins(login.url, `${PREFIX}x`))
  const file = join(login.folder, '.env.logins')
  await login.run('logins', 'fetcher', '--prefix', `${PREFIX}x`, '--to', file)
  const { FETCHER_DATABASE_URL = '' } = parseEnv(await readFile(file, 'utf8'))
  const refused = await startProcess(t, process.execPath, [MAIN, 'serve', 'images'], {
    env: cleanEnv({ ...env, DATABASE_URL: FETCHER_DATABASE_URL, METRICS_PORT: '0' }),
  })
  assert.equal((await refused.exited).code, 1)
  assert.match(refused.output(), /grant shelfsync_images/)
})
