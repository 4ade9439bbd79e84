// Checks the roles of a login before a process starts: without their rights it would claim tasks
// that it cannot finish.

import { SyncError } from '../core/errors.ts'
import { translateErrors } from './errors.ts'
import type { Db } from './pool.ts'

/** For each role that `migrate` creates, a function that only this role may call. */
const ROLE_FUNCTIONS = {
  shelfsync_fetcher: 'add_part',
  shelfsync_maintainer: 'apply_batch',
  shelfsync_orchestrator: 'list_due_sources',
  shelfsync_web: 'open_session',
  shelfsync_images: 'claim_images',
  shelfsync_deliver: 'claim_deliveries',
} as const
export type WorkerRole = keyof typeof ROLE_FUNCTIONS
export const WORKER_ROLES: readonly string[] = Object.keys(ROLE_FUNCTIONS)

/**
 * Returns the login as a quoted SQL name, and those of `roles` whose rights it lacks. The owner of
 * the functions lacks none.
 */
export async function findLackingRights(
  db: Db,
  roles: readonly WorkerRole[],
): Promise<{ login: string; lacking: WorkerRole[] }> {
  const {
    rows: [row],
  } = await translateErrors(
    db.query<{ login: string; lacking: WorkerRole[] }>(
      `select quote_ident(current_user) as login, array(
         select role from unnest($1::text[], $2::text[]) as needed (role, function)
         where not exists (
           select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
           where n.nspname = 'catalog' and proname = needed.function
             and has_function_privilege(p.oid, 'execute')
         )
       ) as lacking`,
      [roles, roles.map((role) => ROLE_FUNCTIONS[role])],
    ),
  )
  if (!row) throw new Error('The server returned no row')
  return row
}

/**
 * Verifies that the roles of the migrations exist. Roles belong to the server, so they are missing
 * where only a dump was restored.
 *
 * @throws SyncError `db/migration-failed`
 */
export async function requireWorkerRoles(db: Db): Promise<void> {
  const { rows } = await db.query<{ role: string }>(
    `select role from unnest($1::text[]) role
     where not exists (select from pg_roles where rolname = role)`,
    [WORKER_ROLES],
  )
  if (rows.length === 0) return
  const statements = rows.map(({ role }) => `create role ${role};`).join(' ')
  throw new SyncError(
    'db/migration-failed',
    `The server lacks roles of the migrations, because a dump does not contain roles. Create them as the owner: ${statements} ` +
      'Then drop the schemas catalog, api and pipeline, and restore the dump again, for the rights that it grants to them',
  )
}
