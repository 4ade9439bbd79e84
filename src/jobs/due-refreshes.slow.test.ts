// The schedule of a source that only has refreshes: no run of the whole source, and due products.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { openServices } from '../../test/support/services.ts'
import { loadSourceSummary, surveySources } from '../db/read/source-summaries.ts'
import { saveSource } from '../db/sources.ts'
import { Calendar } from '../sources/due.ts'
import { requestRuns } from './request-runs.ts'
import { AS_SCHEDULED } from './requests.ts'

const database = await openTestDatabase()
const db = database.pool

const SCHEDULE = {
  cron: '* * * * *',
  zone: 'UTC',
  fullOn: 'never',
  refresh: { cron: '* * * * *', products: 'due', atMost: 10 },
} as const

test('a scheduler starts refreshes of the products that are due for the longest time, and no full run', async (t) => {
  const { pipeline } = await openToy(t, { db })
  await pipeline.sync()
  const { id } = await pipeline.source()
  await saveSource(db, id, { schedule: SCHEDULE })
  const services = await openServices(t, database, pipeline)
  const runs = () =>
    pipeline.query<{ id: number; kind: string; keys: string[] | null }>(
      'select id, kind, keys from catalog.runs where source_id = $1 order by id',
      id,
    )
  const passMinutes = () =>
    db.query(
      `with moved as (
         update catalog.sources set refresh_set_at = refresh_set_at - interval '2 minutes',
           schedule_set_at = schedule_set_at - interval '2 minutes' where id = $1)
       update catalog.runs set last_started_at = last_started_at - interval '2 minutes'
       where source_id = $1 and kind = 'refresh'`,
      [id],
    )
  await passMinutes()
  await services.runScheduler()
  assert.equal((await runs()).length, 1, 'nothing is due after the full run')
  await db.query(
    `update catalog.product_reads set due_at = now() - make_interval(mins => seq)
     from catalog.products p where p.source_id = product_reads.source_id
       and p.external_id = product_reads.external_id and p.seq between 1 and 12 and p.source_id = $1`,
    [id],
  )
  await services.runScheduler()
  const [, refresh, ...further] = await runs()
  assert.deepEqual([refresh?.kind, refresh?.keys?.length, further], ['refresh', 10, []])
  const { rows } = await db.query<{ left: number[] }>(
    `select array_agg(p.seq order by p.seq) as left from catalog.product_reads r
     join catalog.products p using (source_id, external_id)
     where r.source_id = $1 and r.due_at <= now() and r.external_id <> all ($2)`,
    [id, refresh?.keys ?? []],
  )
  assert.deepEqual(rows[0]?.left, [1, 2])
  services.startWorkers()
  assert.equal((await services.waitForEnd(refresh?.id ?? 0)).state, 'succeeded')
  const jobs = await pipeline.query<{ status: string; count: number }>(
    'select status, count(*)::integer from api.refresh_jobs where run = $1 group by status',
    refresh?.id,
  )
  assert.deepEqual(jobs, [{ status: 'success', count: 10 }])
  const { lastGoodAt, lastRefresh } = await loadSourceSummary(db, pipeline.name)
  assert.deepEqual([lastRefresh?.id, lastGoodAt], [refresh?.id, lastRefresh?.startedAt])
})

test('a request for a run of such a source refreshes what is due, and is refused when nothing is', async (t) => {
  const { pipeline } = await openToy(t, { db })
  await pipeline.sync()
  const { id } = await pipeline.source()
  await saveSource(db, id, { schedule: SCHEDULE })
  const services = await openServices(t, database, pipeline)
  await assert.rejects(services.requestRun(), { code: 'run/nothing-due' })
  const { pipeline: other } = await openToy(t, { db })
  const all = await requestRuns(services.tools, { ...AS_SCHEDULED, source: null }, 'all')
  const names = all.map(({ source }) => source)
  assert.deepEqual([names.includes(other.name), names.includes(pipeline.name)], [true, false])
  await db.query(
    `update catalog.product_reads set due_at = now() where source_id = $1
       and external_id in (select external_id from catalog.products where source_id = $1 and seq < 3)`,
    [id],
  )
  const { run } = await services.requestRun()
  const keys = await pipeline.query<{ kind: string; count: number }>(
    'select kind, cardinality(keys) as count from catalog.runs where id = $1',
    run,
  )
  assert.deepEqual(keys, [{ kind: 'refresh', count: 3 }])
})

test('a source that only has refreshes is late when a product is, not without a full run', async (t) => {
  const { pipeline } = await openToy(t, { db })
  await pipeline.sync()
  const { id } = await pipeline.source()
  await saveSource(db, id, { schedule: SCHEDULE })
  await db.query(
    `update catalog.sources set schedule_set_at = now() - interval '9 days' where id = $1`,
    [id],
  )
  const now = new Date()
  const check = async () => {
    const summary = await loadSourceSummary(db, pipeline.name)
    const { sources } = await surveySources(db, null)
    const urgency = sources.find(({ source }) => source === pipeline.name)?.urgency
    const { at, late } = new Calendar().dueOf(summary, now)
    return [summary.lateProducts, late, urgency, at !== null && at >= now]
  }
  assert.deepEqual(await check(), [false, false, 0, true])
  await db.query(
    `update catalog.product_reads set read_at = now() - interval '25 hours'
     where source_id = $1 and external_id = (select min(external_id) from catalog.product_reads)`,
    [id],
  )
  assert.deepEqual(await check(), [true, true, 4, true])
})
