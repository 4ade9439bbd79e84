import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { renderInitSql } from './init-sql.ts'
import { migrate } from './migrate.ts'
import { copyMigrations, listMigrations, type Migration } from './migration-files.ts'
import { listMigrationStates } from './migration-states.ts'
import type { Db } from '../pool.ts'

const FILES = {
  '20260101000001_shops.sql':
    'create table catalog.shops (id integer primary key);\ninsert into catalog.shops values (1);\n',
  '20260101000002_prices.sql':
    'create table catalog.prices (shop integer references catalog.shops (id));\n',
}

test('migrations are applied in order, once, and recorded', async (t) => {
  const [db, migrations] = [await emptyDatabase(t), await fixtures(t)]
  assert.deepEqual(names((await migrate(db, { migrations })).applied), ['shops', 'prices'])
  assert.deepEqual(names((await migrate(db, { migrations })).applied), [])
  assert.deepEqual(await states(db, migrations), ['shops applied', 'prices applied'])
  assert.equal(await count(db, 'catalog.shops'), 1)
})

test('reading the states of an empty database changes nothing', async (t) => {
  const [db, migrations] = [await emptyDatabase(t), await fixtures(t)]
  assert.deepEqual(await states(db, migrations), ['shops pending', 'prices pending'])
  assert.equal(await count(db, `pg_namespace where nspname = 'catalog'`), 0)
})

test('processes that migrate at the same time apply each migration once', async (t) => {
  const [db, migrations] = [await emptyDatabase(t), await fixtures(t)]
  const applied = await Promise.all([1, 2, 3].map(() => migrate(db, { migrations })))
  assert.deepEqual(names(applied.flatMap((result) => result.applied)), ['shops', 'prices'])
})

test('a failing migration is rolled back, names file, line and reason, and keeps the ones before it', async (t) => {
  const db = await emptyDatabase(t)
  const failing = {
    'a syntax error': [
      'create table catalog.half ();\n\nselect 1,\n  from nowhere;',
      4,
      /syntax error at or near "from"/,
    ],
    'an unknown name': [
      'create table catalog.half ();\nselect\n  missing\nfrom pg_class;',
      3,
      /column "missing" does not exist/,
    ],
    'a failure while running': [
      `create table catalog.half ();\n-- one\n/* two\n */ select\n 1 / 0;`,
      4,
      /division by zero/,
    ],
    'a body that fails': [
      `create table catalog.half ();\ndo $$\nbegin\n  raise exception using message = 'no', hint = 'try';\nend $$;`,
      2,
      /no · try · .*line 3 at RAISE/,
    ],
  } as const
  for (const [what, [sql, line, reason]] of Object.entries(failing)) {
    const migrations = await fixtures(t, { ...FILES, '20260101000003_half.sql': sql })
    await assert.rejects(migrate(db, { migrations }), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`^Migration 20260101000003_half.sql, line ${line}: `),
        what,
      )
      assert.match(error.message, reason)
      return 'code' in error && error.code === 'db/migration-failed'
    })
    assert.deepEqual(await states(db, migrations), [
      'shops applied',
      'prices applied',
      'half pending',
    ])
    assert.equal(await count(db, `pg_class where relname = 'half'`), 0)
  }
})

test('a migration that was changed after it was applied is refused, unless only line endings differ', async (t) => {
  const [db, migrations] = [await emptyDatabase(t), await fixtures(t)]
  await migrate(db, { migrations })
  const files = Object.entries(FILES).map(([file, sql]) => [file, sql.replaceAll('\n', '\r\n')])
  const windows = await fixtures(t, Object.fromEntries(files))
  assert.deepEqual((await migrate(db, { migrations: windows })).applied, [])
  const changed = await fixtures(t, {
    ...FILES,
    '20260101000001_shops.sql': 'create table catalog.shops (id bigint primary key);',
  })
  await assert.rejects(
    migrate(db, { migrations: changed }),
    /20260101000001_shops.sql was changed after it was applied/,
  )
  assert.deepEqual(await states(db, changed), ['shops changed', 'prices applied'])
})

test('a database that a newer version has migrated is refused', async (t) => {
  const [db, migrations] = [await emptyDatabase(t), await fixtures(t)]
  await migrate(db, { migrations })
  await assert.rejects(
    migrate(db, { migrations: migrations.slice(0, 1) }),
    /migration 20260101000002_prices.*newer/,
  )
  assert.deepEqual(await states(db, migrations.slice(0, 1)), ['shops applied', 'prices unknown'])
})

