// Who may read the views of schema `api`, and who has rights that nobody should have. The rules are
// in SQL: `publish`, `unpublish`, `list_stray_grants`.

import type { Catalog } from '../catalog.ts'
import { translateErrors } from '../errors.ts'
import type { Db } from '../pool.ts'

/** Twice is safe. @throws SyncError `usage/invalid` when there is no such role */
export async function publishTo(db: Db, role: string): Promise<void> {
  await call(db, 'select catalog.publish($1)', role)
}

/** Twice is safe. @throws SyncError `usage/invalid` when there is no such role */
export async function unpublishFrom(db: Db, role: string): Promise<void> {
  await call(db, 'select catalog.unpublish($1)', role)
}

/** The roles that may read, by name. */
export async function listReaders(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ role: string }>(`select distinct r.rolname as role
    from pg_policies p cross join unnest(p.roles) as r (rolname)
    where p.schemaname = 'catalog' and p.policyname = 'published to ' || r.rolname order by role`)
  return rows.map(({ role }) => role)
}

/** A right on what only the pipeline may use, which nothing of ours has given. */
export interface StrayGrant {
  readonly grantee: string
  /** `call functions of schema pipeline` */
  readonly allows: string
  /** The statement that takes it back. */
  readonly undo: string
}

export function listStrayGrants(db: Catalog): Promise<StrayGrant[]> {
  return db.call<StrayGrant>('list_unexpected_grants', {})
}

async function call(db: Db, sql: string, role: string): Promise<void> {
  await translateErrors(db.query(sql, [role]))
}
