// Checks that the database login of a process has the rights that its roles need.

import { SyncError } from '../core/errors.ts'
import type { Db } from '../db/pool.ts'
import { findLackingRights, type WorkerRole } from '../db/rights.ts'
import type { Role } from '../core/roles.ts'

const DATABASE_ROLES: Readonly<Record<Role, WorkerRole>> = {
  fetcher: 'shelfsync_fetcher',
  maintainer: 'shelfsync_maintainer',
  orchestrator: 'shelfsync_orchestrator',
  web: 'shelfsync_web',
  scheduler: 'shelfsync_orchestrator',
  images: 'shelfsync_images',
  deliver: 'shelfsync_deliver',
}

/** @throws SyncError `db/denied` */
export async function requireRights(db: Db, roles: readonly Role[]): Promise<void> {
  const { login, lacking } = await findLackingRights(db, [
    ...new Set(roles.map((role) => DATABASE_ROLES[role])),
  ])
  if (lacking.length === 0) return
  const affected = roles.filter((role) => lacking.includes(DATABASE_ROLES[role])).join(', ')
  throw new SyncError(
    'db/denied',
    `The login ${login} lacks the rights of a process with the role ${affected}: ` +
      `start it with another DATABASE_URL, or as the owner grant ${lacking.join(', ')} to ${login}`,
  )
}
