// Finds storage that a platform would lose. The root file system of a Fly.io machine is reset by
// every deploy and restart, and no other machine can read it:
// https://fly.io/docs/machines/overview/#machine-state

import { ROLES, WORKER_ROLES, type Role } from '../core/roles.ts'
import type { Settings } from './settings.ts'

/**
 * Returns one line for each setting with which a process of these roles would lose data; none
 * outside of Fly.io.
 */
export function findLostStorage(
  {
    flyApp,
    databaseUrl,
    embedded,
    supabase,
    artifacts,
  }: Pick<Settings, 'flyApp' | 'databaseUrl' | 'embedded' | 'supabase' | 'artifacts'>,
  roles: readonly Role[] = ROLES,
): readonly string[] {
  if (flyApp === null) return []
  const problems = []
  if (databaseUrl === null && (embedded || supabase === null))
    problems.push(
      'DATABASE_URL: expected a Postgres outside of this Fly.io machine. ' +
        'Each deploy and restart resets the disk of the machine, ' +
        `and with it the embedded database: fly secrets set DATABASE_URL=… --app ${flyApp}`,
    )
  if (artifacts.startsWith('file:') && roles.some((role) => WORKER_ROLES.includes(role)))
    problems.push(
      'ARTIFACTS: expected `supabase:` or `s3://bucket/prefix` on Fly.io. ' +
        'Each deploy and restart resets the disk of the machine, ' +
        'and other machines cannot read it: set ARTIFACTS, or SUPABASE_URL and SUPABASE_SECRET_KEY',
    )
  return problems
}
