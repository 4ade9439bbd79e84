// One pool of connections per process, opened only after the server has shown that it can do what
// the line needs: sessions that keep their locks and temporary tables. A pooler in transaction mode
// accepts both and then loses them without a word.

import pg from 'pg'
import { SyncError } from '../core/errors.ts'
import { type Args, type Catalog, inSession } from './catalog.ts'
import { nameConnectFailure } from './connect-errors.ts'
import { chooseTls, parsePostgresAddress } from './postgres-address.ts'

export type DbClient = pg.PoolClient

/** A pool of sessions, each of which can do all that Postgres can. */
export class Db extends pg.Pool implements Catalog {
  call<Row>(name: string, args: Args, timeoutMs?: number): Promise<Row[]> {
    return inSession(this).call(name, args, timeoutMs)
  }
}

export interface PoolOptions {
  /** Connections at most, 2 or more. Default 10. */
  readonly max?: number
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string
  /** For libraries whose SQL does not name its schema; ours always does. */
  readonly searchPath?: string
}

const VERSION_MIN = 150_000

/**
 * What a database or a role may have set otherwise, and we rely on: how values are written, and
 * what names mean. Supabase cancels its users' statements after two minutes; a large merge or an
 * index may take longer. A worker that was cut off or stands still in the middle of a transaction
 * must not keep its locks for longer than a lease lasts: whoever takes over waits for them.
 */
const SESSION = `set time zone 'UTC'; set client_encoding = 'UTF8'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres'; set bytea_output = 'hex';
  set extra_float_digits = 1; set standard_conforming_strings = on; set array_nulls = on; set transform_null_equals = off; set row_security = on;
  set default_transaction_isolation = 'read committed'; set default_transaction_deferrable = off;
  set statement_timeout = 0; set lock_timeout = 0; set idle_session_timeout = 0; set idle_in_transaction_session_timeout = '15s';
  set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3; set tcp_user_timeout = 10000;`
/** It exists since Postgres 17. */
const NO_TRANSACTION_TIMEOUT = `select pg_catalog.set_config(name, '0', false) from pg_catalog.pg_settings where name operator(pg_catalog.=) 'transaction_timeout';`
const SEARCH_PATH = 'public'

/**
 * Connects, checks the server and hands out a pool. `sslmode` in the URL means what it means to
 * libpq; without it, a server on another machine is asked for TLS first. `bigint` is read as a
 * number while that is exact, else as a string; `numeric` is always a string, and so is `date`,
 * because a day is no instant. Sessions run in UTC and without a statement timeout.
 *
 * @throws SyncError `settings/invalid` (no such URL) · `db/unreachable` · `db/unsuitable` (version,
 * transaction mode, read replica)
 */
export async function openPool(
  databaseUrl: string,
  { max = 10, applicationName, searchPath }: PoolOptions,
): Promise<Db> {
  const address = parsePostgresAddress(databaseUrl)
  refuseKnownTransactionPort(address)
  const pool = new Db({
    connectionString: await chooseTls(address),
    application_name: applicationName,
    max: Math.max(2, max),
    // A worker that was cut off while it waited for an answer learns of it within fifteen seconds.
    // Without a delay of our own Linux takes two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    connectionTimeoutMillis: 10_000,
    types: readableTypes(),
    // oxlint-disable-next-line typescript/no-misused-promises -- pg waits for it; only its types do not say so
    onConnect: (client) =>
      client.query(
        `${SESSION} ${NO_TRANSACTION_TIMEOUT} set search_path = ${searchPath ?? SEARCH_PATH};`,
      ),
  })
  // A connection that breaks is told by the next query on it; without a listener it would end the
  // process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    await checkServer(pool)
    return pool
  } catch (error) {
    await pool.end()
    throw error instanceof SyncError ? error : await nameConnectFailure(address, error)
  }
}

/**
 * Runs `work` in one transaction: all of it or nothing. Given a pool, it takes a connection and
 * gives it back, or throws it away when broken. Given a connection, it uses that one, which must
 * not be in a transaction already.
 */
