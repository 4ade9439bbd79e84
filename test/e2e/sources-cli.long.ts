// `shelfsync sources`: a source is moved to another address, renamed and removed.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { startShopify } from '../../simulators/shopify/server.ts'
import { openPool } from '../../src/db/pool.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA } from '../../src/jobs/queues.ts'
import { assertEnded } from './medipim-shelf.ts'
import { openShelfsync, type Shelfsync } from './shelfsync.ts'

async function startShop(t: TestContext, options: Parameters<typeof startShopify>[0]) {
  const shop = await startShopify(options)
  t.after(shop.close)
  return shop
}

async function listStored(folder: string): Promise<string[]> {
  return (await Array.fromAsync(glob('artifacts/**/*.*', { cwd: folder }))).sort()
}

/** Puts a task of the source into the queue, as a run that was cut off leaves it there. */
async function addJob({ db, url }: Shelfsync, source: string): Promise<void> {
  await migrateQueue(db)
  const { rows } = await db.query<{ id: number }>(
    'select id from catalog.sources where name = $1',
    [source],
  )
  const pool = await openPool(url, { applicationName: 'test', searchPath: QUEUE_SCHEMA })
  const queues = await openQueues(pool, null, { onError: assert.fail })
  const task = { sourceId: rows[0]?.id ?? 0, source, run: 1, begunAt: '' }
  await queues.fetch.add('fetch', task)
  await queues.close()
  await pool.end()
}

const FAST = ['--set', 'minIntervalMs=0'] as const

test('a source is removed with its rows, artifacts and jobs, and its neighbour stays', async (t) => {
  const shelf = await openShelfsync(t, { ARTIFACTS_LATEST: 'true' })
  const { run, db, folder } = shelf
  for (const name of ['leaving', 'staying']) {
    const shop = await startShop(t, { products: 4 })
    assertEnded(await run('add', shop.url, '--name', name, ...FAST), 0)
  }
  await addJob(shelf, 'leaving')
  const unasked = await run('sources', 'remove', 'leaving')
  assertEnded(unasked, 64)
  assert.match(
    unasked.stderr,
    /leaving has 4 products, 1 artifact \(.*B\) and 1 open review\. To remove them: shelfsync sources remove leaving --yes/,
  )
  const removed = await run('sources', 'remove', 'leaving', '--yes', '--json')
  assertEnded(removed, 0)
  const { products, artifacts, jobs } = removed.json()
  assert.deepEqual([products, (artifacts as number[]).length, jobs], [4, 1, 1])
  const names = (await db.query('select name from catalog.sources')).rows
  assert.deepEqual(names, [{ name: 'staying' }])
  const stored = await listStored(folder)
  assert.ok(stored.length > 1)
  assert.ok(
    stored.every((file) => file.startsWith('artifacts/staying/')),
    stored.join(),
  )
})

