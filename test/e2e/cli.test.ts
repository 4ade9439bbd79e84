// The command line from outside: its output, its exit code, and the database afterwards.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type MedipimSimulator, startMedipim } from '../../simulators/medipim/simulator.ts'
import { type ShopifySimulator, startShopify } from '../../simulators/shopify/server.ts'
import { RESPONSES } from '../../simulators/shopify/faults.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type CommandResult, openShelfsync, type Shelfsync } from './shelfsync.ts'

const SECRET = 'planted-key-secret'
const STREAM = '/v4/products/stream'

/** A home with one MediPim source that is not synced yet. */
async function withMedipim(
  t: TestContext,
  products: number,
): Promise<Shelfsync & { simulator: MedipimSimulator }> {
  const simulator = await startMedipim({
    products,
    keys: [{ id: '42', secret: SECRET }],
    rateLimit: null,
  })
  t.after(simulator.close)
  const shelf = await openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY_ID: '42',
    MEDIPIM_API_KEY_SECRET: SECRET,
  })
  assertEnded(await shelf.run('add', 'medipim', '--name', 'pharmacy'), 0)
  return { ...shelf, simulator }
}

async function startShop(
  t: TestContext,
  options: Parameters<typeof startShopify>[0],
): Promise<ShopifySimulator> {
  const shop = await startShopify(options)
  t.after(shop.close)
  return shop
}

function assertEnded(ended: CommandResult, code: number): void {
  assert.equal(ended.code, code, `${ended.stdout}\n${ended.stderr}`)
}

function ledgerOf(ended: CommandResult): Record<string, number | null> {
  return ended.json()['ledger'] as Record<string, number | null>
}

test('an Australian MediPim source is due at 03:17 in Sydney, in full on Sundays', async (t) => {
  const { db } = await withMedipim(t, 1)
  const { rows } = await db.query('select schedule from catalog.sources')
  assert.deepEqual(rows, [
    { schedule: { cron: '17 3 * * *', zone: 'Australia/Sydney', fullOn: 'sunday' } },
  ])
})

test('sync --json ends with one line whose keys and their order are documented', async (t) => {
  const shelf = await withMedipim(t, 60)
  const first = await shelf.run('sync', '--json')
  assertEnded(first, 0)
  assert.deepEqual(Object.keys(first.json()).slice(0, 6), [
    'run',
    'source',
    'state',
    'reason',
    'ledger',
    'seconds',
  ])
  assert.deepEqual(Object.keys(ledgerOf(first)).slice(0, 11), [
    'expected',
    'fetched',
    'created',
    'updated',
    'unchanged',
    'older',
    'duplicate',
    'blank',
    'quarantined',
    'held',
    'removed',
  ])
  const { source, state, reason, ledger } = first.json()
  assert.deepEqual(
    { source, state, reason },
    { source: 'pharmacy', state: 'succeeded', reason: null },
  )
  assert.deepEqual(
    [ledgerOf(first)['fetched'], ledgerOf(first)['created']],
    [60, 60],
    JSON.stringify(ledger),
  )
  const again = await shelf.run('sync', 'pharmacy', '--full', '--json')
  assert.deepEqual([ledgerOf(again)['unchanged'], ledgerOf(again)['updated']], [60, 0])
})

test("a command's log lines and run share one correlation id, and each command has another", async (t) => {
  const { run } = await withMedipim(t, 10)
  const seen = new Set<unknown>()
  for (let command = 0; command < 2; command++) {
    const synced = await run('sync', '--full', '--json', '--verbose')
    const logged = synced.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => 'level' in line)
    assert.ok(
      ['request', 'run started', 'run settled'].every((expected) =>
        logged.some(({ message }) => message === expected),
      ),
      synced.stderr,
    )
    const { correlationId } = (
      await run('runs', 'show', String(synced.json()['run']), '--json')
    ).json()
    assert.deepEqual([...new Set(logged.map(({ cid }) => cid))], [correlationId])
    seen.add(correlationId)
  }
  assert.equal(seen.size, 2)
})