test('migrations that `supabase db push` has applied are recorded and not run again', async (t) => {
  const [db, migrations] = [await emptyDatabase(t), await fixtures(t)]
  await db.query(`create schema catalog; ${migrations[0]?.sql ?? ''}
    create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations (version, name) values ('20260101000001', 'shops'), ('20260101000002', 'something_of_the_users')`)
  assert.deepEqual(await states(db, migrations), ['shops pushed', 'prices pending'])
  const result = await migrate(db, { migrations })
  assert.deepEqual(names(result.adopted), ['shops'])
  assert.deepEqual(names(result.applied), ['prices'])
  assert.equal(result.adoptedFrom, 'supabase')
  assert.deepEqual(await states(db, migrations), ['shops applied', 'prices applied'])
  assert.equal(await count(db, 'supabase_migrations.schema_migrations'), 2)
})

test('the history of the Supabase CLI is started only on request, and continued always', async (t) => {
  const [db, migrations] = [await emptyDatabase(t), await fixtures(t)]
  const [first] = migrations
  assert.ok(first)
  await migrate(db, { migrations: [first] })
  assert.equal(await count(db, `pg_namespace where nspname = 'supabase_migrations'`), 0)
  const started = await migrate(db, { migrations: [first], recordFor: 'supabase' })
  assert.deepEqual(names(started.recordedForSupabase), ['shops'])
  for (const recorded of [['prices'], []]) {
    const { recordedForSupabase } = await migrate(db, { migrations })
    assert.deepEqual(names(recordedForSupabase), recorded)
  }
  const { rows } = await db.query(`select version, name, cardinality(statements) as n
    from supabase_migrations.schema_migrations order by version`)
  assert.deepEqual(rows, [
    { version: '20260101000001', name: 'shops', n: 2 },
    { version: '20260101000002', name: 'prices', n: 1 },
  ])
})

test('init.sql creates the same schema once, and migrate continues from it', async (t) => {
  const db = await emptyDatabase(t)
  const migrations = await fixtures(t, {
    ...FILES,
    '20260101000003_names.sql': 'alter table catalog.shops add column name text',
  })
  await db.query(renderInitSql(migrations.slice(0, 2)))
  assert.deepEqual(await states(db, migrations), [
    'shops applied',
    'prices applied',
    'names pending',
  ])
  await assert.rejects(db.query(renderInitSql(migrations)), /already installed in this database/)
  assert.deepEqual(names((await migrate(db, { migrations })).applied), ['names'])
})

test('the shipped init.sql creates the newest schema', async (t) => {
  const db = await emptyDatabase(t)
  await db.query(renderInitSql(await listMigrations()))
  assert.deepEqual((await migrate(db)).applied, [])
})

test('migrations are copied once, and a changed copy is never overwritten', async (t) => {
  const migrations = await fixtures(t)
  const target = join(await temporaryFolder(t), 'supabase', 'migrations')
  assert.deepEqual(
    (await copyMigrations(target, migrations)).map(({ outcome }) => outcome),
    ['copied', 'copied'],
  )
  assert.deepEqual(
    (await copyMigrations(target, migrations)).map(({ outcome }) => outcome),
    ['unchanged', 'unchanged'],
  )
  await rm(join(target, '20260101000001_shops.sql'))
  await writeFile(join(target, '20260101000002_prices.sql'), 'mine')
  await assert.rejects(copyMigrations(target, migrations), {
    code: 'usage/invalid',
    message: /20260101000002_prices.sql/,
  })
  assert.deepEqual(await readdir(target), ['20260101000002_prices.sql'])
  assert.equal(await readFile(join(target, '20260101000002_prices.sql'), 'utf8'), 'mine')
})

test('files whose order is ambiguous are refused', async (t) => {
  await assert.rejects(fixtures(t, { 'first.sql': 'select 1' }), /first.sql is not named/)
  await assert.rejects(
    fixtures(t, { '1_a.sql': 'select 1', '1_b.sql': 'select 1' }),
    /1_a.sql and 1_b.sql have the same version/,
  )
})

async function emptyDatabase(t: TestContext): Promise<Db> {
  return (await openTestDatabase(t, { migrations: [] })).pool
}

async function fixtures(
  t: TestContext,
  files: Record<string, string> = FILES,
): Promise<Migration[]> {
  const folder = await temporaryFolder(t)
  for (const [file, sql] of Object.entries(files)) await writeFile(join(folder, file), sql)
  return listMigrations(folder)
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-migrations-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function names(migrations: readonly Migration[]): string[] {
  return migrations.map(({ name }) => name)
}

async function states(db: Db, migrations: readonly Migration[]): Promise<string[]> {
  return (await listMigrationStates(db, migrations)).map(({ name, state }) => `${name} ${state}`)
}

async function count(db: Db, from: string): Promise<unknown> {
  const { rows } = await db.query<{ n: number }>(`select count(*)::int as n from ${from}`)
  return rows[0]?.n
}
