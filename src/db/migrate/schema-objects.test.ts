import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { isSyncError } from '../../../test/support/error-matchers.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { explainMissingProgram, findProgram } from '../../../test/support/processes.ts'
import { migrate } from './migrate.ts'
import { listMigrations, MIGRATIONS_DIRECTORY } from './migration-files.ts'
import { listMigrationStates, listMissingMigrations } from './migration-states.ts'
import { listSchemaDamage, summarizeDamage } from './schema-objects.ts'

const skip = explainMissingProgram('psql', 'postgresql-client')
const FILES = (await listMigrations()).map(({ file }) => file)

async function applyByPsql(url: string, files: readonly string[]): Promise<void> {
  for (const file of files)
    await promisify(execFile)(findProgram('psql', 'postgresql-client'), [
      url,
      '--no-psqlrc',
      '--quiet',
      '-v',
      'ON_ERROR_STOP=1',
      '-f',
      file,
    ])
}

async function openEmpty(t: TestContext) {
  const { url, pool: db } = await openTestDatabase(t, { migrations: [] })
  const plain = Object.assign(new URL(url), { search: '' }).href
  return { db, apply: (files: readonly string[]) => applyByPsql(plain, files) }
}

test('a migrated database has every object, and no other definition of one', async (t) => {
  const { pool } = await openTestDatabase(t)
  assert.deepEqual(await listSchemaDamage(pool), [])
})

test('each missing or changed object is named with its file, and its parts are not', async (t) => {
  const { pool } = await openTestDatabase(t)
  await pool.query(`
    drop function catalog.fail(text, text);
    drop view api.price_history cascade;
    alter table catalog.prices alter currency drop not null;
    alter table catalog.runs disable row level security;
    alter function catalog.list_due_sources security invoker;
    revoke execute on function catalog.add_part from shelfsync_fetcher;
    drop index catalog.${(await findIndex(pool)).replace('catalog.', '')};
  `)
  const found = summarizeDamage(await listSchemaDamage(pool)).map(
    ({ object, state }) => `${object} ${state}`,
  )
  for (const one of [
    'function catalog.fail(text,text) missing',
    'view api.price_history missing',
    'column catalog.prices.currency changed',
    'row security of catalog.runs changed',
  ])
    assert.ok(found.includes(one), `${one}\n${found.join('\n')}`)
  assert.ok(found.some((one) => /^function catalog.list_due_sources\(.*\) changed$/.test(one)))
  assert.ok(found.some((one) => /^grant execute on function catalog.add_part\(/.test(one)))
  assert.ok(found.some((one) => /^index .* missing$/.test(one)))
  assert.ok(!found.some((one) => /column api.price_history/.test(one)))
  const fail = (await listSchemaDamage(pool)).find(({ object }) => /catalog.fail/.test(object))
  assert.ok(FILES.includes(fail?.file ?? ''))
})

async function findIndex(db: { query<R extends object>(sql: string): Promise<{ rows: R[] }> }) {
  const { rows } = await db.query<{ name: string }>(`select indexrelid::regclass::text as name
    from pg_index where indrelid = 'catalog.products'::regclass and not indisunique order by 1 limit 1`)
  return rows[0]?.name ?? ''
}

test(
  'migrations that psql applied are up to date, and are recorded by migrate',
  { skip },
  async (t) => {
    const { db, apply } = await openEmpty(t)
    await apply(FILES.map((file) => `${MIGRATIONS_DIRECTORY}${file}`))
    assert.deepEqual(await listMissingMigrations(db), [])
    const states = async () => [
      ...new Set((await listMigrationStates(db)).map(({ state }) => state)),
    ]
    assert.deepEqual(await states(), ['pushed'])
    const { applied, adopted, adoptedFrom } = await migrate(db)
    assert.deepEqual([applied.length, adopted.length, adoptedFrom], [0, FILES.length, 'psql'])
    assert.deepEqual(await states(), ['applied'])
  },
)

test('a migration that `supabase db push` applied after migrate is not missing', async (t) => {
  const { pool: db } = await openTestDatabase(t)
  const [last = ''] = FILES.slice(-1)
  const [version = ''] = last.split('_')
  await db.query('delete from catalog.migrations where version = $1', [version])
  assert.deepEqual(await listMissingMigrations(db), [version])
  await db.query(`create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations (version, name) values ('${version}', 'security')`)
  assert.deepEqual(await listMissingMigrations(db), [])
})

test('init.sql that psql applied is up to date', { skip }, async (t) => {
  const { db, apply } = await openEmpty(t)
  await apply([fileURLToPath(new URL('../../../supabase/db/init.sql', import.meta.url))])
  assert.deepEqual(await listMissingMigrations(db), [])
  assert.deepEqual((await migrate(db)).applied, [])
})

test(
  'a set that psql applied in part names the missing files and how to apply them',
  { skip },
  async (t) => {
    const { db, apply } = await openEmpty(t)
    const [last = ''] = FILES.slice(-1)
    await apply(FILES.slice(0, -1).map((file) => `${MIGRATIONS_DIRECTORY}${file}`))
    assert.notDeepEqual(await listMissingMigrations(db), [])
    await assert.rejects(
      migrate(db),
      isSyncError(
        'db/migration-failed',
        new RegExp(`1 file is not wholly applied: ${last} .*psql.* -f `),
      ),
    )
    await apply([`${MIGRATIONS_DIRECTORY}${last}`])
    assert.deepEqual((await migrate(db)).applied, [])
    assert.deepEqual(await listMissingMigrations(db), [])
  },
)