test('sync prints its result and speed without secrets, and a wrong key fails with a hint', async (t) => {
  const { run, simulator } = await withMedipim(t, 30)
  const green = await run('sync')
  assertEnded(green, 0)
  assert.match(
    green.stdout,
    /pharmacy: full run \d+ succeeded in .* s\n {2}fetched 30 · created 30 .*removed 0 · missing 0\n {2}.* products\/s · .*B\/s · peak memory \d+ MB/,
  )
  simulator.setKey({ id: '42', secret: 'another' })
  const red = await run('sync', '--verbose')
  assertEnded(red, 1)
  assert.match(red.stderr, /error: .*401.*\n hint: Check the key/)
  assert.doesNotMatch(red.stdout + red.stderr, new RegExp(SECRET))
})

test('a shop is recognised by its address, shown, added and synced', async (t) => {
  const shelf = await openShelfsync(t)
  const shop = await startShop(t, { products: 7, name: 'Saltbush' })
  const added = await shelf.run('add', shop.url)
  assertEnded(added, 0)
  assert.match(added.stdout, /A Shopify shop/)
  assert.equal(added.stdout.match(/^ {2}.* AUD \d+\.\d\d$/gm)?.length, 5)
  assert.match(added.stdout, /Added saltbush\.\nsaltbush: full run \d+ succeeded/)
  const status = await shelf.run('status', '--json')
  const { source, products } = status.json() as {
    source: string
    products: Record<string, number>
  }
  assert.deepEqual([source, products['active']], ['saltbush', 7])
  const taken = await shelf.run('add', shop.url)
  assertEnded(taken, 1)
  assert.match(taken.stderr, /There is already a source named saltbush\n hint: Choose another name/)
  const twin = await shelf.run(
    'add',
    `${shop.url}/collections/all`,
    '--name',
    'twin',
    '--no-sync',
    '--set',
    'minIntervalMs=5',
    '--json',
  )
  assertEnded(twin, 0)
  assert.match(
    twin.stderr,
    /The whole shop is added, not only \/collections\/all[^]*saltbush already reads http:/,
  )
  assert.equal((twin.json()['settings'] as Record<string, unknown>)['minIntervalMs'], 5)
})

test('a source that cannot be added is not stored, and the error states the reason', async (t) => {
  const shelf = await openShelfsync(t, { ALLOW_PRIVATE_HOSTS: '127.0.0.1' })
  const shop = await startShop(t, { products: 3 })
  const refusals: [set: () => void, address: string, words: RegExp][] = [
    [
      () => shop.faults.set({ ...RESPONSES.challenge, path: '/products.json*', times: null }),
      shop.url,
      /bot challenge/,
    ],
    [
      () => shop.faults.set({ ...RESPONSES.password, path: '/products.json*', times: null }),
      shop.url,
      /password/,
    ],
    [
      () => undefined,
      'http://192.168.0.1',
      /192\.168\.0\.1 is refused: the range "private" is not public\n hint: /,
    ],
  ]
  for (const [set, address, words] of refusals) {
    shop.faults.clear()
    set()
    const refused = await shelf.run('add', address)
    assertEnded(refused, 1)
    assert.match(refused.stderr, words)
  }
  const { rowCount } = await shelf.db.query('select from catalog.sources')
  assert.equal(rowCount, 0)
})

