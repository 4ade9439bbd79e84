// States of migrations: applied to a database, pending, changed or unknown. Reading changes
// nothing.

import { findUnrecordedSet } from './schema-objects.ts'
import type { PipelineDb } from '../pipeline-db.ts'
import type { Db } from '../pool.ts'
import { listMigrations, type Migration } from './migration-files.ts'
import { isPushed, listPushed, listRecords, type MigrationRecord } from './migration-records.ts'

export interface MigrationState {
  readonly version: string
  readonly name: string
  /**
   * `pushed`: `supabase db push` or psql has applied it, and the next `migrate` will record that.
   * `changed`: the file differs from the one that was applied. `unknown`: a newer Shelfsync has
   * applied it.
   */
  readonly state: 'applied' | 'pushed' | 'pending' | 'changed' | 'unknown'
  readonly appliedAt: Date | null
}

/**
 * Returns the versions that are shipped and not in the database. It calls a function, because only
 * the owner may read the tables.
 *
 * @throws SyncError `db/not-migrated` if a project that can only be called has no migration of Shelfsync
 */
export async function listMissingMigrations(db: PipelineDb): Promise<string[]> {
  const applied = new Set(await db.listAppliedVersions())
  return (await listMigrations())
    .map(({ version }) => version)
    .filter((version) => !applied.has(version))
}

/** Every migration that is shipped or applied, by version. Works on an empty database. */
export async function listMigrationStates(
  db: Db,
  migrations?: readonly Migration[],
): Promise<MigrationState[]> {
  const shipped = migrations ?? (await listMigrations())
  const records = await listRecords(db)
  const pushed = await listPushed(db)
  const isWhole =
    !shipped.some((one) => records.has(one.version) || isPushed(one, pushed)) &&
    (await findUnrecordedSet(db))?.length === 0
  if (isWhole) for (const { version, name } of shipped) pushed.set(version, name)
  const versions = new Set(shipped.map(({ version }) => version))
  return [
    ...shipped.map((migration) => toState(migration, records.get(migration.version), pushed)),
    ...[...records.values()]
      .filter(({ version }) => !versions.has(version))
      .map(({ version, name, appliedAt }): MigrationState => {
        return { version, name, state: 'unknown', appliedAt }
      }),
  ].sort((a, b) => (a.version < b.version ? -1 : 1))
}

function toState(
  migration: Migration,
  record: MigrationRecord | undefined,
  pushed: ReadonlyMap<string, string | null>,
): MigrationState {
  const { version, name, checksum } = migration
  if (!record)
    return {
      version,
      name,
      state: isPushed(migration, pushed) ? 'pushed' : 'pending',
      appliedAt: null,
    }
  const state = record.checksum === checksum ? 'applied' : 'changed'
  return { version, name, state, appliedAt: record.appliedAt }
}
