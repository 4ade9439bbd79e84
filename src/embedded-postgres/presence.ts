// Joining and leaving a server that several processes share. Each of them has a shared advisory
// lock, which ends with its connection; a process that stops the server needs the exclusive one.

import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { SyncError } from '../core/errors.ts'
import { isConnectionError } from '../db/errors.ts'
import { loadPassword, type Place } from './data-directory.ts'
import { findServer, readLogTail, removeStalePidFile } from './server.ts'

/** Advisory lock: shared by every process that uses the server, exclusive to stop it. */
export const PRESENCE_LOCK = 7_435_901_628
/** Time limit of a start: recovery after a crash replays up to `max_wal_size` of log. */
const READY_TIMEOUT_MS = 600_000
/**
 * Every parameter is set, so that pg does not read PGSSLMODE, PGSSLNEGOTIATION, PGOPTIONS,
 * PGCLIENT_ENCODING and PGREPLICATION, which are meant for other servers.
 */
const PARAMETERS =
  'sslmode=disable&sslnegotiation=postgres&options=%20&client_encoding=UTF8&replication=false'
/** Time to wait for closed connections, which remain in `pg_stat_activity` for a moment. */
const LEAVING_MS = 500

interface Presence {
  readonly presence: pg.Client
  /** Resolves when either side ends the connection. */
  readonly gone: Promise<void>
}

export interface Joined extends Presence {
  readonly url: string
  readonly port: number
}

/**
 * Adopts the running server or launches one, and waits until it accepts connections.
 *
 * @throws SyncError `db/unreachable` when it does not start within `launchRetryMs` of a failure
 */
export async function joinServer(
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
      const url = `postgres://postgres:${password}@127.0.0.1:${server.port}/postgres?${PARAMETERS}`
      const presence = await enter(url)
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
  const log = await readLogTail(place)
  throw new SyncError(
    'db/unreachable',
    `The embedded database in ${place.directory} does not start. Its log ends with: ${log}`,
  )
}

/**
 * Connects and takes the shared lock. Returns null when the server is starting, or being stopped by
 * the last process that used it.
 */
async function enter(url: string): Promise<Presence | null> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'shelfsync presence',
    connectionTimeoutMillis: 5_000,
  })
  // Without a listener, a lost server would end the process. `gone` and failing queries report the
  // loss.
  client.on('error', () => undefined)
  const gone = new Promise<void>((ended) => client.once('end', ended))
  try {
    await client.connect()
    // Waits for a process that stops the server. That ends this connection, and the caller starts
    // the server again.
    await client.query('select pg_advisory_lock_shared($1)', [PRESENCE_LOCK])
    return { presence: client, gone }
  } catch (error) {
    await client.end().catch(() => undefined)
    if (isConnectionError(error)) return null
    throw error
  }
}

/**
 * Exchanges the shared lock for the exclusive one. Returns true when no other client is connected;
 * from then on processes that join wait for the lock.
 */
export async function lockIfAlone(presence: pg.Client): Promise<boolean> {
  await presence.query('select pg_advisory_unlock_shared($1)', [PRESENCE_LOCK])
  const { rows } = await presence.query<{ taken: boolean }>(
    'select pg_try_advisory_lock($1) as taken',
    [PRESENCE_LOCK],
  )
  if (!rows[0]?.taken) return false
  const others =
    'select from pg_stat_activity ' +
    "where backend_type = 'client backend' and pid <> pg_backend_pid()"
  const giveUpAt = performance.now() + LEAVING_MS
  for (; performance.now() < giveUpAt; await sleep(10)) {
    if ((await presence.query(others)).rowCount === 0) return true
  }
  return false
}