test('a catalogue that shrinks too much is held with exit code 2 until a person approves', async (t) => {
  const { run, db, simulator } = await withMedipim(t, 60)
  assertEnded(await run('sync'), 0)
  simulator.catalogue.remove({ count: 30 })
  const held = await run('sync', '--full', '--json')
  assertEnded(held, 2)
  assert.equal(held.json()['state'], 'held')
  assert.match(String(held.json()['reason']), /of 60 products are missing/)
  const id = String(held.json()['run'])
  assert.match((await run('status')).stdout, new RegExp(`run ${id} is held`))
  const shown = await run('runs', 'show', id)
  assert.match(shown.stdout, /approving +30 products removed · no price changed · /)
  assert.match(shown.stdout, /decide +shelfsync runs approve/)
  assert.match((await run('reviews')).stdout, /the whole run: 30 products removed · /)
  const refused = await run('runs', 'approve', id, '--by', 'ann')
  assertEnded(refused, 64)
  assert.match(refused.stdout, /^Approving run \d+: 30 products removed · no price changed · /)
  const [, command = ''] = /Confirm with --yes: shelfsync (.*)\n/.exec(refused.stderr) ?? []
  assert.match(command, new RegExp(`^runs approve ${id} --seen ${id}:1 --yes --by ann$`))
  const [review = ''] = (
    await db.query("select id from catalog.reviews where kind = 'run'")
  ).rows.map((row: { id: number }) => String(row.id))
  const blind = await run('reviews', 'approve', review)
  assertEnded(blind, 64)
  assert.match(blind.stderr, new RegExp(`See what it would change.*: shelfsync runs approve ${id}`))
  assert.equal(
    (await db.query("select from catalog.products where status = 'removed'")).rowCount,
    0,
  )

  const diff = await run('runs', 'diff', id, '--limit', '29')
  assert.match(diff.stdout, /^removed +M\w+ .* AUD \d+\.\d\d /m)
  assert.match(
    diff.stdout,
    new RegExp(
      `^Approve all pages of this version: shelfsync runs approve ${id} --seen ${id}:1$`,
      'm',
    ),
  )
  const [, after = ''] = /--after (\S+)$/m.exec(diff.stdout) ?? []
  const { items, next, version } = (
    await run('runs', 'diff', id, '--limit', '29', '--after', after, '--json')
  ).json()
  assert.deepEqual([(items as unknown[]).length, next, version], [1, null, `${id}:1`])
  assertEnded(await run('runs', 'diff', id, '--after', 'ZGlmZjo3'), 64)

  const approved = await run(...command.split(' '), '--by', 'tester', '--json')
  assertEnded(approved, 0)
  const { rows } = await db.query(
    "select count(*) as removed from catalog.products where status = 'removed'",
  )
  assert.deepEqual([approved.json()['removed']], [rows[0]?.removed])
  assert.ok(Number(rows[0]?.removed) > 20)
  const twice = await run('runs', 'approve', id)
  assertEnded(twice, 1)
  assert.match(twice.stderr, /is succeeded, not held: tester approved it at 20/)
  const [decision] = (await db.query("select decided_by from catalog.reviews where kind = 'run'"))
    .rows
  assert.equal(decision.decided_by, 'tester')
})

test('a held run that a person rejects removes nothing and ends', async (t) => {
  const { run, db, simulator } = await withMedipim(t, 60)
  assertEnded(await run('sync'), 0)
  simulator.catalogue.remove({ share: 0.5 })
  const id = (await run('sync', '--full', '--json')).json()['run']
  const unasked = await run('runs', 'reject', String(id), '--by', 'tester')
  assert.equal(unasked.code, 64)
  assert.match(
    unasked.stderr,
    new RegExp(
      `^error: Nothing was rejected, .*: shelfsync runs reject ${String(id)} --yes --by tester\n`,
    ),
  )
  const rejected = await run('runs', 'reject', String(id), '--yes', '--by', 'tester', '--json')
  assertEnded(rejected, 0)
  assert.deepEqual(rejected.json(), { run: id, state: 'rejected', removed: 0 })
  const { rows } = await db.query(
    `select r.state, v.state as review, v.decided_by, (select count(*) from catalog.products where status <> 'removed') as products
    from catalog.runs r join catalog.reviews v on v.run_id = r.id and v.kind = 'run' where r.id = $1`,
    [id],
  )
  assert.deepEqual(rows, [
    { state: 'rejected', review: 'rejected', decided_by: 'tester', products: 60 },
  ])
  assert.deepEqual((await run('reviews', '--json')).json()['items'], [])
  const late = await run('runs', 'approve', String(id))
  assertEnded(late, 1)
  assert.match(late.stderr, /is rejected, not held: tester rejected it at 20/)
})

