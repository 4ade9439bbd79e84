// Debian's PgBouncer in front of a real Postgres. It accepts every client, as the user of the URL
// behind it. Like Postgres it refuses to run as root, so it runs under the account that root's
// embedded Postgres would get.

import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findAccount } from '../../src/embedded-postgres/account.ts'
import type { Lifetime } from './database.ts'
import { findProgram, startProcess, startServer } from './processes.ts'

export interface PgbouncerOptions {
  /**
   * The holder of a server connection: a client until it disconnects, or a transaction until it
   * ends.
   */
  readonly mode: 'session' | 'transaction'
  /** The largest number of server connections. Default 20. */
  readonly poolSize?: number
  /**
   * The idle connection that a transaction gets: the one last used (PgBouncer's default), or each
   * in turn.
   */
  readonly order?: 'last' | 'turn'
}

export interface Pgbouncer {
  /** The same database, user and password through the pooler. */
  readonly url: string
  /** Disconnects all clients. May be called twice. */
  stop(): Promise<void>
}

/** Starts a pooler that ends with the test. */
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
  // PgBouncer refuses these parameters, which keep the environment out of an embedded server's
  // address.
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
