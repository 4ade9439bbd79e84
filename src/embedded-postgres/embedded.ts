// The Postgres that Shelfsync brings along, for when no DATABASE_URL is given: made on first use
// under `<home>/postgres`. It outlives a killed process, and the next one adopts it. There is no
// lock file: Postgres guards its own data directory, and everybody who uses the server holds a
// shared advisory lock that dies with its connection.

import type { ChildProcess } from 'node:child_process'
import { totalmem } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { messageOf, SyncError } from '../core/errors.ts'
import { makeFolder } from '../node/make-folder.ts'
import { findErrno } from '../node/system-errors.ts'
import { isConnectionError } from '../db/errors.ts'
import { runAs, type Account } from './account.ts'
import { findBinaries, readMajor } from './binaries.ts'
import {
  dataOf,
  findPlace,
  loadMajor,
  loadPassword,
  makePlace,
  openShelter,
  type Place,
} from './data-directory.ts'
import {
  findServer,
  launchServer,
  readLogTail,
  removeStalePidFile,
  type Settings,
  stopServer,
} from './server.ts'

/** The advisory lock: shared by everybody who uses the server, exclusive for whoever stops it. */
export const PRESENCE_LOCK = 7_435_901_628
/** Recovery after a crash replays up to `max_wal_size` of log. */
const READY_TIMEOUT_MS = 600_000
/** Postgres keeps paths in 1,024 bytes, and ours go on behind the home. */
const HOME_BYTES_MAX = 900
/**
 * Each is set, so that pg takes none of them from PGSSLMODE, PGSSLNEGOTIATION, PGOPTIONS,
 * PGCLIENT_ENCODING or PGREPLICATION, which are meant for other servers.
 */
const NO_ENVIRONMENT =
  'sslmode=disable&sslnegotiation=postgres&options=%20&client_encoding=UTF8&replication=false'
/** Connections that were just closed take a moment to leave `pg_stat_activity`. */
const LEAVING_MS = 500
/**
 * Between two attempts to start again a server that does not start: a full disk may have room by
 * then.
 */
const TEND_MS = 5_000

export interface EmbeddedOptions {
  /**
   * `SHELFSYNC_HOME`: the folder that holds everything of ours on this machine. Made when missing.
   */
  readonly home: string
  /**
   * Server settings on top of ours, by their Postgres names. An adopted server keeps those that it
   * was started with.
   */
  readonly settings?: Settings
  /** Hears what takes long, in words for a person. */
  readonly onProgress?: (text: string) => void
  /** A folder with `postgres` and `initdb` to use instead of the ones that npm installed. */
  readonly binaries?: string
  /**
   * How long a start that fails is tried again. Default 10,000: after a `kill -9` its last child
   * processes hold the data for a moment.
   */
  readonly launchRetryMs?: number
  /**
   * Where root's server goes when the account it runs as cannot enter `home`. Default
   * `/var/lib/shelfsync`.
   */
  readonly shelter?: string
}

export interface Embedded {
  /** Holds the password: never print it. */
  readonly url: string
  /**
   * From now on starts the server again whenever it is gone, on the same port, so that everybody's
   * pools go on working. `warn` hears of it, once each time and for each attempt that fails. Ends
   * with `close` or `stop`.
   */
  tend(warn: (message: string) => void): void
  /**
   * Leaves the server: it is stopped cleanly when nobody else is connected, else (or with
   * `keepServer`) it runs on. Twice is safe.
   */
  close(options?: { readonly keepServer?: boolean }): Promise<void>
  /** Stops the server for everybody. */
  stop(): Promise<void>
}

