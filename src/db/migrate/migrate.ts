// Migrates a database to the newest schema. Each file is applied in one transaction with its
// record. Files that `supabase db push` has applied count as applied.

import pg from 'pg'
import { SyncError } from '../../core/errors.ts'
import type { Db } from '../pool.ts'
import { transaction, type DbClient } from '../transaction.ts'
import { listMigrations, type Migration } from './migration-files.ts'
import {
  insertRecord,
  isPushed,
  listPushed,
  listRecords,
  recordForSupabase,
  RECORDS_SQL,
  type MigrationRecord,
} from './migration-records.ts'
import { describePartialSet, findUnrecordedSet } from './schema-objects.ts'
import { countLines, splitSql, type Statement } from './sql-statements.ts'

const MIGRATIONS_LOCK = 7_435_901_629

export interface MigrateOptions {
  /** Default: the migrations that this version ships. */
  readonly migrations?: readonly Migration[]
  /**
   * Also writes the history of the Supabase CLI. Only right if the project that the CLI pushes
   * contains the same files (`copyMigrations`): the CLI refuses a history with other ones. A history
   * that has a migration of Shelfsync already is always continued.
   */
  readonly recordFor?: 'supabase'
}

/** Each list is in the order of the versions. */
export interface MigrateResult {
  /** Applied now. */
  readonly applied: readonly Migration[]
  /** Applied before by `supabase db push` or psql, and recorded now. */
  readonly adopted: readonly Migration[]
  readonly adoptedFrom: 'supabase' | 'psql' | null
  /** Written to the history of the Supabase CLI now. */
  readonly recordedForSupabase: readonly Migration[]
}

/**
 * Applies the missing migrations. A second process that migrates at the same time waits and applies
 * none. A file that fails leaves nothing behind; the files before it stay applied.
 *
 * @throws SyncError `db/migration-failed`: a statement failed (file, line, message of Postgres), an
 * applied file was changed, or a newer Shelfsync has migrated the database
 */
export async function migrate(db: Db, options: MigrateOptions = {}): Promise<MigrateResult> {
  const migrations = options.migrations ?? (await listMigrations())
  const client = await db.connect()
  let broken = false
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATIONS_LOCK])
    return await migrateLocked(client, migrations, options.recordFor === 'supabase')
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

async function migrateLocked(
  client: DbClient,
  migrations: readonly Migration[],
  recordsForSupabase: boolean,
): Promise<MigrateResult> {
  await client.query(RECORDS_SQL)
  const records = await listRecords(client)
  refuseDifferences(migrations, records)
  const history = await listPushed(client)
  const isPushedHere = (migration: Migration): boolean => isPushed(migration, history)
  const unrecorded = migrations.filter(({ version }) => !records.has(version))
  const isPushedProject = migrations.some(isPushedHere)
  const byPsql = records.size === 0 && !isPushedProject && (await isWholeSet(client))
  const adopted = byPsql ? unrecorded : unrecorded.filter(isPushedHere)
  const applied = unrecorded.filter((migration) => !adopted.includes(migration))
  await transaction(client, async () => {
    for (const migration of adopted) await insertRecord(client, migration)
  })
  for (const migration of applied)
    await transaction(client, async () => {
      await run(client, migration)
      await insertRecord(client, migration)
    })
  const unknownToSupabase = migrations.some(({ version }) => !history.has(version))
  const recordedForSupabase =
    unknownToSupabase && (recordsForSupabase || isPushedProject)
      ? await transaction(client, () => recordForSupabase(client, migrations))
      : []
  const adoptedFrom = adopted.length === 0 ? null : byPsql ? 'psql' : 'supabase'
  return { applied, adopted, adoptedFrom, recordedForSupabase }
}

/**
 * Returns true when the migrations were applied without any record, for example by psql.
 *
 * @throws SyncError `db/migration-failed` when only some of them were
 */
async function isWholeSet(client: DbClient): Promise<boolean> {
  const damage = await findUnrecordedSet(client)
  if (damage === null) return false
  if (damage.length > 0) throw new SyncError('db/migration-failed', describePartialSet(damage))
  return true
}

async function run(client: DbClient, migration: Migration): Promise<void> {
  // Building an index or a default may take longer than the timeout of the role.
  await client.query('set local statement_timeout = 0')
  for (const statement of splitSql(migration.sql)) await runStatement(client, migration, statement)
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
  records: ReadonlyMap<string, MigrationRecord>,
): void {
  for (const { version, file, checksum } of migrations) {
    const record = records.get(version)
    if (!record || record.checksum === checksum) continue
    const message = `Migration ${file} was changed after it was applied: restore it, and put the change into a new file`
    throw new SyncError('db/migration-failed', message)
  }
  const unknown = [...records.values()].find(
    ({ version }) => !migrations.some((migration) => migration.version === version),
  )
  if (!unknown) return
  throw new SyncError(
    'db/migration-failed',
    `The database has migration ${unknown.version}_${unknown.name}, which this version of Shelfsync does not know: ` +
      'a newer one has migrated it. Install that version',
  )
}
