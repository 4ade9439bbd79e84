// `shelfsync quarantine` from outside: the reason, the bytes, the place and the next step of a record.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPharmacy, runPrinted } from './pharmacy.ts'

const STREAM = '/v4/products/stream'
const PADDING = 'x'.repeat(100_000)

test('quarantine lists the reason first, and show prints the reason, the bytes and the command that finds the line', async (t) => {
  const pharmacy = await openPharmacy(t)
  const { simulator, ids, print, sync } = pharmacy
  const [bad = '', long = ''] = ids
  const fault = { kind: 'patch', path: STREAM, times: null } as const
  simulator.faults.set(
    { ...fault, ids: [bad], patch: { publicPrice: 'ask \u001b[31mus' } },
    { ...fault, ids: [long], patch: { publicPrice: 'ask us', padding: PADDING } },
  )
  const run = await sync()
  const list = await print('quarantine')
  assert.match(list, /^record +source +product +reason +rule +where\n/)
  assert.match(list, new RegExp(`^1|2 +pharmacy +${bad} +.*publicPrice.* run ${run}, part 1`, 'm'))
  assert.match(list, /\nShow the reason in full and the bytes: shelfsync quarantine show RECORD\n$/)
  assert.match(
    await print('quarantine', '--limit', '1'),
    /^1 of 2: shelfsync quarantine --limit 1 --after \S+$/m,
  )

  const { items } = JSON.parse(await print('quarantine', '--json')) as {
    items: { id: number; product: string; reason: string }[]
  }
  const idOf = (product: string) => String(items.find((item) => item.product === product)?.id)
  const shown = await print('quarantine', 'show', idOf(bad))
  const [, reason] = /^ {2}reason {6}(.*)$/m.exec(shown) ?? []
  assert.match(reason ?? '', /publicPrice/)
  assert.doesNotMatch(reason ?? '', /part 1/)
  assert.match(
    shown,
    / {2}rule {8}record\/invalid\n {2}product {5}\S+; shelfsync explain pharmacy /,
  )
  assert.match(
    shown,
    / {2}state {7}open: .*\n {2}next .*\n {2}next .* shelfsync quarantine replay pharmacy\n/,
  )
  assert.match(shown, new RegExp(String.raw`where {7}run ${run}, part 1, line \d+, byte \d+\n`))
  assert.match(
    shown,
    /bytes {7}\S+ bytes, .*; all of them: shelfsync quarantine show \d+ --raw\n\n\{.*ask \\u001b\[31mus.*…\n$/,
  )
  const found = await runPrinted(pharmacy, / {2}find it {5}(.*)$/m.exec(shown)?.[1])
  assert.equal((JSON.parse(found) as { result: { id: string } }).result.id, bad)
  assert.equal(await print('quarantine', 'show', idOf(bad), '--raw'), found)

  const cut = await print('quarantine', 'show', idOf(long))
  const length = /bytes {7}(\S+) bytes, 10\d KB; all of them: (.*)\n/.exec(cut)
  assert.ok(cut.length < 4000, 'a long record is cut')
  const whole = await runPrinted(pharmacy, length?.[2])
  assert.equal(Buffer.byteLength(whole) - 1, Number(length?.[1]?.replaceAll(',', '')))
  assert.ok(whole.includes(PADDING))
})

test('show states the run that superseded, resolved or replayed a quarantined record', async (t) => {
  const { simulator, ids, print, sync, db, run: runAny } = await openPharmacy(t)
  const [bad = ''] = ids
  await sync()
  simulator.faults.set({
    kind: 'patch',
    path: STREAM,
    ids: [bad],
    patch: { publicPrice: 'ask us' },
    times: 2,
  })
  const first = await sync()
  const second = await sync()
  const third = await sync()
  const { rows } = await db.query<{ id: number; artifact_run: number }>(
    'select id, artifact_run from catalog.quarantine order by id',
  )
  assert.deepEqual(
    rows.map(({ artifact_run: run }) => run),
    [first, second],
  )
  const [older, newer] = rows.map(({ id }) => String(id))
  const superseded = await print('quarantine', 'show', older ?? '')
  assert.match(superseded, new RegExp(`state {7}superseded: run ${second} has a newer record`))
  assert.match(superseded, new RegExp(`next .*: shelfsync quarantine show ${newer}\n`))
  assert.match(
    await print('quarantine', 'show', newer ?? ''),
    new RegExp(`state {7}resolved: run ${third} had the product without an error\n`),
  )
  // As if an older version had refused a valid record.
  const { rows: refused } = await db.query<{ id: number }>(
    `insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length, external_id, rule, message, raw)
     select source_id, run_id, run_id, part_no, line_no, 0, 2, external_id, 'record/invalid', 'refused', '{}' from catalog.products
     where external_id = $1 returning id`,
    [ids[1]],
  )
  await print('quarantine', 'replay', 'pharmacy')
  const replayed = await print('quarantine', 'show', String(refused[0]?.id))
  assert.match(replayed, /reason {6}refused\n/)
  assert.match(replayed, /state {7}replayed: run \d+ applied this line\n/)
  const unknown = await runAny('quarantine', 'show', '999')
  assert.equal(unknown.code, 1)
  assert.match(
    unknown.stderr,
    /error: Quarantined record 999 does not exist\n hint: .*shelfsync quarantine/,
  )
})
