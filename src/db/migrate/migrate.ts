// Brings a database to the newest schema: plain SQL files, in order of their names, each in one
// transaction with its record. Files that `supabase db push` has applied before count as applied;
// its history is a table that we read, and write only on request.

import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { SyncError } from '../../core/errors.ts'
import { makeFolder } from '../../node/make-folder.ts'
import type { PipelineDb } from '../pipeline-db.ts'
import type { Db } from '../pool.ts'
import { transaction, type DbClient } from '../transaction.ts'
import { countLines, splitSql, type Statement } from './sql-statements.ts'

/** The migrations that this version of Shelfsync ships. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(
  new URL('../../../supabase/migrations/', import.meta.url),
)

/** The current definition of every object: what all migrations add up to. */
export const SCHEMAS_DIRECTORY = fileURLToPath(
  new URL('../../../supabase/schemas/', import.meta.url),
)

const MIGRATIONS_LOCK = 7_435_901_629

/** What holds the records; safe to run again. Also the head of init.sql. */
export const RECORDS_SQL = `create schema if not exists catalog;
create table if not exists catalog.migrations (
  version    text primary key,
  name       text not null,
  checksum   text not null,
  applied_at timestamptz not null default now()
);
alter table catalog.migrations enable row level security;`

/** One file, `<version>_<name>.sql`. */
export interface Migration {
  readonly version: string
  readonly name: string
  readonly file: string
  readonly sql: string
  /** SHA-256 of the text in hex; line endings do not count. */
  readonly checksum: string
}

export interface MigrateOptions {
  /** Default: what this version ships. */
  readonly migrations?: readonly Migration[]
  /**
   * Also write Supabase's own history. Only right when the same files lie in the user's project
   * (`copyMigrations`).
   */
  readonly recordFor?: 'supabase'
}

export interface MigrationState {
  readonly version: string
  readonly name: string
  /**
   * `pushed`: `supabase db push` has applied it and the next `migrate` will note that. `unknown`:
   * of a newer Shelfsync.
   */
  readonly state: 'applied' | 'pushed' | 'pending' | 'changed' | 'unknown'
  readonly appliedAt: Date | null
}

interface Applied {
  readonly version: string
  readonly name: string
  readonly checksum: string
  readonly applied_at: Date
}

/**
 * Reads a folder of migrations, in order. @throws SyncError `db/migration-failed` when two share a
 * version
 */
export async function listMigrations(
  directory: string = MIGRATIONS_DIRECTORY,
): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(
    files.map(async (file) => {
      const [, version, name] = /^(\d+)_(.+)\.sql$/.exec(file) ?? []
      if (!version || !name)
        throw new SyncError(
          'db/migration-failed',
          `${join(directory, file)} is not named <digits>_<name>.sql`,
        )
      const sql = unify(await readFile(join(directory, file), 'utf8'))
      return { version, name, file, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
  for (const [index, { version, file }] of migrations.entries()) {
    const before = migrations[index - 1]
    if (before?.version === version)
      throw new SyncError('db/migration-failed', `${before.file} and ${file} have the same version`)
  }
  return migrations
}

/**
 * Applies what is missing and returns it, in order. Two at once do no harm: the second waits and
 * finds nothing to do. A file that fails leaves nothing behind; those before it stay applied.
 *
 * @throws SyncError `db/migration-failed`: a statement failed (file, line, Postgres's message), an
 * applied file was changed, or the database
 *   was migrated by a newer Shelfsync
 */
export async function migrate(db: Db, options: MigrateOptions = {}): Promise<Migration[]> {
  const migrations = options.migrations ?? (await listMigrations())
  const client = await db.connect()
  let broken = false
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATIONS_LOCK])
    await client.query(RECORDS_SQL)
    const applied = await listApplied(client)
    refuseDifferences(migrations, applied)
    const pushed = await listPushed(client)
    const fresh = migrations.filter(({ version }) => !applied.has(version))
    const missing = fresh.filter((migration) => !isPushed(migration, pushed))
    for (const migration of fresh)
      await transaction(client, () => apply(client, migration, missing.includes(migration)))
    if (options.recordFor === 'supabase')
      await transaction(client, () => recordForSupabase(client, migrations))
    return missing
  } catch (error) {
    broken = !(error instanceof SyncError)
    throw error
  } finally {
    if (!broken)
      await client
        .query('select pg_advisory_unlock($1)', [MIGRATIONS_LOCK])
        .catch(() => (broken = true))
    client.release(broken)
  }
}

/**
 * The versions that are shipped and not in the database, asked by a call: no role but their owner
 * reads the tables.
 *
 * @throws SyncError `db/not-migrated` when a project that can only be called has none of ours
 */
export async function listMissingMigrations(db: PipelineDb): Promise<string[]> {
  const applied = new Set(await db.listAppliedVersions())
  return (await listMigrations())
    .map(({ version }) => version)
    .filter((version) => !applied.has(version))
}

/**
 * Each migration that is shipped or applied, by version. Changes nothing, and works on an empty
 * database.
 */
