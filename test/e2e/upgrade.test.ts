// Migrations on a populated catalogue of an earlier version: each saved row stays as it is, and the
// next sync continues. The catalogue of the present version, with a migration added to it, stands
// for a release that has no successor yet.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { suite, test, type TestContext } from 'node:test'
import { parseReleased } from '../../scripts/support/released-migrations.ts'
import { VERSION } from '../../src/core/version.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { listMigrations, type Migration } from '../../src/db/migrate/migration-files.ts'
import { listSchemaDamage } from '../../src/db/migrate/schema-objects.ts'
import type { Db } from '../../src/db/pool.ts'
import { countOutcomes, openPipeline } from '../support/pipeline.ts'
import {
  listSavedCatalogues,
  openSavedCatalogue,
  saveCatalogue,
  type SavedCatalogue,
} from '../support/saved-catalogue.ts'
import { createToy, TOY_OPTIONS } from '../support/toy/open.ts'
import { startToy } from '../support/toy/supplier.ts'

const current = await listMigrations()

const FAULTS: Readonly<Record<string, string>> = {
  'changes titles': `update catalog.products set title = upper(title)`,
  'makes a held price current': `update catalog.prices set state = 'current' where state = 'held'`,
  'forgets missing products': `delete from catalog.misses`,
  'hides rows of a view': `do $$ begin
    execute 'create or replace view api.brands with (security_invoker) as '
      || replace(pg_get_viewdef('api.brands'::regclass), ';', ' limit 1'); end $$`,
}

function addMigration(sql: string): Migration[] {
  const [version, name] = ['20991231000000', 'planted']
  const checksum = createHash('sha256').update(sql).digest('hex')
  return [...current, { version, name, file: `${version}_${name}.sql`, sql, checksum }]
}

async function open(t: TestContext, saved: SavedCatalogue) {
  const supplier = await startToy({ products: 0, pageSize: 4 })
  t.after(supplier.close)
  supplier.setRecords(saved.records)
  const db = await openSavedCatalogue(t, saved, supplier.url)
  return { supplier, db }
}

/** The columns of the tables and views, by name. */
async function listColumns(db: Db): Promise<Map<string, string[]>> {
  const { rows } = await db.query<{ name: string; columns: string[] }>(
    `select c.oid::regclass::text as name, array_agg(quote_ident(attname) order by attnum) as columns
    from pg_class c join pg_attribute on attrelid = c.oid
    where relnamespace in ('catalog'::regnamespace, 'api'::regnamespace) and relkind in ('r', 'v')
      and relname <> 'migrations' and attnum > 0 and not attisdropped group by 1`,
  )
  return new Map(rows.map(({ name, columns }) => [name, columns]))
}

/** Every row of these columns, as text. */
async function readRows(db: Db, relations: Map<string, string[]>): Promise<Map<string, string[]>> {
  const content = new Map<string, string[]>()
  for (const [name, columns] of relations) {
    const { rows } = await db.query<{ row: string }>(
      `select t::text as row from (select ${columns.join(', ')} from ${name}) t order by 1`,
    )
    content.set(
      name,
      rows.map(({ row }) => row),
    )
  }
  return content
}

async function upgrade(db: Db, migrations: readonly Migration[]): Promise<void> {
  const relations = await listColumns(db)
  const before = await readRows(db, relations)
  assert.ok((before.get('api.products') ?? []).length > 10)
  await migrate(db, { migrations })
  assert.deepEqual(await readRows(db, relations), before)
}

async function syncAgain(t: TestContext, saved: SavedCatalogue, migrations: readonly Migration[]) {
  const { supplier, db } = await open(t, saved)
  await upgrade(db, migrations)
  assert.deepEqual(await listSchemaDamage(db), [])
  const pipeline = await openPipeline(t, {
    db,
    ...createToy(),
    source: saved.source,
    settings: { url: supplier.url },
    options: TOY_OPTIONS,
  })
  const known = saved.records.length
  // The invalid record stays in quarantine, and the product that was missing once is removed.
  const report = countOutcomes(await pipeline.sync())
  assert.deepEqual(report, { unchanged: known - 1, quarantined: 1, removed: 1 })
  const [first, ...others] = saved.records
  supplier.setRecords([{ ...first, name: 'Another name' }, ...others])
  const changed = countOutcomes(await pipeline.sync())
  assert.deepEqual(changed, { updated: 1, unchanged: known - 2, quarantined: 1 })
}

suite('this version', async () => {
  let saved: Promise<SavedCatalogue> | undefined
  const save = (t: TestContext) => (saved ??= saveCatalogue(t, VERSION))

  test('a migration keeps every row, and the next sync continues', async (t) => {
    const sql = `alter table catalog.products add column planted integer not null default 7;
      create index planted on catalog.products (source_id, planted)`
    await syncAgain(t, await save(t), addMigration(sql))
  })

  for (const [what, sql] of Object.entries(FAULTS))
    test(`a migration that ${what} is detected`, async (t) => {
      const { db } = await open(t, await save(t))
      await assert.rejects(upgrade(db, addMigration(sql)), /Expected values to be strictly/)
    })
})

for (const saved of listSavedCatalogues())
  test(`the migrations since version ${saved.version} keep every row, and the next sync continues`, (t) =>
    syncAgain(t, saved, current))

test('every released migration is in a saved catalogue', async () => {
  const text = await readFile(new URL('../../supabase/released.sha256', import.meta.url), 'utf8')
  const saved = new Set(listSavedCatalogues().flatMap(({ migrations }) => migrations))
  const missing = [...parseReleased(text).keys()].filter((file) => !saved.has(file))
  assert.deepEqual(missing, [], 'run node scripts/save-catalogue.ts before the release')
})