test("held prices are listed, and become current or are dropped by a person's decision", async (t) => {
  const { run, db, simulator } = await withMedipim(t, 80)
  await run('sync')
  const priced = simulator.catalogue
    .visible()
    .filter((state) => Number(simulator.catalogue.build(state, '').publicPrice) > 0)
  const [dear = '', dropped = ''] = priced.map((state) => simulator.catalogue.idOf(state))
  for (const id of [dear, dropped]) simulator.catalogue.setPrice([id], { factor: 20 })
  const repriced = await run('sync', '--json')
  assertEnded(repriced, 0)
  assert.equal(ledgerOf(repriced)['held'], 2)
  const { items: listed } = JSON.parse((await run('reviews', '--json')).stdout) as {
    items: {
      id: number
      product: string
      priceType: string
      detail: { from: number; to: number }
    }[]
  }
  const find = (product: string) =>
    listed.find((review) => review.product === product && review.priceType === 'public')
  const partly = await run('reviews', 'approve', '999999', String(find(dear)?.id))
  assertEnded(partly, 1)
  assert.equal(partly.stdout, '1 review approved.\n')
  assert.match(partly.stderr, /^error: Review 999999 does not exist\n/)
  assertEnded(await run('reviews', 'reject', String(find(dropped)?.id)), 0)
  const { rows } = await db.query<{ product: string; amount_minor: number }>(
    `select product_external_id as product, amount_minor from catalog.prices where price_type = 'public' and state = 'current' and product_external_id = any ($1)`,
    [[dear, dropped]],
  )
  const current = new Map(rows.map(({ product, amount_minor }) => [product, amount_minor]))
  assert.deepEqual(
    [current.get(dear), current.get(dropped)],
    [find(dear)?.detail.to, find(dropped)?.detail.from],
  )
  const late = await run('reviews', 'reject', String(find(dear)?.id))
  assertEnded(late, 1)
  assert.equal(late.stdout, '')
  assert.match(late.stderr, /^error: Review \d+ is not open: \S+ approved it at \d.* UTC\n/)
  assertEnded(await run('reviews', 'approve'), 64)
})

test('a replay applies the quarantined records that are valid now and keeps the rest', async (t) => {
  const { run, db, simulator } = await withMedipim(t, 150)
  const [good = '', bad = ''] = simulator.catalogue
    .visible()
    .map((state) => simulator.catalogue.idOf(state))
  simulator.faults.set({
    kind: 'patch',
    ids: [bad],
    patch: { publicPrice: 'ask us' },
    path: STREAM,
  })
  const synced = await run('sync', '--json')
  assertEnded(synced, 0)
  assert.equal(ledgerOf(synced)['quarantined'], 1)
  const { items: listed } = JSON.parse((await run('quarantine', '--json')).stdout) as {
    items: {
      product: string
      line: number
      byteOffset: number
    }[]
  }
  assert.deepEqual(
    listed.map(({ product }) => product),
    [bad],
  )
  // As if an older normaliser had refused a valid record.
  await db.query(
    `insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length, external_id, rule, message, raw)
     select source_id, run_id, artifact_run, part_no, line_no + 1000, byte_offset, byte_length, $1, rule, message, raw from catalog.quarantine`,
    [good],
  )
  // A record of an older run that failed in the middle of its fetch.
  await db.query(`
    with failed as (
      insert into catalog.runs (source_id, kind, state, correlation_id, artifact_run, normaliser_version, first_load)
        select source_id, 'full', 'failed', 'test', 0, 1, false from catalog.runs returning source_id, id),
    own as (insert into catalog.artifacts (source_id, run_id) select * from failed)
    insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length, rule, message, raw)
      select source_id, id, id, 1, 1, 0, 1, 'record/unreadable', 'invalid JSON', '' from failed`)
  const replayed = await run('quarantine', 'replay', 'pharmacy', '--json')
  assertEnded(replayed, 0)
  assert.deepEqual(replayed.json(), { source: 'pharmacy', replayed: 1, open: 2 })
  assert.match(replayed.stderr, /The fetch of run \d+ did not end: its records stay in quarantine/)
  const { rows } = await db.query(
    "select external_id from catalog.quarantine where state = 'open' order by id",
  )
  assert.deepEqual(rows, [{ external_id: bad }, { external_id: null }])
})

