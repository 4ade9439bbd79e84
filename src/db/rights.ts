// Checks the roles of a login before a process starts: without their rights it would claim tasks
// that it cannot finish.

import { translateErrors } from './errors.ts'
import type { Db } from './pool.ts'

/** For each role that `migrate` creates, a function that only this role may call. */
const ROLE_FUNCTIONS = {
  shelfsync_fetcher: 'add_part',
  shelfsync_maintainer: 'apply_batch',
  shelfsync_orchestrator: 'list_due_sources',
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
