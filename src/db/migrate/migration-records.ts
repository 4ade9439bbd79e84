// Records of applied migrations: our own table, and the history of the Supabase CLI, which is
// always read and only written on request.

import type { Db } from '../pool.ts'
import type { DbClient } from '../transaction.ts'
import type { Migration } from './migration-files.ts'
import { splitSql } from './sql-statements.ts'

/** Creates our table; a second run changes nothing. init.sql begins with it. */
export const RECORDS_SQL = `create schema if not exists catalog;
create table if not exists catalog.migrations (
  version    text primary key,
  name       text not null,
  checksum   text not null,
  applied_at timestamptz not null default now()
);
alter table catalog.migrations enable row level security;`

export interface MigrationRecord {
  readonly version: string
  readonly name: string
  readonly checksum: string
  readonly appliedAt: Date
}

/** By version, in order. Empty if our table does not exist. */
export async function listRecords(db: Db | DbClient): Promise<Map<string, MigrationRecord>> {
  if (!(await tableExists(db, 'catalog.migrations'))) return new Map()
  const { rows } = await db.query<MigrationRecord>(
    'select version, name, checksum, applied_at as "appliedAt" from catalog.migrations order by version',
  )
  return new Map(rows.map((row) => [row.version, row]))
}

export async function insertRecord(
  client: DbClient,
  { version, name, checksum }: Migration,
): Promise<void> {
  await client.query(
    'insert into catalog.migrations (version, name, checksum) values ($1, $2, $3)',
    [version, name, checksum],
  )
}

/** Version → name of the migrations that `supabase db push` has applied. Older CLIs store no name. */
export async function listPushed(db: Db | DbClient): Promise<Map<string, string | null>> {
  if (!(await tableExists(db, 'supabase_migrations.schema_migrations'))) return new Map()
  const { rows } = await db.query<{
    version: string
    name: string | null
  }>(`select version, to_jsonb(m) ->> 'name' as name
    from supabase_migrations.schema_migrations m`)
  return new Map(rows.map(({ version, name }) => [version, name]))
}

/** Compares the name too, because a file of the user's project may have the same version. */
export function isPushed(
  { version, name }: Migration,
  pushed: ReadonlyMap<string, string | null>,
): boolean {
  return pushed.has(version) && (pushed.get(version) ?? name) === name
}

/**
 * Writes the Supabase CLI's history, with the statements that the CLI itself uses to create it
 * (pkg/migration/history.go in supabase/cli), and returns the migrations that it lacked.
 */
export async function recordForSupabase(
  client: DbClient,
  migrations: readonly Migration[],
): Promise<Migration[]> {
  await client.query(`create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text`)
  const recorded: Migration[] = []
  for (const migration of migrations) {
    const { version, name, sql } = migration
    const statements = splitSql(sql).map((statement) => statement.sql)
    const { rowCount } = await client.query(
      `insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)
      on conflict (version) do nothing`,
      [version, name, statements],
    )
    if (rowCount === 1) recorded.push(migration)
  }
  return recorded
}

async function tableExists(db: Db | DbClient, name: string): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    'select to_regclass($1) is not null as found',
    [name],
  )
  return rows[0]?.found ?? false
}