/**
 * Starts the server of `home`, or joins the one that runs there already. Safe from several
 * processes at once.
 *
 * @throws SyncError `settings/invalid` (no such home) · `db/unsuitable` (no programs for this
 * machine, data of another version or user) · `db/unreachable` (does not start)
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const {
    settings = {},
    onProgress = () => undefined,
    launchRetryMs = 10_000,
    shelter = '/var/lib/shelfsync',
  } = options
  // The programs of Postgres are run in another working directory than ours.
  const home = resolve(options.home)
  const find = async (account: Account): Promise<string> =>
    options.binaries ??
    findBinaries(account, async () => (account.uid === undefined ? home : openShelter(shelter)))

  if (Buffer.byteLength(home) > HOME_BYTES_MAX) {
    throw new SyncError(
      'settings/invalid',
      `SHELFSYNC_HOME: its path has ${Buffer.byteLength(home)} bytes, and Postgres takes ${HOME_BYTES_MAX} at most`,
    )
  }
  await makeFolder(home).catch((cause: Error) => {
    throw new SyncError(
      'settings/invalid',
      `SHELFSYNC_HOME: ${home} cannot be made: ${cause.message}`,
      { cause },
    )
  })
  let place = await findPlace(home)
  if (!place) {
    onProgress('Preparing the database, once …')
    place = await makePlace(home, shelter, find).catch((cause: unknown) => {
      throw unmakeable(home, cause)
    })
  }
  const found = place
  const enter = (port: number | null): Promise<Joined> =>
    joinServer(found, launchRetryMs, async () => {
      onProgress('Starting the database …')
      const binaries = await find(found.account)
      await checkVersion(found, binaries)
      await checkWritable(found)
      return launchServer(found, binaries, { ...defaultSettings(), ...settings }, port)
    })
  let joined = await enter(null)
  const { url, port } = joined
  const leaving = new AbortController()
  let tending = Promise.resolve()
  const leave = async (): Promise<pg.Client> => {
    leaving.abort()
    await tending
    return joined.presence
  }
  return {
    url,
    tend(warn) {
      tending = tendServer(joined, async () => (joined = await enter(port)), warn, leaving.signal)
    },
    async close({ keepServer = false } = {}) {
      const presence = await leave()
      try {
        if (!keepServer && (await isAlone(presence))) await stopServer(found)
      } catch (error) {
        if (!isConnectionError(error)) throw error
      } finally {
        await presence.end()
      }
    },
    async stop() {
      const presence = await leave()
      await stopServer(found)
      await presence.end()
    },
  }
}

/**
 * Stops the server of `home` for everybody, and makes nothing: no folder, no database.
 *
 * @throws SyncError `db/unsuitable` when it is somebody else's · `db/unreachable` when it does not
 * stop
 */
export async function stopEmbedded(
  home: string,
): Promise<'stopped' | 'not running' | 'no database'> {
  const place = await findPlace(resolve(home))
  if (!place) return 'no database'
  if (!(await findServer(place))) return 'not running'
  await stopServer(place)
  return 'stopped'
}

interface Presence {
  readonly presence: pg.Client
  /** Resolves when the server ends the connection, or we do. */
  readonly gone: Promise<void>
}

interface Joined extends Presence {
  readonly url: string
  readonly port: number
}

/** Adopts, launches and waits, until a server answers. */
async function joinServer(
  place: Place,
  launchRetryMs: number,
  launch: () => Promise<ChildProcess>,
): Promise<Joined> {
  const password = await loadPassword(place)
  const giveUpAt = performance.now() + READY_TIMEOUT_MS
  let launched: ChildProcess | null = null
  let launchUntil = Infinity
  for (; performance.now() < giveUpAt; await sleep(20)) {
    const server = await findServer(place)
    if (server?.ready) {
      const url = `postgres://postgres:${password}@127.0.0.1:${server.port}/postgres?${NO_ENVIRONMENT}`
      const presence = await takePresence(url)
      if (presence) return { ...presence, url, port: server.port }
    }
    if (server || (launched && launched.exitCode === null && launched.signalCode === null)) continue
    if (launched) {
      launchUntil = Math.min(launchUntil, performance.now() + launchRetryMs)
      if (performance.now() > launchUntil) break
      await removeStalePidFile(place)
      await sleep(200)
    }
    launched = await launch()
  }
  throw new SyncError(
    'db/unreachable',
    `The embedded database in ${place.directory} does not start. It says: ${await readLogTail(place)}`,
  )
}

/**
 * Connects and says that we are here. Null when the server is starting, or being stopped by the
 * last one who used it.
 */
async function takePresence(url: string): Promise<Presence | null> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'shelfsync presence',
    connectionTimeoutMillis: 5_000,
  })
  // A server that goes away is noticed by those who query it.
  client.on('error', () => undefined)
  const gone = new Promise<void>((ended) => client.once('end', ended))
  try {
    await client.connect()
    // Waits for whoever is stopping the server: it then ends this connection, and we start it anew.
    await client.query('select pg_advisory_lock_shared($1)', [PRESENCE_LOCK])
    return { presence: client, gone }
  } catch (error) {
    await client.end()
    if (isConnectionError(error)) return null
    throw error
  }
}

