// Purging on a real Postgres with folders as stores: an interrupted purge, and a purge of artifacts
// that are in another store.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { onNthPass, type Failpoint, watchQueries } from '../../test/faults/failpoints.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { type TestPipeline } from '../../test/support/pipeline.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { DiskStore } from '../artifacts/stores/disk.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import { SyncError } from '../core/errors.ts'
import { openPool } from '../db/pool.ts'
import { purgeSource } from './purge.ts'

const database = await openTestDatabase()

async function openArchive(t: TestContext) {
  const { pipeline, supplier } = await openToy(t, { db: database.pool })
  const other = await mkdtemp(join(tmpdir(), 'shelfsync-moved-'))
  t.after(() => rm(other, { recursive: true }))
  return {
    pipeline,
    supplier,
    moved: new DiskStore(other),
    purge: async (
      overrides: { store?: ArtifactStore; db?: typeof database.pool; dryRun?: boolean } = {},
      keep = 1,
    ) =>
      await purgeSource(
        { ...pipeline.tools, ...overrides },
        await pipeline.source(),
        keep,
        overrides,
      ),
    states: async () =>
      (
        await pipeline.query<{ state: string }>(
          'select state from catalog.artifacts where source_id = $1 order by run_id',
          (await pipeline.source()).id,
        )
      ).map(({ state }) => state),
    warnings: () => pipeline.logged.filter((text) => text.includes('are not in this store')),
  }
}

async function countObjects(store: ArtifactStore): Promise<number> {
  return (await Array.fromAsync(store.list(''))).length
}

test('artifacts in another store are not purged, even when this store has later runs: one warning reports them, until they are purged there', async (t) => {
  const { pipeline, moved, purge, states, warnings } = await openArchive(t)
  const runs = [(await pipeline.sync()).run, (await pipeline.sync()).run]
  const before = await countObjects(pipeline.tools.store)
  const tools = { store: moved }
  const { run } = await pipeline.sync({ tools })
  for (const dryRun of [true, false]) {
    assert.deepEqual(await purge({ store: moved, dryRun }), {
      source: pipeline.name,
      runs: [],
      storedBytes: 0,
      elsewhere: runs.toReversed(),
      rebuild: [run],
    })
  }
  assert.deepEqual(await states(), ['closed', 'closed', 'closed'])
  assert.equal(warnings().length, 2, 'one from each purge')
  assert.match(
    warnings()[1] ?? '',
    new RegExp(`runs ${runs[1]}, ${runs[0]} .*Was ARTIFACTS changed\\? Copy them`),
  )
  const { error } = await pipeline.replay(runs[0] ?? 0, { tools })
  assert.ok(error instanceof SyncError && error.code === 'artifact/missing')

  assert.equal(await countObjects(pipeline.tools.store), before)
  const purged = await purge()
  assert.deepEqual(
    [purged.runs, purged.elsewhere, await countObjects(pipeline.tools.store)],
    [runs.toReversed(), [], 0],
  )
  assert.ok(purged.storedBytes > 0)
  assert.deepEqual(await states(), ['purged', 'purged', 'closed'])
})

for (const place of ['after begin_purge', 'before mark_purged'] satisfies Failpoint[]) {
  test(`the next purge completes one that was interrupted ${place}`, async (t) => {
    const { pipeline, purge, states, warnings } = await openArchive(t)
    const { run } = await pipeline.sync()
    await pipeline.sync()
    const cut = await openPool(database.url, { applicationName: 'test' })
    t.after(() => cut.end())
    watchQueries(
      cut,
      onNthPass(place, 1, () => Promise.reject(new Error('as if killed'))),
    )
    await assert.rejects(purge({ db: cut }), /as if killed/)
    assert.deepEqual(await states(), ['closed', 'closed'])
    assert.deepEqual((await purge({ dryRun: true })).runs, [run])
    assert.deepEqual((await purge()).runs, [run])
    assert.deepEqual([await states(), warnings()], [['purged', 'closed'], []])
  })
}

test('a run that archived nothing is purged without a warning', async (t) => {
  const { pipeline, moved, purge, states, warnings } = await openArchive(t)
  const { run } = await pipeline.sync()
  await pipeline.query('delete from catalog.checkpoints where run_id = $1', run)
  await pipeline.query('delete from catalog.parts where run_id = $1', run)
  await pipeline.sync()
  assert.deepEqual((await purge({ store: moved })).runs, [run])
  assert.deepEqual([await states(), warnings()], [['purged', 'closed'], []])
})

test('after two days of hourly incremental runs, with a retention of one run, the archive still rebuilds the catalogue', async (t) => {
  const {
    pipeline,
    supplier: { catalogue, clock },
    purge,
  } = await openArchive(t)
  const older = await pipeline.sync()
  const full = await pipeline.sync()
  const runs = [full.run]
  const ids = catalogue.ids()
  for (let hour = 1; hour <= 48; hour++) {
    clock.advance(3_600_000)
    catalogue.update([ids[hour % ids.length] ?? ''], { name: `Renamed in hour ${hour}` })
    const { run, kind, ledger } = await pipeline.sync({ mode: 'incremental' })
    assert.deepEqual([kind, ledger.updated > 0], ['incremental', true])
    runs.push(run)
    if (hour % 12 === 1) await purge()
  }
  assert.deepEqual((await purge({ dryRun: true })).runs, [])
  const before = await titles(pipeline)
  assert.equal(new Set(before.values()).size, 30)

  const { id } = await pipeline.source()
  for (const table of ['images', 'prices', 'variants', 'products'])
    await pipeline.query(`delete from catalog.${table} where source_id = $1`, id)
  await assert.rejects(pipeline.replay(older.run), { code: 'run/no-artifact' })
  for (const run of runs) assert.equal((await pipeline.replay(run)).state, 'succeeded')
  assert.deepEqual(await titles(pipeline), before)
})

async function titles({ name, query }: TestPipeline): Promise<Map<string, string>> {
  const rows = await query<{ id: string; title: string }>(
    'select external_id as id, title from api.products where source = $1 order by 1',
    name,
  )
  return new Map(rows.map(({ id, title }) => [id, title]))
}