test('a replay applies the artifact of the latest complete run or of the named one, without a request to the supplier', async (t) => {
  const { run, db, simulator } = await withMedipim(t, 40)
  const full = (await run('sync', '--json')).json()['run']
  simulator.clock.advance(3_600_000)
  const [changed = ''] = simulator.catalogue.update({ count: 1 })
  const since = new Date(simulator.clock.nowMs() - 60_000).toISOString()
  assert.equal(ledgerOf(await run('sync', 'pharmacy', '--since', since, '--json'))['updated'], 1)
  const requestsBefore = simulator.stats.snapshot().requests[STREAM]
  // As if an older normaliser had read the titles differently.
  await db.query(
    `update catalog.products set title = 'as it was read before', record_hash = sha256(record_hash), content_hash = sha256(content_hash)`,
  )
  const titles = async () =>
    (
      await db.query(
        "select count(*) as old from catalog.products where title = 'as it was read before'",
      )
    ).rows[0]?.old
  const latest = await run('replay', 'pharmacy', '--json')
  assertEnded(latest, 0)
  assert.deepEqual(
    [
      latest.json()['kind'],
      latest.json()['state'],
      ledgerOf(latest)['fetched'],
      ledgerOf(latest)['updated'],
    ],
    ['replay', 'succeeded', 1, 1],
  )
  assert.equal(await titles(), 39)
  const named = await run('replay', 'pharmacy', '--run', String(full), '--json')
  assertEnded(named, 0)
  assert.deepEqual(
    [
      ledgerOf(named)['fetched'],
      ledgerOf(named)['updated'],
      ledgerOf(named)['older'],
      ledgerOf(named)['removed'],
    ],
    [40, 39, 1, 0],
  )
  assert.equal(await titles(), 0)
  assert.equal(
    (
      await db.query(
        'select from catalog.products where external_id = $1 and source_updated_at > $2',
        [changed, since],
      )
    ).rowCount,
    1,
  )
  assert.equal(simulator.stats.snapshot().requests[STREAM], requestsBefore)
})

test('artifacts are printed unchanged and verified, a damaged byte is reported, and purged artifacts are gone', async (t) => {
  const { run, start, folder } = await withMedipim(t, 300)
  const id = String((await run('sync', '--json')).json()['run'])
  const printed = await run('artifacts', 'cat', id)
  assertEnded(printed, 0)
  const lines = printed.stdout.trimEnd().split('\n')
  assert.deepEqual(
    [lines.length, JSON.parse(lines[299] ?? '').meta],
    [300, { total: 300, index: 299 }],
  )
  const early = start('artifacts', 'cat', id)
  await once(early.child.stdout ?? early.child, 'data')
  early.child.stdout?.destroy()
  assertEnded(await early.result, 0)

  assertEnded(await run('artifacts', 'verify', id), 0)
  const [part = ''] = await Array.fromAsync(glob('artifacts/**/part-*', { cwd: folder }))
  const bytes = await readFile(join(folder, part))
  await writeFile(
    join(folder, part),
    Buffer.concat([bytes.subarray(0, 100), Buffer.from('x'), bytes.subarray(101)]),
  )
  const damaged = await run('artifacts', 'verify', '--json')
  assertEnded(damaged, 1)
  assert.equal(damaged.json()['ok'], false)
  assertEnded(await run('artifacts', 'cat', id), 1)

  const kept = await run('purge', '--keep', '0')
  assertEnded(kept, 0)
  assert.match(
    kept.stdout,
    new RegExp(`^pharmacy: nothing to purge; the catalogue can be rebuilt from run ${id}\n$`),
  )
  assertEnded(await run('purge', '--everything'), 64)
  assert.deepEqual(
    (await run('purge', 'pharmacy', '--everything', '--dry-run', '--json')).json()['runs'],
    [Number(id)],
  )
  assert.equal((await Array.fromAsync(glob('artifacts/**/*.*', { cwd: folder }))).length, 2)
  assertEnded(await run('purge', 'pharmacy', '--everything'), 0)
  assert.deepEqual(await Array.fromAsync(glob('artifacts/**/*.*', { cwd: folder })), [])
  const replay = await run('replay', 'pharmacy', '--run', id)
  assertEnded(replay, 1)
  assert.match(replay.stderr, /The artifact of run \d+ of \S+ has been purged/)
})