export async function listMigrationStates(
  db: Db,
  migrations?: readonly Migration[],
): Promise<MigrationState[]> {
  const shipped = migrations ?? (await listMigrations())
  const applied = await listApplied(db)
  const pushed = await listPushed(db)
  const known = shipped.map((migration): MigrationState => {
    const { version, name, checksum } = migration
    const record = applied.get(version)
    if (!record)
      return {
        version,
        name,
        state: isPushed(migration, pushed) ? 'pushed' : 'pending',
        appliedAt: null,
      }
    return {
      version,
      name,
      state: record.checksum === checksum ? 'applied' : 'changed',
      appliedAt: record.applied_at,
    }
  })
  const unknown = [...applied.values()].filter(
    ({ version }) => !shipped.some((migration) => migration.version === version),
  )
  const strange = unknown.map(({ version, name, applied_at: appliedAt }): MigrationState => ({
    version,
    name,
    state: 'unknown',
    appliedAt,
  }))
  return [...known, ...strange].sort((a, b) => (a.version < b.version ? -1 : 1))
}

export interface CopiedMigration {
  readonly file: string
  readonly outcome: 'copied' | 'unchanged'
}

/**
 * Copies the migrations into `directory` (a project's `supabase/migrations`), made when missing.
 * Twice is safe.
 *
 * @throws SyncError `usage/invalid` when a file there differs from ours; nothing is copied then
 */
export async function copyMigrations(
  directory: string,
  migrations?: readonly Migration[],
): Promise<CopiedMigration[]> {
  const shipped = migrations ?? (await listMigrations())
  await makeFolder(directory)
  const present = await Promise.all(
    shipped.map(({ file }) => readFile(join(directory, file), 'utf8').catch(() => null)),
  )
  const changed = shipped.filter(
    ({ sql }, index) => present[index] != null && unify(present[index]) !== sql,
  )
  if (changed.length > 0) {
    const names = changed.map(({ file }) => join(directory, file)).join(', ')
    throw new SyncError(
      'usage/invalid',
      `Changed by hand, so not overwritten: ${names}. Move your changes into a migration of your own`,
    )
  }
  return Promise.all(
    shipped.map(async ({ file, sql }, index): Promise<CopiedMigration> => {
      if (present[index] != null) return { file, outcome: 'unchanged' }
      await writeFile(join(directory, file), sql)
      return { file, outcome: 'copied' }
    }),
  )
}

async function apply(client: DbClient, migration: Migration, run: boolean): Promise<void> {
  const { version, name, checksum } = migration
  // Building an index or a default may take longer than any timeout that the role has.
  await client.query('set local statement_timeout = 0')
  if (run)
    for (const statement of splitSql(migration.sql))
      await runStatement(client, migration, statement)
  await client.query(
    'insert into catalog.migrations (version, name, checksum) values ($1, $2, $3)',
    [version, name, checksum],
  )
}

async function runStatement(
  client: DbClient,
  { file }: Migration,
  { sql, line }: Statement,
): Promise<void> {
  try {
    await client.query(sql)
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError)) throw cause
    const at = line + countLines(sql.slice(0, Number(cause.position ?? 1) - 1))
    const facts = [cause.message, cause.detail, cause.hint, cause.where].filter(Boolean).join(' · ')
    throw new SyncError(
      'db/migration-failed',
      `Migration ${file}, line ${at}: ${facts}. Nothing of this file was applied`,
      { cause },
    )
  }
}

function refuseDifferences(
  migrations: readonly Migration[],
  applied: ReadonlyMap<string, Applied>,
): void {
  for (const { version, file, checksum } of migrations) {
    const record = applied.get(version)
    if (!record || record.checksum === checksum) continue
    const message = `Migration ${file} was changed after it was applied: restore it, and put the change into a new file`
    throw new SyncError('db/migration-failed', message)
  }
  const newest = [...applied.values()].find(
    ({ version }) => !migrations.some((migration) => migration.version === version),
  )
  if (!newest) return
  const message = `The database has migration ${newest.version}_${newest.name}, which this version of Shelfsync does not know`
  throw new SyncError('db/migration-failed', `${message}: a newer one was here. Install that one`)
}

async function listApplied(db: Db | DbClient): Promise<Map<string, Applied>> {
  if (!(await exists(db, 'catalog.migrations'))) return new Map()
  const { rows } = await db.query<Applied>(
    'select version, name, checksum, applied_at from catalog.migrations order by version',
  )
  return new Map(rows.map((row) => [row.version, row]))
}

/** Version and name (older Supabase CLIs left it null) of what `supabase db push` has applied. */
async function listPushed(db: Db | DbClient): Promise<Map<string, string | null>> {
  if (!(await exists(db, 'supabase_migrations.schema_migrations'))) return new Map()
  const { rows } = await db.query<{
    version: string
    name: string | null
  }>(`select version, to_jsonb(m) ->> 'name' as name
    from supabase_migrations.schema_migrations m`)
  return new Map(rows.map(({ version, name }) => [version, name]))
}

/** A file of the user's own may have the same version: then the names differ. */
function isPushed(
  { version, name }: Migration,
  pushed: ReadonlyMap<string, string | null>,
): boolean {
  return pushed.has(version) && (pushed.get(version) ?? name) === name
}

async function exists(db: Db | DbClient, table: string): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    'select to_regclass($1) is not null as found',
    [table],
  )
  return rows[0]?.found ?? false
}

/**
 * The statements by which the Supabase CLI itself makes its history (pkg/migration/history.go in
 * supabase/cli).
 */
async function recordForSupabase(
  client: DbClient,
  migrations: readonly Migration[],
): Promise<void> {
  await client.query(`create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text`)
  for (const { version, name, sql } of migrations) {
    const statements = splitSql(sql).map((statement) => statement.sql)
    await client.query(
      `insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)
      on conflict (version) do nothing`,
      [version, name, statements],
    )
  }
}

function unify(text: string): string {
  return text.replaceAll('\r\n', '\n')
}