export async function transaction<T>(
  db: Db | DbClient,
  work: (client: DbClient) => Promise<T>,
): Promise<T> {
  const client = db instanceof Db ? await db.connect() : db
  let broken = false
  try {
    await client.query('begin')
    const result = await work(client)
    const { command } = await client.query('commit')
    // Postgres answers so, and without an error, when a failed statement was swallowed on the way.
    if (command === 'ROLLBACK')
      throw new Error(
        'The transaction was rolled back: a statement in it had failed and was ignored',
      )
    return result
  } catch (error) {
    broken = !(await tryToRollBack(client))
    throw error
  } finally {
    if (db instanceof Db) client.release(broken)
  }
}

/**
 * Runs `work` in a transaction of `client` that is always rolled back. @throws the error of `work`,
 * also when the connection is lost
 */
export async function rollBack(client: DbClient, work: () => Promise<unknown>): Promise<void> {
  await client.query('begin')
  try {
    await work()
  } catch (error) {
    await tryToRollBack(client)
    throw error
  }
  await client.query('rollback')
}

/**
 * Whether the connection can still be used. A failed rollback must not hide the error that made it
 * necessary.
 */
function tryToRollBack(client: DbClient): Promise<boolean> {
  return client.query('rollback').then(
    () => true,
    () => false,
  )
}

function refuseKnownTransactionPort({ hostname, port }: URL): void {
  if (port !== '6543' || !/\.supabase\.(com?|net)$/.test(hostname)) return
  throw transactionMode(`Port 6543 of ${hostname} is Supabase's pooler in transaction mode`)
}

function transactionMode(reason: string): SyncError {
  const advice = `Use the direct connection, or the pooler's session mode (port 5432)`
  return new SyncError(
    'db/unsuitable',
    `${reason}: locks and temporary tables do not last there. ${advice}`,
  )
}

interface Session {
  readonly pid: number
  readonly version: number
  readonly name: string
  readonly replica: boolean
}

async function checkServer(pool: Db): Promise<void> {
  const [one, two] = [await pool.connect(), await pool.connect()]
  try {
    const { version, name, replica, pid } = await loadSession(one)
    if (version < VERSION_MIN)
      throw new SyncError(
        'db/unsuitable',
        `The server is Postgres ${name}; Shelfsync needs 15 or newer`,
      )
    if (replica)
      throw new SyncError(
        'db/unsuitable',
        'The server is a read replica; Shelfsync needs the primary',
      )
    // In session mode each connection has a process of its own. A pooler in transaction mode hands
    // its processes round, the last used first or in turn: asked one after the other in this order,
    // either way shows.
    const seen = [pid]
    for (const client of [two, one, one, two]) seen.push((await loadSession(client)).pid)
    const [a, b, c, d, e] = seen
    if (a === b || a !== c || a !== d || b !== e)
      throw transactionMode('DATABASE_URL leads to a pooler in transaction mode')
  } finally {
    one.release()
    two.release()
  }
}

async function loadSession(client: DbClient): Promise<Session> {
  const { rows } =
    await client.query<Session>(`select pg_backend_pid() as pid, current_setting('server_version_num')::int as version,
    current_setting('server_version') as name, pg_is_in_recovery() as replica`)
  const session = rows[0]
  if (!session) throw new Error('The server answered without a row')
  return session
}

const { INT8, NUMERIC, DATE } = pg.types.builtins
const INT8_ARRAY = 1016
const NUMERIC_ARRAY = 1231

function readableTypes(): pg.TypeOverrides {
  const types = new pg.TypeOverrides()
  const asIs = (text: string): string => text
  types.setTypeParser(INT8, readBigint)
  types.setTypeParser(INT8_ARRAY, (text) => readList(text, readBigint))
  types.setTypeParser(NUMERIC, asIs)
  types.setTypeParser(NUMERIC_ARRAY, (text) => readList(text, asIs))
  types.setTypeParser(DATE, asIs)
  return types
}

function readBigint(text: string): number | string {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}

/** One dimension of numbers, which Postgres never quotes. */
function readList<T>(text: string, read: (item: string) => T): (T | null)[] {
  return text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((item) => (item === 'NULL' ? null : read(item)))
}
