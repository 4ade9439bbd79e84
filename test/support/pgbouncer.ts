// Debian's PgBouncer in front of a real Postgres. It lets everybody in, as the user whose name and
// password stand in the URL behind it, and like Postgres it refuses to be root, so that it runs
// under the account that a root's embedded Postgres would get.

import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findAccount } from '../../src/embedded-postgres/account.ts'
import type { Lifetime } from './database.ts'
import { findProgram, startProcess, startServer } from './processes.ts'

export interface PgbouncerOptions {
  /** Who keeps a server connection: a client until it leaves, or a transaction until it ends. */
  readonly mode: 'session' | 'transaction'
  /** Server connections at most. Default 20. */
  readonly poolSize?: number
  /**
   * Which idle one a transaction gets: the one last used (PgBouncer's default), or each in its
   * turn.
   */
  readonly order?: 'last' | 'turn'
}

export interface Pgbouncer {
  /** The same database, user and password through the pooler. */
  readonly url: string
  /** Cuts everybody off. Twice is safe. */
  stop(): Promise<void>
}

/** A pooler that lives as long as the test. */
export async function startPgbouncer(
  t: Lifetime,
  databaseUrl: string,
  options: PgbouncerOptions,
): Promise<Pgbouncer> {
  const program = findProgram('pgbouncer', 'pgbouncer')
  const account = await findAccount()
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-pgbouncer-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o700)
  if (account.uid !== undefined) await chown(folder, account.uid, account.gid)
  const file = join(folder, 'pgbouncer.ini')
  const { port, server } = await startServer(async (ownPort) => {
    await writeFile(file, settings(new URL(databaseUrl), ownPort, options), { mode: 0o644 })
    return startProcess(t, program, [file], { ...account, cwd: folder })
  }, /process up/)
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  // PgBouncer refuses these, with which an embedded server's address keeps the environment out.
  for (const parameter of ['replication', 'options']) url.searchParams.delete(parameter)
  return {
    url: url.href,
    async stop() {
      server.kill('SIGKILL')
      await server.exited
    },
  }
}

/** https://www.pgbouncer.org/config.html */
function settings(
  database: URL,
  port: number,
  { mode, poolSize = 20, order = 'last' }: PgbouncerOptions,
): string {
  const target = {
    host: database.hostname,
    port: database.port || '5432',
    user: database.username,
    password: database.password,
  }
  const quoted = Object.entries(target).map(
    ([name, value]) => `${name}='${decodeURIComponent(value).replaceAll(`'`, `''`)}'`,
  )
  return `[databases]
* = ${quoted.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${poolSize}
server_round_robin = ${order === 'turn' ? 1 : 0}
`
}
