// Logins for the processes of the services: each is a member of the roles whose rights it needs,
// and of no other role.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { escapeIdentifier, escapeLiteral } from 'pg'
import { SyncError } from '../../core/errors.ts'
import { translateErrors } from '../errors.ts'
import type { Db } from '../pool.ts'
import { WORKER_ROLES, type WorkerRole } from '../rights.ts'
import { transaction, type DbClient } from '../transaction.ts'

/** The default of the setting `scram_iterations` of Postgres. */
const SCRAM_ITERATIONS = 4096

export interface LoginRequest {
  readonly name: string
  /** ASCII, so that it needs no SASLprep. */
  readonly password: string
  readonly roles: readonly WorkerRole[]
}

/**
 * Creates the login, or gives an existing one this password and these roles. Open connections stay
 * open. Calling it twice is safe.
 *
 * @throws SyncError `usage/invalid` when a role of that name has more rights than a login may
 * have or is a member of another role, or is the role whose rights logins get · `db/denied` when the caller may not create roles
 */
export async function saveLogin(db: Db, { name, password, roles }: LoginRequest): Promise<void> {
  const client = await db.connect()
  try {
    await translateErrors(
      transaction(client, async () => {
        const verb = (await findLogin(client, name)) ? 'alter' : 'create'
        const secret = escapeLiteral(toVerifier(password))
        const login = escapeIdentifier(name)
        await client.query(`${verb} role ${login} login password ${secret}`)
        await client.query(`grant ${roles.join(', ')} to ${login}`)
      }),
    )
  } finally {
    client.release()
  }
}

/** @throws SyncError `usage/invalid` */
async function findLogin(client: DbClient, name: string): Promise<boolean> {
  const {
    rows: [role],
  } = await client.query<{ powerful: boolean }>(
    `select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication
       or rolname = any ($2::text[])
       or exists (
         select from pg_auth_members join pg_roles granted on granted.oid = roleid
         where member = pg_roles.oid and granted.rolname <> all ($2::text[])
       ) as powerful
     from pg_roles where rolname = $1`,
    [name, WORKER_ROLES],
  )
  if (role?.powerful === true)
    throw new SyncError(
      'usage/invalid',
      `The role ${name} exists and is not a login for one kind of process: choose another --prefix`,
    )
  return role !== undefined
}

/**
 * Returns what Postgres stores for the password, as `\password` of psql sends it: the password
 * itself then appears in no log of the server. https://datatracker.ietf.org/doc/html/rfc5803
 */
function toVerifier(password: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 32, 'sha256')
  const sign = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(sign('Client Key')).digest('base64')
  const serverKey = sign('Server Key').toString('base64')
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
