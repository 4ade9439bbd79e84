// The command line from outside: its output, its exit code, and the database afterwards.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECRET, STREAM, withMedipim, assertEnded, ledgerOf } from './medipim-shelf.ts'
import { openShelfsync } from './shelfsync.ts'

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
      ['supplier request', 'run started', 'run settled'].every((expected) =>
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
