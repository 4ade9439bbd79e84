// The checks of `shelfsync doctor ROLE…`: what `shelfsync serve` with these roles needs on this
// machine. The login of a service may not read the catalogue, so these checks do not either.

import { openDatabase, requireMigrated } from '../../app/open-database.ts'
import { requireRights } from '../../app/rights.ts'
import type { Settings } from '../../config/settings.ts'
import { SERVER_ROLES, type Role } from '../../core/roles.ts'
import { inspectServer } from '../../db/server-facts.ts'
import type { Output } from '../terminal/output.ts'
import { type Check, toFailedCheck } from './check.ts'
import { checkClock, describeServer, READ_ONLY } from './database.ts'

/** Null when the process needs no key, or has one. */
export function checkRequiredKey({ http }: Settings, roles: readonly Role[]): Check | null {
  if (http.keys.length > 0 || !roles.some((role) => SERVER_ROLES.includes(role))) return null
  return {
    name: 'keys',
    state: 'fail',
    message: 'ADMIN_KEY is missing: the HTTP servers do not start without it',
    hint: 'Set the ADMIN_KEY of the other services, or create one with `openssl rand -hex 32`.',
  }
}

/** Checks the connection, the rights of the login, the migrations and the tables of the queue. */
export async function checkServiceDatabase(
  output: Output,
  settings: Settings,
  roles: readonly Role[],
  report: (check: Check) => void,
): Promise<void> {
  let name = 'database'
  try {
    await using opened = await openDatabase(settings, { notify: (text) => output.note(text) })
    const facts = await inspectServer(opened.db)
    report(describeServer(facts, settings))
    if (facts.readOnly) report(READ_ONLY)
    report(checkClock(facts.skewMs))
    name = 'migrations'
    await requireMigrated(opened.db, 'Run `shelfsync migrate` as the owner')
    report({ name, state: 'ok', message: 'all applied' })
    name = 'rights'
    await requireRights(opened.db, roles)
    report({ name, state: 'ok', message: `those of ${roles.join(', ')}` })
    if (settings.queue.url !== null || settings.databaseUrl === null) return
    name = 'queue'
    const { requireQueueSchema } = await import('../../jobs/queues.ts')
    await requireQueueSchema(opened.db)
    report({ name, state: 'ok', message: 'the tables of the queue are up to date' })
  } catch (error) {
    report(toFailedCheck(name, error))
  }
}