test('a successful run purges artifacts beyond ARTIFACTS_KEEP', async (t) => {
  const { url, close } = await startMedipim({ products: 20, rateLimit: null })
  t.after(close)
  const { run, folder } = await openShelfsync(t, {
    MEDIPIM_API_URL: url,
    MEDIPIM_API_KEY: '42:secret',
    ARTIFACTS_KEEP: '2',
    ARTIFACTS_LATEST: 'true',
  })
  await run('add', 'medipim')
  await mkdir(join(folder, 'artifacts/medipim-au/latest.ndjson/in-the-way'), { recursive: true })
  for (let i = 0; i < 3; i++) assertEnded(await run('sync', '--full'), 0)
  const { items: listed } = JSON.parse((await run('artifacts', '--json')).stdout) as {
    items: {
      state: string
      latest: boolean
    }[]
  }
  assert.deepEqual(
    listed.map(({ state, latest }) => [state, latest]),
    [
      ['closed', true],
      ['closed', false],
      ['purged', false],
    ],
  )
  assert.match(
    (await run('status')).stdout,
    /^medipim-au: latest\.ndjson could not be written \(it does not exist yet\): artifact\/unwritable: /m,
  )
})

for (const signal of ['SIGINT', 'SIGHUP'] as const) {
  test(`${signal} stops cleanly with exit code 130, starts no other source, and the next sync resumes the run`, async (t) => {
    const { run, start, db, simulator } = await withMedipim(t, 300)
    assertEnded(await run('add', 'medipim', '--name', 'z-last'), 0)
    simulator.faults.set({ kind: 'stall', afterLines: 200, path: STREAM })
    const running = start('sync', '--json')
    await waitUntil(() => (simulator.stats.snapshot().requests[STREAM] ?? 0) > 0)
    running.child.kill(signal)
    const stopped = await running.result
    assertEnded(stopped, 130)
    assert.deepEqual([stopped.json()['state'], stopped.json()['code']], ['failed', 'run/cancelled'])
    assert.match(stopped.stderr, /stopping after this batch; the next sync resumes/)
    const { rows } = await db.query('select id, state from catalog.runs')
    assert.deepEqual(rows, [{ id: stopped.json()['run'], state: 'interrupted' }])
    simulator.faults.clear()
    const resumed = await run('sync', 'pharmacy', '--json')
    assertEnded(resumed, 0)
    assert.deepEqual(
      [resumed.json()['run'], resumed.json()['resumed'], ledgerOf(resumed)['created']],
      [rows[0]?.id, true, 300],
    )
  })
}

test('a second Ctrl-C ends the process at once', async (t) => {
  const { start, db, simulator } = await withMedipim(t, 50)
  simulator.faults.set({ kind: 'stall', afterLines: 20, path: STREAM })
  const running = start('sync')
  await waitUntil(() => (simulator.stats.snapshot().requests[STREAM] ?? 0) > 0)
  // The data that has arrived cannot be written now, so a clean stop never completes.
  const client = await db.connect()
  await client.query(
    'begin; lock table catalog.parts in access exclusive mode; lock table catalog.artifacts in access exclusive mode',
  )
  running.child.kill('SIGINT')
  await running.waitForOutput('stopping after this batch')
  running.child.kill('SIGINT')
  assertEnded(await running.result, 130)
  client.release(true)
})

test('a line every few seconds reports progress, in a pipe and as JSON', async (t) => {
  const { start, simulator } = await withMedipim(t, 100)
  for (const [flags, words] of [
    [[], 'pharmacy: fetched '],
    [['--json'], '"source":"pharmacy","phase":"fetch"'],
  ] as const) {
    simulator.faults.set({ kind: 'stall', afterLines: 50, path: STREAM })
    const running = start('sync', ...flags)
    await running.waitForOutput(words)
    running.child.kill('SIGINT')
    assertEnded(await running.result, 130)
  }
})

