// Lists are read page by page: the pages of a list add up to the list, and stay the same while rows
// are added.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listArtifacts } from '../../src/db/read/artifacts.ts'
import { listChanges } from '../../src/db/read/changes.ts'
import { isCursor, loadAllPages, type ListPage, type PageRequest } from '../../src/db/read/page.ts'
import { listQuarantine } from '../../src/db/read/quarantine.ts'
import { listReviews } from '../../src/db/read/reviews.ts'
import { listRuns, RUN_STATES } from '../../src/db/read/run-summaries.ts'
import { listSourcePage } from '../../src/db/sources.ts'
import { createOrchestratorApp } from '../../src/http/control/servers.ts'
import { runCommand } from '../support/commands.ts'
import { openTestDatabase } from '../support/database.ts'
import { startServer } from '../support/http-server.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db, url } = await openTestDatabase()

/** Reads a list in pages of two, and asserts that every page but the last is full. */
async function readInPages<Item>(
  list: (page: PageRequest) => Promise<ListPage<Item>>,
): Promise<Item[]> {
  const items: Item[] = []
  let after: string | undefined
  do {
    const page = await list({ limit: 2, after })
    items.push(...page.items)
    assert.equal(page.items.length === 2 || page.next === null, true)
    after = page.next ?? undefined
  } while (after !== undefined)
  return items
}

test('the pages of each list form the whole list, in its order', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  await openToy(t, { db })
  await openToy(t, { db })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.catalogue.setPrice(ids.slice(0, 3), { cents: 90_000 })
  supplier.catalogue.update(ids.slice(3, 8))
  await pipeline.sync()
  for (let i = 0; i < 3; i++) await pipeline.sync()
  await db.query(
    `insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length, rule, message, raw)
     select id, 1, 1, 1, line, 0, 0, 'record/invalid', 'planted', '' from catalog.sources, generate_series(1, 5) line
     where name = $1`,
    [pipeline.name],
  )
  const { name: source } = pipeline
  const [, changing = 0] = (await loadAllPages((page) => listRuns(db, { source, ...page })))
    .map(({ id }) => id)
    .toReversed()
  const lists: Record<string, (page: PageRequest) => Promise<ListPage<object>>> = {
    runs: (page) => listRuns(db, { source, ...page }),
    'runs of every source': (page) => listRuns(db, page),
    'runs in a state': (page) => listRuns(db, { state: 'succeeded', ...page }),
    artifacts: (page) => listArtifacts(db, { source, ...page }),
    changes: (page) => listChanges(db, changing, page),
    reviews: (page) => listReviews(db, { source, ...page }),
    quarantine: (page) => listQuarantine(db, { source, ...page }),
    sources: (page) => listSourcePage(db, page),
  }
  for (const [what, list] of Object.entries(lists)) {
    const whole = (await list({ limit: 100 })).items
    assert.ok(whole.length >= 3, `${what}: ${whole.length}`)
    const steady = (items: readonly object[]) =>
      items.map((item) => ({ ...item, measuredAt: null }))
    assert.deepEqual(steady(await readInPages(list)), steady(whole), what)
  }
})

test('a run that is added between two pages does not move other runs to another page', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const runs: number[] = []
  for (let i = 0; i < 4; i++) runs.unshift((await pipeline.sync()).run)
  const filter = { source: pipeline.name, limit: 2 }
  const first = await listRuns(db, filter)
  await pipeline.sync()
  const second = await listRuns(db, { ...filter, after: first.next ?? '' })
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }) => id),
    runs,
  )
  assert.equal(second.next, null)
})

test('runs are listed by state, and a state without runs lists none', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { run } = await pipeline.sync()
  for (const state of RUN_STATES) {
    const { items } = await listRuns(db, { source: pipeline.name, state, limit: 9 })
    assert.deepEqual(
      items.map(({ id }) => id),
      state === 'succeeded' ? [run] : [],
      state,
    )
  }
})

test('GET /runs returns pages with a cursor, and refuses a cursor that it did not return', async (t) => {
  const { pipeline } = await openToy(t, { db })
  for (let i = 0; i < 3; i++) await pipeline.sync()
  const server = await startServer(t, (options) => createOrchestratorApp({ ...options, db }))
  const load = async (query: string) =>
    (await (await server.sendRequest(`/runs?source=${pipeline.name}&limit=2${query}`)).json()) as {
      items: { id: number; progress: object }[]
      next: string | null
    }
  const first = await load('')
  const second = await load(`&after=${first.next}`)
  const all = await listRuns(db, { source: pipeline.name, limit: 9 })
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }) => id),
    all.items.map(({ id }) => id),
  )
  assert.equal(second.next, null)
  const run = (await (await server.sendRequest(`/runs/${first.items[0]?.id}`)).json()) as object
  assert.deepEqual({ ...run, ...first.items[0] }, run)
  assert.equal((await server.sendRequest('/runs?source=nobody')).status, 404)
  for (const query of ['after=7', 'limit=0', 'limit=101', 'limit=x', 'state=bogus', 'page=2'])
    assert.equal((await server.sendRequest(`/runs?${query}`)).status, 400, query)
})

test('the command line prints a page, and the option that continues it', async (t) => {
  const { pipeline } = await openToy(t, { db })
  for (let i = 0; i < 3; i++) await pipeline.sync()
  const env = { DATABASE_URL: url, SHELFSYNC_HOME: pipeline.storeRoot }
  const run = (...args: string[]) =>
    runCommand(env, ['runs', '--source', pipeline.name, '--limit', '2', ...args])
  const { stdout } = await run()
  const [, after = ''] =
    /^2, and there are more: shelfsync runs .* --after (\S+)$/m.exec(stdout) ?? []
  assert.ok(isCursor('runs', after), stdout)
  const json = JSON.parse((await run('--json')).stdout) as { items: unknown[]; next: string }
  assert.deepEqual([json.items.length, json.next], [2, after])
  const last = await run('--after', after)
  assert.doesNotMatch(last.stdout, /there are more/)
  assert.equal(last.stdout.trimEnd().split('\n').length, 2)
  assert.match((await run('--after', 'x')).stderr, /It must be the cursor/)
})