test('artifacts of a removed source stay with --keep-artifacts', async (t) => {
  const { run, folder } = await openShelfsync(t)
  const shop = await startShop(t, { products: 3 })
  assertEnded(await run('add', shop.url, '--name', 'kept', ...FAST), 0)
  const before = await listStored(folder)
  const asked = await run('sources', 'remove', 'kept', '--keep-artifacts')
  assertEnded(asked, 64)
  const [, command = ''] = /To remove them: shelfsync (.*)\n/.exec(asked.stderr) ?? []
  assert.equal(command, 'sources remove kept --yes --keep-artifacts')
  const removed = await run(...command.split(' '))
  assertEnded(removed, 0)
  assert.match(removed.stderr, /its artifacts stay in file:.* under kept\//)
  assert.deepEqual(await listStored(folder), before)
})

test('a source with a running run is neither removed nor renamed', async (t) => {
  const { run, db } = await openShelfsync(t)
  const shop = await startShop(t, { products: 3 })
  assertEnded(await run('add', shop.url, '--name', 'busy', '--no-sync', ...FAST), 0)
  await db.query(
    `select catalog.start_run(id, 'full', null, null, false, 1, 'me', null, '60 s', '1 day', 'test', false, '{}')
     from catalog.sources`,
  )
  for (const args of [
    ['remove', 'busy', '--yes'],
    ['rename', 'busy', 'idle'],
  ]) {
    const refused = await run('sources', ...args)
    assertEnded(refused, 1)
    assert.match(refused.stderr, /Run \d+ of this source is running/)
  }
  const { rows } = await db.query('select name, state from catalog.sources')
  assert.deepEqual(rows, [{ name: 'busy', state: 'active' }])
})

test('a renamed source keeps its artifacts readable and purges them, and names the variables to rename', async (t) => {
  const simulator = await startMedipim({ products: 6, rateLimit: null })
  t.after(simulator.close)
  const { run, folder } = await openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    SECRET_OLD_NAME_API_KEY: '42:secret',
    SECRET_NEW_NAME_API_KEY: '42:secret',
    ARTIFACTS_LATEST: 'true',
  })
  assertEnded(await run('add', 'medipim', '--name', 'old-name'), 0)
  assertEnded(await run('add', 'medipim', '--name', 'taken', '--no-check'), 0)
  assertEnded(await run('sync', 'old-name'), 0)
  assertEnded(await run('sources', 'rename', 'old-name', 'taken'), 1)
  const renamed = await run('sources', 'rename', 'old-name', 'new-name')
  assertEnded(renamed, 0)
  assert.match(renamed.stderr, /artifacts that exist already stay under old-name\//)
  assert.match(
    renamed.stderr,
    /rename 1 variable in the environment or \.env: SECRET_OLD_NAME_API_KEY to SECRET_NEW_NAME_API_KEY/,
  )
  assert.equal(existsSync(join(folder, 'artifacts/old-name/latest.ndjson')), false)
  assert.ok(existsSync(join(folder, 'artifacts/new-name/latest.ndjson')))
  assertEnded(await run('artifacts', 'verify'), 0)
  const replayed = await run('replay', 'new-name', '--json')
  assertEnded(replayed, 0)
  assertEnded(await run('sync', 'new-name', '--full'), 0)
  assertEnded(await run('purge', 'new-name', '--everything'), 0)
  const left = (await listStored(folder)).filter((file) => file.includes('part-'))
  assert.deepEqual(left, [])
})

test('sources set --url moves a shop to an address that its connector recognises, in one write with the schedule', async (t) => {
  const { run } = await openShelfsync(t)
  const [before, after] = [
    await startShop(t, { products: 3 }),
    await startShop(t, { products: 3, currency: 'NZD' }),
  ]
  assertEnded(await run('add', before.url, '--name', 'moving', '--no-sync', ...FAST), 0)
  const wrong = await run('sources', 'set', 'moving', '--url', 'http://127.0.0.1:1')
  assertEnded(wrong, 1)
  const moved = await run(
    'sources',
    'set',
    'moving',
    '--url',
    `${after.url}/collections/all`,
    '--full-on',
    'Monday',
    '--json',
  )
  assertEnded(moved, 0)
  const { settings, schedule } = moved.json() as {
    settings: Record<string, unknown>
    schedule: Record<string, unknown>
  }
  assert.deepEqual([settings['url'], settings['minIntervalMs']], [after.url, 0])
  assert.equal(schedule['fullOn'], 'monday')
  assert.match(moved.stderr, /currency stays .*AUD.*, but the shop states .*NZD/)
  assert.doesNotMatch(moved.stderr, /exist twice/)

  assertEnded(await run('add', before.url, '--name', 'other', '--no-sync', ...FAST), 0)
  const twin = await run('sources', 'set', 'other', '--url', after.url)
  assertEnded(twin, 0)
  assert.match(twin.stderr, /^moving already reads http.*; with other its products exist twice$/m)
})

test('sources set changes nothing when one of its changes is refused', async (t) => {
  const { run, db } = await openShelfsync(t)
  const shop = await startShop(t, { products: 3 })
  assertEnded(await run('add', shop.url, '--name', 'busy', '--no-sync', ...FAST), 0)
  const load = async () =>
    (await db.query('select schedule, settings, policy from catalog.sources')).rows
  const before = await load()
  await db.query(
    `select catalog.start_run(id, 'full', null, null, false, 1, 'me', null, '60 s', '1 day', 'test', false, '{}')
     from catalog.sources`,
  )
  const refused = await run(
    'sources',
    'set',
    'busy',
    '--set',
    'currency=EUR',
    '--zone',
    'Europe/Berlin',
    '--policy',
    'priceFactor=5',
  )
  assertEnded(refused, 1)
  assert.deepEqual(await load(), before)
})
