// The choice between full and incremental runs, and the time from which an incremental run reads.
// The tests set the date.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saveSource } from '../../src/db/sources.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { chooseRun, OVERLAP_MS, type SyncRequest } from '../../src/pipeline/choose-run.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()
const A_MINUTE_MS = 60_000

async function titleOf(pipeline: TestPipeline, id: string): Promise<string | null> {
  const [row] = await pipeline.query<{ title: string }>(
    'select title from api.products where source = $1 and external_id = $2',
    pipeline.name,
    id,
  )
  return row?.title ?? null
}

test('an incremental run includes a product that was written 5 minutes before the watermark and appeared late', async (t) => {
  const {
    pipeline,
    supplier: { catalogue, clock },
  } = await openToy(t, { db })
  const [late = '', later = '', newest = ''] = catalogue.ids()
  catalogue.remove([late, later])
  clock.advance(60 * A_MINUTE_MS)
  catalogue.update([newest])
  const watermarkMs = clock.nowMs()
  assert.deepEqual(countOutcomes(await pipeline.sync()), { created: 28 })
  assert.equal((await pipeline.source()).watermarkAt?.getTime(), watermarkMs)

  clock.set(watermarkMs - 5 * A_MINUTE_MS)
  catalogue.restore([late])
  catalogue.update([late], { name: 'Written before, shown after' })
  clock.set(watermarkMs - OVERLAP_MS - A_MINUTE_MS)
  catalogue.restore([later])
  clock.set(watermarkMs + A_MINUTE_MS)
  const { kind, ledger } = await pipeline.sync({ mode: 'incremental' })
  assert.deepEqual([kind, ledger.created, ledger.missing], ['incremental', 1, 0])
  assert.equal(await titleOf(pipeline, late), 'Written before, shown after')
  assert.equal(await titleOf(pipeline, later), null)
  // A later appearance waits for the next full run.
  assert.equal((await pipeline.sync()).ledger.created, 1)
})

test('a source runs fully once on Sunday in its own time zone, and incrementally on other days', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { id } = await pipeline.source()
  await saveSource(db, id, {
    schedule: { cron: '17 3 * * *', zone: 'Australia/Sydney', fullOn: 'sunday' },
  })
  const auto = async (now: string) =>
    (await pipeline.sync({ mode: 'auto', now: new Date(now) })).kind
  const fullWasAt = (at: string) =>
    pipeline.query(
      'update catalog.sources set last_full_at = $2 where name = $1',
      pipeline.name,
      at,
    )
  assert.equal(await auto('2026-01-14T16:17:00Z'), 'full')
  // In Sydney, Sunday 18 January begins at 13:00 UTC on Saturday, and Monday at 13:00 UTC on
  // Sunday.
  await fullWasAt('2026-01-10T16:17:00Z')
  assert.equal(await auto('2026-01-17T12:59:00Z'), 'incremental')
  assert.equal(await auto('2026-01-17T13:01:00Z'), 'full')
  await fullWasAt('2026-01-17T16:17:00Z')
  assert.equal(await auto('2026-01-18T12:59:00Z'), 'incremental')
  assert.equal(await auto('2026-01-18T16:17:00Z'), 'incremental')
})

test("the kind of a run follows from the request, the connector's scopes and the known state", async (t) => {
  const { pipeline } = await openToy(t, { db })
  const fresh = await pipeline.source()
  await pipeline.sync()
  const source = await pipeline.source()
  assert.ok(source.watermarkAt && source.lastFullAt)
  const now = source.lastFullAt
  const sinceAt = new Date('2026-01-02T03:04:05Z')
  const overlapping = {
    kind: 'incremental',
    sinceAt: new Date(source.watermarkAt.getTime() - OVERLAP_MS),
  }
  const full = { kind: 'full', sinceAt: null }
  const choose = (request: Partial<SyncRequest>, of = source, connector = pipeline.connector) => {
    const wanted = { mode: 'auto', sinceAt: null, now, ...request } as const
    const { kind, sinceAt: from } = chooseRun(bindConnector(connector, of), wanted)
    return { kind, sinceAt: from }
  }
  assert.deepEqual(choose({}), overlapping)
  assert.deepEqual(choose({ mode: 'incremental' }), overlapping)
  assert.deepEqual(choose({ mode: 'full' }), full)
  assert.deepEqual(choose({ sinceAt }), { kind: 'incremental', sinceAt })
  for (const mode of ['auto', 'incremental'] as const) {
    assert.deepEqual(choose({ mode }, fresh), full, 'nothing is known yet')
    assert.deepEqual(
      choose({ mode }, source, { ...pipeline.connector, scopes: ['all'] }),
      full,
      'the supplier cannot',
    )
  }
  const newer = {
    ...pipeline.connector,
    normaliserVersion: pipeline.connector.normaliserVersion + 1,
  }
  assert.deepEqual(choose({}, source, newer), full)
  assert.deepEqual(
    choose({ mode: 'incremental' }, source, newer),
    overlapping,
    'a person knows better',
  )
})
