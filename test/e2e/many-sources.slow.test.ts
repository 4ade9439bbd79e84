// Ten thousand sources: the reads that are repeated all day touch few pages of the database. docs/performance.md has the times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listScheduledSources, saveDueTimes } from '../../src/db/sources.ts'
import { loadStatus, surveySources } from '../../src/db/read/source-summaries.ts'
import { openTestDatabase } from '../support/database.ts'
import { addManySources } from '../support/many-sources.ts'
import { openShelfsync } from './shelfsync.ts'

const COUNT = 10_000
const { pool: db, url } = await openTestDatabase()
await addManySources(db, COUNT)

interface Plan {
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
}

/** Returns the number of pages that a query reads, those in memory included. */
async function countPages(sql: string): Promise<number> {
  const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (analyze, buffers, format json) ${sql}`,
  )
  const plan = rows[0]?.['QUERY PLAN'][0].Plan
  return (plan?.['Shared Hit Blocks'] ?? NaN) + (plan?.['Shared Read Blocks'] ?? NaN)
}

test('a tick of the scheduler reads only the sources that are due', async () => {
  for (let listed = await listScheduledSources(db); listed.length > 0;) {
    const at = new Date(Date.now() + 3_600_000)
    await saveDueTimes(
      db,
      listed.map((source) => ({ ...source, at })),
    )
    listed = await listScheduledSources(db)
  }
  await db.query('vacuum analyze catalog.sources')
  const pages = await countPages('select * from catalog.list_due_sources()')
  assert.ok(pages < 300, String(pages))
  await db.query(`update catalog.sources set due_at = now() where name in ('shop-7', 'shop-70')`)
  const due = await listScheduledSources(db)
  assert.deepEqual(due.map(({ source }) => source).toSorted(), ['shop-7', 'shop-70'])
})

test('a page of the status reads a few pages of the database for each of its sources', async () => {
  const limit = 500
  const first = await loadStatus(db, { source: null, limit }, 30_000)
  assert.deepEqual([first.sources.length, first.breakers.length], [limit, COUNT / 1000])
  const pages = await countPages(`select * from catalog.load_status(null, null, ${limit})`)
  assert.ok(pages < 20 * limit, String(pages))
  const names = new Set<string>()
  let after: string | undefined
  do {
    const page = await loadStatus(db, { source: null, limit, after }, 30_000)
    for (const { source } of page.sources) names.add(source)
    after = page.next ?? undefined
  } while (after !== undefined)
  assert.equal(names.size, COUNT)
})

test('a summary of all sources reads each of them by its index, once', async () => {
  const pages = await countPages('select * from catalog.summarize_sources(null)')
  assert.ok(pages < 15 * COUNT, String(pages))
})

test('a survey of all sources reads the newest run of each, and lists as many as requested', async () => {
  const pages = await countPages('select * from catalog.survey_sources(40)')
  assert.ok(pages < 6 * COUNT, String(pages))
  const survey = await surveySources(db, 40)
  assert.equal(survey.sources.length, 40)
  assert.equal(survey.total, COUNT)
  assert.ok(survey.sources.slice(0, 20).every(({ urgency }) => urgency === 6))
})

test('the summaries of 40 named sources read no run of another source', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `'shop-${(index + 1) * 7}'`)
  const pages = await countPages(
    `select * from catalog.summarize_sources(null, p_sources => array[${names.join(', ')}])`,
  )
  assert.ok(pages < 25 * 40, String(pages))
  const counted = await countPages(
    `select * from catalog.count_products(array[${names.join(', ')}])`,
  )
  assert.ok(counted < 15 * 40, String(counted))
})

test('a tick reads no source without a schedule of refreshes', async () => {
  const pages = await countPages('select * from catalog.list_due_refreshes()')
  assert.ok(pages < 300, String(pages))
})

test('status shows the sources that need a person first, and counts the others', async (t) => {
  const shelf = await openShelfsync(t, { DATABASE_URL: url })
  const { stdout } = await shelf.run('status')
  const lines = stdout.trimEnd().split('\n')
  assert.ok(lines.length < 150, String(lines.length))
  assert.match(lines[1] ?? '', /^shop-\d+ .* held/)
  assert.match(stdout, /^9,960 other sources .*; shelfsync status --all lists them$/m)
  assert.match(stdout, /gone: the host has nothing at this address; 4 runs have failed/)
  const some = await shelf.run('status', '--limit', '3', '--json')
  assert.equal(some.stdout.trimEnd().split('\n').length, 3)
  const all = await shelf.run('status', '--all')
  assert.ok(all.stdout.split('\n').length > COUNT)
  const json = await shelf.run('status', '--json')
  assert.equal(json.stdout.trimEnd().split('\n').length, COUNT)
})

test('a late source is shown although no scheduler has stored its due time', async (t) => {
  await db.query(`
    update catalog.sources set due_at = null, schedule = schedule || jsonb_build_object('cron',
      to_char((now() - interval '5 min') at time zone 'UTC', 'FMMI FMHH24') || ' * * *');
    update catalog.runs set started_at = now() - interval '5 days' where state = 'succeeded'
      and source_id = (select id from catalog.sources where name = 'shop-1002')`)
  const shelf = await openShelfsync(t, { DATABASE_URL: url })
  const { stdout } = await shelf.run('status', '--limit', '200')
  assert.match(stdout, /^shop-1002 .*\(late\)/m)
  const few = await shelf.run('status', '--limit', '20')
  assert.match(few.stdout, /, at least \d+ of which need a person too;/)
})