test('sources are changed, paused and resumed, and every usage error has exit code 64', async (t) => {
  const { run } = await withMedipim(t, 10)
  const set = await run(
    'sources',
    'set',
    'pharmacy',
    '--schedule',
    '5 4 * * *',
    '--zone',
    'Europe/Berlin',
    '--full-on',
    'none',
    '--policy',
    'removalShare=0.2',
    '--json',
  )
  assertEnded(set, 0)
  assert.deepEqual(set.json()['schedule'], {
    cron: '5 4 * * *',
    zone: 'Europe/Berlin',
    fullOn: 'none',
  })
  assert.match(
    (await run('sources', 'set', 'pharmacy', '--full-on', 'every')).stdout,
    /^pharmacy: 5 4 \* \* \* Europe\/Berlin, full on every day$/m,
  )
  assert.equal((set.json()['policy'] as Record<string, unknown>)['removalShare'], 0.2)
  assertEnded(await run('sources', 'pause', 'pharmacy'), 0)
  const paused = await run('sync', 'pharmacy', '--json')
  assertEnded(paused, 1)
  assert.deepEqual(
    [paused.json()['run'], paused.json()['state'], paused.json()['code']],
    [null, 'failed', 'source/paused'],
  )
  assert.match((await run('sync')).stdout, /^Nothing to sync: pharmacy is paused\.$/m)
  for (const list of ['runs', 'reviews', 'quarantine', 'artifacts'])
    assert.match((await run(list, '--source', 'nobody')).stderr, /Source nobody does not exist/)
  assert.match(
    (await run('sync', 'pharmcy')).stderr,
    /^error: Source pharmcy does not exist; did you mean pharmacy\?\n hint: /,
  )
  assert.match((await run('reviews', '--run', '77')).stderr, /Run 77 does not exist/)
  assertEnded(await run('sources', 'resume', 'pharmacy'), 0)
  for (const wrong of [
    ['bogus'],
    ['sync', '--since', 'soon'],
    ['sync', '--full', '--since', '2026-01-01'],
    ['sources', 'set', 'pharmacy', '--policy', 'removalShare=2'],
    ['sources', 'set', 'pharmacy', '--schedule', '99 * * * *'],
    ['sources', 'set', 'pharmacy', '--zone', 'Mars/Base'],
    ['runs', 'show', 'x'],
    ['runs', '--state', 'bogus'],
    ['add', 'no-address'],
    ['add', 'ftp://shop.example'],
    ['add', 'https://shop.example', '--market', 'au'],
    ['publish', '--revoke'],
    ['add', 'shopify'],
    ['add', 'medipim', '--set', 'market=zz'],
  ]) {
    assertEnded(await run(...wrong), 64)
  }
})

test('a source that would send its key to another host or unencrypted is refused by add and set', async (t) => {
  const { run } = await withMedipim(t, 1)
  for (const address of ['https://api.medipim.example', 'http://api.au.medipim.com']) {
    for (const command of [
      ['add', 'medipim', '--name', 'other', '--api-url', address],
      ['sources', 'set', 'pharmacy', '--set', `apiUrl=${address}`],
    ]) {
      const refused = await run(...command)
      assertEnded(refused, 1)
      assert.match(refused.stderr, /is not sent to .*(MEDIPIM_HOSTS|use https)/)
    }
  }
  assert.deepEqual((await run('sources')).stdout.match(/^(pharmacy|other)/gm), ['pharmacy'])
})

test('a database that lacks migrations is not changed until migrate updates it', async (t) => {
  const { run } = await openShelfsync(t, {}, { migrations: [] })
  const refused = await run('status')
  assertEnded(refused, 1)
  assert.match(refused.stderr, /lacks \d+ migrations.*\n hint: Run `shelfsync migrate`;/)
  const doctor = await run('doctor')
  assertEnded(doctor, 1)
  assert.match(doctor.stdout, /fail +migrations/)
  const migrated = await run('migrate')
  assertEnded(migrated, 0)
  assert.match(
    migrated.stdout,
    /\nApplied \d+ migrations\.\nThe tables of the queue were created\.\n$/,
  )
  const again = 'The database is up to date.\nThe tables of the queue are up to date.\n'
  assert.equal((await run('migrate')).stdout, again)
  assertEnded(await run('doctor'), 0)
  assertEnded(await run('status'), 0)
})

test('plan shows the changes of a sync and changes nothing', async (t) => {
  const { run, db, simulator } = await withMedipim(t, 40)
  await run('sync')
  const [changed = ''] = simulator.catalogue.update({ count: 1 })
  const planned = await run('plan', 'pharmacy', '--json')
  assertEnded(planned, 0)
  assert.deepEqual(planned.json()['changes'], { updated: 1 })
  assert.match(planned.stdout, new RegExp(`"externalId":"${changed}","kind":"updated"`))
  assert.equal((await db.query("select from catalog.changes where kind = 'updated'")).rowCount, 0)
})