/**
 * Joins again whenever the server is gone. What was begun is ended before it returns, so that no
 * server is left that nobody knows of.
 */
async function tendServer(
  first: Joined,
  rejoin: () => Promise<Joined>,
  warn: (message: string) => void,
  leaving: AbortSignal,
): Promise<void> {
  const left = new Promise<void>((leave) =>
    leaving.addEventListener('abort', () => leave(), { once: true }),
  )
  let gone: Promise<void> | null = first.gone
  while (!leaving.aborted) {
    if (gone !== null) {
      await Promise.race([gone, left])
      if (leaving.aborted) return
      warn('the embedded database is gone; starting it again')
    }
    try {
      const joined = await rejoin()
      gone = joined.gone
      if (joined.port !== first.port)
        warn(
          `the embedded database runs on port ${joined.port} now, no longer on ${first.port}: start this process anew`,
        )
    } catch (error) {
      gone = null
      warn(`the embedded database cannot be started again: ${messageOf(error)}`)
      await Promise.race([sleep(TEND_MS, undefined, { ref: false }), left])
    }
  }
}

/** Whether nobody else is connected. If so, nobody can join from now on: they wait for our lock. */
async function isAlone(presence: pg.Client): Promise<boolean> {
  await presence.query('select pg_advisory_unlock_shared($1)', [PRESENCE_LOCK])
  const { rows } = await presence.query<{ taken: boolean }>(
    'select pg_try_advisory_lock($1) as taken',
    [PRESENCE_LOCK],
  )
  if (!rows[0]?.taken) return false
  const others = `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
  for (
    const giveUpAt = performance.now() + LEAVING_MS;
    performance.now() < giveUpAt;
    await sleep(10)
  ) {
    if ((await presence.query(others)).rowCount === 0) return true
  }
  return false
}

/** What initdb says at length ends with the reason. */
function unmakeable(home: string, cause: unknown): unknown {
  if (cause instanceof SyncError) return cause
  const readOnly = findErrno(cause) === 'EROFS' || findErrno(cause) === 'EACCES'
  if (readOnly)
    return new SyncError(
      'settings/invalid',
      `SHELFSYNC_HOME: ${home} cannot be written to (${findErrno(cause)})`,
      { cause },
    )
  return new SyncError(
    'db/unsuitable',
    `The database cannot be made in ${home}: ${messageOf(cause).trimEnd().split('\n').slice(-3).join(' · ')}`,
    { cause },
  )
}

/** A server that cannot write does not even log why it does not start. */
async function checkWritable(place: Place): Promise<void> {
  await runAs(place.account, '/bin/sh', ['-c', '[ -w "$1" ]', 'sh', dataOf(place)]).catch(
    (cause: unknown) => {
      throw new SyncError(
        'settings/invalid',
        `SHELFSYNC_HOME: the database in ${place.directory} cannot be written to`,
        { cause },
      )
    },
  )
}

async function checkVersion(place: Place, binaries: string): Promise<void> {
  const made = await loadMajor(place)
  const major = await readMajor(place.account, binaries)
  if (made === major) return
  const message = `The database in ${place.directory} was made by Postgres ${made}, but Postgres ${major} is installed`
  throw new SyncError(
    'db/unsuitable',
    `${message}: choose another SHELFSYNC_HOME and sync again, or go back to the Shelfsync that made it`,
  )
}

/** Bulk loads are what this server is for; nothing here gives up durability. */
function defaultSettings(): Settings {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    cluster_name: 'shelfsync',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '60',
    shared_buffers: `${Math.min(256, Math.floor(totalmem() / 2 ** 20 / 8))}MB`,
    maintenance_work_mem: '256MB',
    // Nobody replicates from it, and a table filled in the transaction that made it needs no log.
    wal_level: 'minimal',
    max_wal_senders: '0',
    wal_compression: 'on',
    max_wal_size: '4GB',
    checkpoint_timeout: '30min',
    checkpoint_completion_target: '0.9',
    jit: 'off',
    // One line per error, without the values: the log is kept small and free of catalogue data.
    log_min_messages: 'error',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
  }
}
