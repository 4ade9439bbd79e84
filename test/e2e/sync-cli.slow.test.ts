// `shelfsync sync` when a source fails or no source exists: the others continue, and the last line
// is always a report.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { startShopify } from '../../simulators/shopify/server.ts'
import { waitUntil } from '../support/wait-until.ts'
import { openShelfsync, type Shelfsync } from './shelfsync.ts'

/** Adds `count` shops named shop-1, shop-2 …, which are not synced yet. */
async function addShops(t: TestContext, { run }: Shelfsync, count: number) {
  const shops: Awaited<ReturnType<typeof startShopify>>[] = []
  for (let n = 1; n <= count; n++) {
    const shop = await startShopify({ products: n })
    t.after(shop.close)
    const fast = ['--set', 'minIntervalMs=0', '--no-sync']
    const added = await run('add', shop.url, '--name', `shop-${n}`, ...fast)
    assert.equal(added.code, 0, added.stderr)
    shops.push(shop)
  }
  return shops
}

const PRODUCTS = '/products.json'

test('many sources are synced side by side, with a line for each and a table at the end', async (t) => {
  const shelf = await openShelfsync(t)
  const shops = await addShops(t, shelf, 5)
  shops[1]?.faults.set({ kind: 'status', status: 402, path: '/products.json*', times: null })
  const synced = await shelf.run('sync')
  assert.equal(synced.code, 1, synced.stderr)
  const lines = synced.stdout.trimEnd().split('\n')
  for (const n of [1, 2, 3, 4, 5])
    assert.equal(
      lines.filter((line) => line.startsWith(`${n} of 5  shop-`)).length,
      1,
      synced.stdout,
    )
  assert.match(synced.stdout, /shop-5: full run \d+ succeeded in .* s · created \d/)
  assert.match(synced.stderr, /^error: .*\n hint: The shop is closed, by its platform.*\n$/)
  const [, reason = ''] = /^error: (.*)/.exec(synced.stderr) ?? []
  assert.ok(!synced.stdout.includes(reason), synced.stdout)
  const heading = lines.findIndex((line) => /^source +run +state +changes +seconds$/.test(line))
  assert.equal(lines.at(-1), '5 sources: 4 succeeded · 1 failed (shop-2)')
  const table = lines.slice(heading + 1, -1).map((line) => line.split(/ {2,}/).slice(0, 4))
  assert.deepEqual(
    table.map(([name, , state, changes]) => [name, state, Number(changes) > 0]),
    [
      ['shop-1', 'succeeded', true],
      ['shop-2', 'failed', false],
      ['shop-3', 'succeeded', true],
      ['shop-4', 'succeeded', true],
      ['shop-5', 'succeeded', true],
    ],
  )
})

test('no more sources are synced at once than --at-once permits, and Ctrl-C starts no other', async (t) => {
  const shelf = await openShelfsync(t)
  const shops = await addShops(t, shelf, 3)
  for (const shop of shops) shop.faults.set({ kind: 'stall', path: '/products.json*', times: null })
  const countRequests = (n: number): number => shops[n]?.stats.snapshot().requests[PRODUCTS] ?? 0
  const before = [0, 1, 2].map(countRequests)
  const requested = (n: number): boolean => countRequests(n) > (before[n] ?? 0)
  const running = shelf.start('sync', '--at-once', '2')
  await waitUntil(() => requested(0) && requested(1))
  running.child.kill('SIGINT')
  const stopped = await running.result
  assert.equal(stopped.code, 130, stopped.stderr)
  assert.equal(requested(2), false)
  assert.match(stopped.stdout, /^shop-3 +- +not started/m)
})

test('a source that cannot be synced does not stop the next ones', async (t) => {
  const simulator = await startMedipim({ products: 10, rateLimit: null })
  t.after(simulator.close)
  const { run, db } = await openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: '42:secret',
  })
  for (const name of ['a-stranger', 'b-garbled', 'c-good'])
    await run('add', 'medipim', '--name', name, '--no-sync')
  await db.query(`update catalog.sources set connector = 'no-such' where name = 'a-stranger'`)
  await db.query(`update catalog.sources set settings = '{"apiUrl": 7}' where name = 'b-garbled'`)
  const { code, stdout } = await run('sync', '--json')
  assert.equal(code, 1)
  const reports = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    reports.map(({ source, state, code: error }) => [source, state, error]),
    [
      ['a-stranger', 'failed', 'source/no-connector'],
      ['b-garbled', 'failed', 'settings/invalid'],
      ['c-good', 'succeeded', null],
    ],
  )
  assert.match(
    String(reports[0]?.['reason']),
    /The source a-stranger uses the connector no-such, which this version of Shelfsync does not have/,
  )
  assert.match(
    String(reports[1]?.['reason']),
    /The settings of b-garbled in catalog\.sources are not valid: [^]*apiUrl/,
  )
})

test('the last line of sync --json is a report after any failure', async (t) => {
  const { run } = await openShelfsync(t, { MEDIPIM_API_KEY: '42:secret' })
  const idle = await run('sync', '--json')
  assert.equal(idle.code, 0)
  assert.deepEqual(
    [idle.json()['run'], idle.json()['source'], idle.json()['state']],
    [null, null, 'succeeded'],
  )
  assert.match(String(idle.json()['reason']), /No sources yet/)
  const away = await openShelfsync(t, { DATABASE_URL: 'postgres://127.0.0.1:1/nowhere' })
  const wrong = await openShelfsync(t, { LOG_LEVEL: 'shout' })
  for (const [shelf, error] of [
    [{ run }, 'source/unknown'],
    [away, 'db/unreachable'],
    [wrong, 'settings/invalid'],
  ] as const) {
    const failed = await shelf.run('sync', 'nobody', '--json')
    assert.equal(failed.code, 1)
    const { run: id, source, state, code, reason } = failed.json()
    assert.deepEqual(
      [id, source, state, code, typeof reason],
      [null, 'nobody', 'failed', error, 'string'],
    )
  }
})

test('sync --keys names one source, whose connector can fetch by key', async (t) => {
  const { run } = await openShelfsync(t, { MEDIPIM_API_KEY: '42:secret' })
  await run('add', 'medipim', '--name', 'pharmacy', '--no-check')
  const unnamed = await run('sync', '--keys', 'M1')
  assert.match(unnamed.stderr, /--keys needs the name of a source/)
  const unable = await run('sync', 'pharmacy', '--keys', 'M1,M2', '--json')
  assert.deepEqual([unable.code, unable.json()['code']], [1, 'usage/invalid'])
  assert.match(String(unable.json()['reason']), /medipim cannot fetch single products/)
})
