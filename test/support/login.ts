// Login roles for tests. Each is a member of the roles whose rights it needs, and is dropped at the
// end of the test.

import { randomUUID } from 'node:crypto'
import { openPool, type Db } from '../../src/db/pool.ts'
import { WORKER_ROLES } from '../../src/db/rights.ts'
import type { Lifetime, TestDatabase } from './database.ts'

export interface Login {
  readonly name: string
  readonly url: string
  readonly pool: Db
}

/** Creates a login role that is a member of `roles`, and a pool that is logged in as it. */
export async function createLogin(
  t: Lifetime,
  { pool: db, url }: Pick<TestDatabase, 'pool' | 'url'>,
  ...roles: readonly string[]
): Promise<Login> {
  const name = `test_${randomUUID().slice(0, 8)}`
  await db.query(`create role ${name} login password 'only-a-test'`)
  for (const role of roles) await db.query(`grant ${role} to ${name}`)
  const own = Object.assign(new URL(url), { username: name, password: 'only-a-test' }).href
  const pool = await openPool(own, { applicationName: 'login', max: 6 })
  t.after(async () => {
    await pool.end()
    await db.query(`drop owned by ${name}`)
    await db.query(`drop role ${name}`)
  })
  return { name, url: own, pool }
}

/**
 * Drops what `shelfsync logins --prefix` has created. The database of the test may be dropped
 * already.
 */
export async function dropLogins(databaseUrl: string, prefix: string): Promise<void> {
  const server = Object.assign(new URL(databaseUrl), { pathname: 'postgres' }).href
  const pool = await openPool(server, { applicationName: 'test', max: 1 })
  const kinds = WORKER_ROLES.map((role) => role.replace('shelfsync_', ''))
  for (const kind of [...kinds, 'services'])
    await pool.query(`drop role if exists ${prefix}_${kind}`)
  await pool.end()
}
