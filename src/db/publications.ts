// Who may read the views of schema `api`. The rules are in the SQL functions `publish` and `unpublish`.

import { ask } from './failures.ts'
import type { Db } from './pool.ts'

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

async function call(db: Db, sql: string, role: string): Promise<void> {
  await ask(db.query(sql, [role]))
}
