// One pool of connections per process. It is opened only after the server has proved that sessions
// keep their locks and temporary tables: a pooler in transaction mode accepts both and then loses
// them without an error.

import pg from 'pg'
import { SyncError } from '../core/errors.ts'
import { type Args, inSession } from './catalog.ts'
import { explainConnectError } from './connect-errors.ts'
import { isMissingFunction } from './errors.ts'
import type { PipelineDb, TakeHash } from './pipeline-db.ts'
import { chooseTls, connectTimeoutMs, parsePostgresAddress } from './postgres-address.ts'
import { listMigrations } from './migrate/migration-files.ts'
import { findUnrecordedSet } from './migrate/schema-objects.ts'
import { copyKnownHashes } from './read/known-hashes.ts'
import { transaction, type DbClient } from './transaction.ts'
import { analyzeTables } from './write/analyze.ts'
import type { BatchWriter, WriterOptions } from './write/batch-writer.ts'
import { createStaging } from './write/batches.ts'
import { CopyWriter } from './write/copy-writer.ts'
import { ProductNumbers } from './write/product-numbers.ts'

/** A pool of Postgres sessions. */
export class Db extends pg.Pool implements PipelineDb {
  /** Connections whose sessions have staging tables. */
  readonly #staging = new WeakSet<DbClient>()

  call<Row>(name: string, args: Args, timeoutMs?: number): Promise<Row[]> {
    return inSession(this).call(name, args, timeoutMs)
  }

  /** Lends a connection to `work`, and closes that connection if `work` fails. */
  async use<T>(work: (client: DbClient) => Promise<T>): Promise<T> {
    const client = await this.connect()
    let broken = true
    try {
      const result = await work(client)
      broken = false
      return result
    } finally {
      client.release(broken)
    }
  }

  /** Runs `work` in one transaction of a connection: all of it is committed, or nothing. */
  async transaction<T>(work: (client: DbClient) => Promise<T>): Promise<T> {
    const client = await this.connect()
    try {
      return await transaction(client, () => work(client))
    } finally {
      client.release()
    }
  }

  readKnownHashes(sourceId: number, take: TakeHash): Promise<void> {
    return this.use((client) => copyKnownHashes(client, sourceId, take))
  }

  openWriter(options: WriterOptions): BatchWriter {
    const numbers = new ProductNumbers(this, options.run.sourceId)
    return new CopyWriter(this, numbers, options)
  }

  /** Opens all further connections at this address, which has the same login and TLS mode. */
  moveTo(url: string): void {
    this.options.connectionString = url
  }

