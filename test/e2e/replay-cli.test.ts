// Artifacts are replayed at the command line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STREAM, withMedipim, assertEnded, ledgerOf } from './medipim-shelf.ts'

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
