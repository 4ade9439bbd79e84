// The address of a database for another login.

import { credentialsOf, parsePostgresUrl } from './connection-address.ts'

/** Supabase's pooler takes the project from the name of the user: `postgres.abcdefgh`. */
const POOLER = /\.pooler\.supabase\.com$/

export interface LoginCredentials {
  readonly user: string
  readonly password: string
}

/**
 * Returns the valid `address` with this user name and password in place of those in it. The folder
 * of a socket moves from the parameter `host` to the place of the host.
 */
export function toLoginAddress(address: string, { user, password }: LoginCredentials): string {
  const url = parsePostgresUrl(address)
  if (url === null) throw new Error('The address is not one of a Postgres server')
  const [, project] = /\.([^.]+)$/.exec(credentialsOf(address)?.user ?? '') ?? []
  url.username = POOLER.test(url.hostname) && project !== undefined ? `${user}.${project}` : user
  url.password = password
  return url.href
}