  /** Creates the staging tables of a connection's session, unless it has them. */
  async openStaging(client: DbClient): Promise<void> {
    if (this.#staging.has(client)) return
    await createStaging(client)
    this.#staging.add(client)
  }

  /**
   * Returns none for a database without Shelfsync's functions, and all for a whole schema without
   * records, which psql has applied.
   */
  async listAppliedVersions(): Promise<string[]> {
    try {
      const versions = await this.call<string>('list_applied_versions', {})
      if (versions.length > 0 || (await findUnrecordedSet(this))?.length !== 0) return versions
      return (await listMigrations()).map(({ version }) => version)
    } catch (error) {
      if (isMissingFunction(error)) return []
      throw error
    }
  }

  analyzeAfterLoad(onSkipped: (reason: string) => void): Promise<void> {
    return analyzeTables(this, onSkipped)
  }
}

export interface PoolOptions {
  /** Maximum number of connections, at least 2. Default 10. */
  readonly max?: number
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string
  /** For libraries whose SQL does not name its schema. The SQL of this project always does. */
  readonly searchPath?: string
  /** Called whenever a connection is set up: the server responds. */
  readonly onConnected?: () => void
}

const VERSION_MIN = 150_000

/**
 * Settings that a database or a role may have changed and this project relies on: the format of
 * values and the meaning of names. Supabase cancels its users' statements after two minutes; a
 * large merge or an index may take longer. A worker that loses its connection or stops inside a
 * transaction must not keep its locks for longer than a lease: the next worker waits for them.
 */
const SESSION = `
  set time zone 'UTC'; set client_encoding = 'UTF8'; set datestyle = 'ISO, MDY';
  set intervalstyle = 'postgres'; set bytea_output = 'hex'; set extra_float_digits = 1;
  set standard_conforming_strings = on; set array_nulls = on; set transform_null_equals = off;
  set row_security = on; set default_transaction_isolation = 'read committed';
  set default_transaction_deferrable = off; set statement_timeout = 0; set lock_timeout = 0;
  set idle_session_timeout = 0; set idle_in_transaction_session_timeout = '15s';
  set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3;
  set tcp_user_timeout = 10000;`
/** The setting exists since Postgres 17. */
const NO_TRANSACTION_TIMEOUT = `
  select pg_catalog.set_config(name, '0', false) from pg_catalog.pg_settings
  where name operator(pg_catalog.=) 'transaction_timeout';`
const SEARCH_PATH = 'public'
const FACTS = `
  select pg_catalog.pg_backend_pid() as pid,
    pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version,
    pg_catalog.current_setting('server_version') as name, pg_catalog.pg_is_in_recovery() as replica;`

/**
 * Connects, checks the server and returns a pool. `sslmode` in the URL has libpq's meaning; without
 * it, TLS is tried first with a server on another machine. `bigint` is read as a number while that
 * is exact, else as a string; `numeric` is always a string, and so is `date`, because a day is not
 * an instant. Sessions run in UTC and without a statement timeout.
 *
 * @throws SyncError `settings/invalid` (not a Postgres URL) · `db/unreachable` · `db/unsuitable`
 * (version, transaction mode, read replica)
 */
export async function openPool(
  databaseUrl: string,
  { max = 10, applicationName, searchPath, onConnected }: PoolOptions,
): Promise<Db> {
  const address = parsePostgresAddress(databaseUrl)
  refuseKnownTransactionPort(address)
  const sessions = new WeakMap<pg.ClientBase, Session>()
  const pool = new Db({
    connectionString: await chooseTls(address),
    application_name: applicationName,
    max: Math.max(2, max),
    // A worker that loses its connection while it waits for a result notices within fifteen
    // seconds. Without this delay Linux takes two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    connectionTimeoutMillis: connectTimeoutMs(address),
    types: readableTypes(),
    // oxlint-disable-next-line typescript/no-misused-promises -- pg awaits it, against its types
    onConnect: async (client) => {
      sessions.set(client, await setUpSession(client, searchPath ?? SEARCH_PATH))
      onConnected?.()
    },
  })
  // The next query on a broken connection reports it; without a listener the error would end the
  // process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    await pool.use((one) => checkServer(pool, one, sessions))
    return pool
  } catch (error) {
    await pool.end().catch(() => undefined)
    throw error instanceof SyncError ? error : await explainConnectError(address, error)
  }
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

/** One statement for the settings and the facts, because every connection sends it. */
async function setUpSession(client: pg.ClientBase, searchPath: string): Promise<Session> {
  // The types of pg do not know that several statements have a list of results.
  const results: unknown = await client.query(
    `${SESSION} ${NO_TRANSACTION_TIMEOUT} set search_path = ${searchPath}; ${FACTS}`,
  )
  return findFacts(results as pg.QueryResult<Session>[])
}

function findFacts(results: readonly pg.QueryResult<Session>[]): Session {
  const session = results.at(-1)?.rows[0]
  if (!session) throw new Error('The server returned no row')
  return session
}

async function checkServer(
  pool: Db,
  one: DbClient,
  sessions: WeakMap<pg.ClientBase, Session>,
): Promise<void> {
  const session = sessions.get(one)
  if (!session) throw new Error('The connection was not set up')
  const { version, name, replica, pid } = session
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
  // Postgres reports its process when a connection opens, so this connection leads to it directly.
  // A pooler reports a number that it made up, with which its clients cancel a statement.
  if ('processID' in one && one.processID === pid) return
  await pool.use((two) => checkPooler([one, pid], [two, sessions.get(two)?.pid]))
}

/**
 * In session mode each connection has a separate server process. A pooler in transaction mode
 * shares its processes, the last used first or in turn: this sequence of queries, which began with
 * the set-up of both connections, detects both.
 */
async function checkPooler(
  [one, a]: readonly [DbClient, number],
  [two, b]: readonly [DbClient, number | undefined],
): Promise<void> {
  const seen: number[] = []
  for (const client of [one, one, two])
    seen.push(findFacts([await client.query<Session>(FACTS)]).pid)
  const [c, d, e] = seen
  if (a === b || a !== c || a !== d || b !== e)
    throw transactionMode('DATABASE_URL leads to a pooler in transaction mode')
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

/** Reads an array of one dimension of numbers, which Postgres never quotes. */
function readList<T>(text: string, read: (item: string) => T): (T | null)[] {
  return text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((item) => (item === 'NULL' ? null : read(item)))
}
