// The roles that may read the views of schema `api`, and grants that no role should have. The rules
// are in the SQL functions of the same names.

import type { Catalog } from '../catalog.ts'
import { translateErrors } from '../errors.ts'
import type { Db } from '../pool.ts'

/** Calling it twice is safe. @throws SyncError `usage/invalid` when the role does not exist */
export async function publishTo(db: Db, role: string): Promise<void> {
  await call(db, 'select catalog.publish($1)', role)
}

/** Calling it twice is safe. @throws SyncError `usage/invalid` when the role does not exist */
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

/** A grant on something that only the pipeline may use, and that no migration made. */
export interface StrayGrant {
  readonly grantee: string
  /** `call functions of schema pipeline` */
  readonly allows: string
  /** The statement that revokes it. */
  readonly undo: string
}

export function listStrayGrants(db: Catalog): Promise<StrayGrant[]> {
  return db.call<StrayGrant>('list_unexpected_grants', {})
}

async function call(db: Db, sql: string, role: string): Promise<void> {
  await translateErrors(db.query(sql, [role]))
}
