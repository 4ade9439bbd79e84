// Which roles a login really has, asked before it works: without its rights a process would take
// tasks that it can only ruin.

import { translateErrors } from './errors.ts'
import type { Db } from './pool.ts'

/**
 * For each role that `migrate` makes, a function that its work needs and no other of them may call.
 */
const TELLTALES = {
  shelfsync_fetcher: 'add_part',
  shelfsync_maintainer: 'apply_batch',
  shelfsync_orchestrator: 'list_due_sources',
} as const
export type WorkerRole = keyof typeof TELLTALES

/**
 * The login, as SQL writes it, and those of `roles` whose rights it lacks. Whoever owns the
 * functions lacks none.
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
       select role from unnest($1::text[], $2::text[]) as needed (role, telltale) where not exists (
         select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = 'catalog' and proname = telltale and has_function_privilege(p.oid, 'execute'))) as lacking`,
      [roles, roles.map((role) => TELLTALES[role])],
    ),
  )
  if (!row) throw new Error('The server answered without a row')
  return row
}
