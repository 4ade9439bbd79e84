// Purging on a real Postgres with folders as stores: one that is cut short, and one that is asked for what another has.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { at, type Place, watchQueries } from '../../test/faults/failpoints.ts'
import { testDatabase } from '../../test/support/database.ts'
import { openMedipim } from '../../test/support/line.ts'
import { DiskStore } from '../artifacts/disk.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import { SyncError } from '../core/errors.ts'
import { openPool } from '../db/pool.ts'
import { purgeSource } from './purge.ts'

const database = await testDatabase()

async function openArchive(t: TestContext) {
  const { line } = await openMedipim(t, { db: database.pool })
  const other = await mkdtemp(join(tmpdir(), 'shelfsync-moved-'))
  t.after(() => rm(other, { recursive: true }))
  return {
    line,
    moved: new DiskStore(other),
    purge: async (wish: { store?: ArtifactStore; db?: typeof database.pool; dryRun?: boolean } = {}, keep = 1) =>
      await purgeSource({ ...line.tools, ...wish }, await line.source(), keep, wish),
    states: async () =>
      (await line.query<{ state: string }>('select state from catalog.artifacts where source_id = $1 order by run_id', (await line.source()).id)).map(({ state }) => state),
    warnings: () => line.logged.filter((text) => text.includes('are not in this store')),
  }
}

async function countObjects(store: ArtifactStore): Promise<number> {
  return (await Array.fromAsync(store.list(''))).length
}

test('what is in another store is not purged, whatever this one has of later runs: one warning says so, and purging there ends it', async (t) => {
  const { line, moved, purge, states, warnings } = await openArchive(t)
  const runs = [(await line.sync()).run, (await line.sync()).run]
  const before = await countObjects(line.tools.store)
  const tools = { store: moved }
  await line.sync({ tools })
  for (const dryRun of [true, false]) {
    assert.deepEqual(await purge({ store: moved, dryRun }), { source: line.name, runs: [], storedBytes: 0, elsewhere: runs.toReversed() })
  }
  assert.deepEqual(await states(), ['closed', 'closed', 'closed'])
  assert.equal(warnings().length, 2, 'one of each purge')
  assert.match(warnings()[1] ?? '', new RegExp(`runs ${runs[1]}, ${runs[0]} .*Was ARTIFACTS changed\\? Copy them`))
  const { error } = await line.replay(runs[0] ?? 0, { tools })
  assert.ok(error instanceof SyncError && error.code === 'artifact/missing')

  assert.equal(await countObjects(line.tools.store), before)
  const purged = await purge()
  assert.deepEqual([purged.runs, purged.elsewhere, await countObjects(line.tools.store)], [runs.toReversed(), [], 0])
  assert.ok(purged.storedBytes > 0)
  assert.deepEqual(await states(), ['purged', 'purged', 'closed'])
})

for (const place of ['after begin_purge', 'before mark_purged'] satisfies Place[]) {
  test(`a purge that is cut ${place} is brought to its end by the next one`, async (t) => {
    const { line, purge, states, warnings } = await openArchive(t)
    const { run } = await line.sync()
    await line.sync()
    const cut = await openPool(database.url, { applicationName: 'test' })
    t.after(() => cut.end())
    watchQueries(cut, at(place, 1, () => Promise.reject(new Error('as if killed'))))
    await assert.rejects(purge({ db: cut }), /as if killed/)
    assert.deepEqual(await states(), ['closed', 'closed'])
    assert.deepEqual((await purge({ dryRun: true })).runs, [run])
    assert.deepEqual((await purge()).runs, [run])
    assert.deepEqual([await states(), warnings()], [['purged', 'closed'], []])
  })
}

test('a run that has archived nothing has nothing to miss', async (t) => {
  const { line, moved, purge, states, warnings } = await openArchive(t)
  const { run } = await line.sync()
  await line.query('delete from catalog.checkpoints where run_id = $1', run)
  await line.query('delete from catalog.parts where run_id = $1', run)
  await line.sync()
  assert.deepEqual((await purge({ store: moved })).runs, [run])
  assert.deepEqual([await states(), warnings()], [['purged', 'closed'], []])
})
