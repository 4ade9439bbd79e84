// The Postgres that Shelfsync starts when DATABASE_URL is not set. Its data is in
// `<home>/postgres`, created on first use. The server outlives a killed process, and the next
// process adopts it. Postgres itself protects its data directory, so no lock file is needed.

import { resolve } from 'node:path'
import { messageOf, SyncError } from '../core/errors.ts'
import { makeFolder } from '../node/make-folder.ts'
import { findErrno } from '../node/system-errors.ts'
import { isConnectionError } from '../db/errors.ts'
import { runAs, type Account } from './account.ts'
import { findBinaries, readMajor } from './binaries.ts'
import {
  toDataPath,
  findPlace,
  loadMajor,
  makePlace,
  openShelter,
  type Place,
} from './data-directory.ts'
import { keepRunning, type ServerEvents } from './keep-running.ts'
import { joinServer, lockIfAlone, type Joined } from './presence.ts'
import { buildSettings } from './server-settings.ts'
import { findServer, launchServer, type Settings, stopServer } from './server.ts'

/** Postgres limits paths to 1,024 bytes, and appends its file names to the home. */
const HOME_BYTES_MAX = 900

export interface EmbeddedOptions {
  /** `SHELFSYNC_HOME`: the folder for all local files. Created when it is missing. */
  readonly home: string
  /** Server settings in addition to the defaults. They do not change an adopted server. */
  readonly settings?: Settings
  /** Receives a message for a person before each slow step. */
  readonly onProgress?: (text: string) => void
  /** A folder with `postgres` and `initdb` to use instead of those that npm installed. */
  readonly binaries?: string
  /**
   * Period in milliseconds in which a failed start is repeated. Default 10,000: after a `kill -9`,
   * the server's remaining child processes block the data for a moment.
   */
  readonly launchRetryMs?: number
  /**
   * Folder for the data when the server's account cannot enter `home` of root. Default
   * `/var/lib/shelfsync`.
   */
  readonly shelter?: string
}

export interface Embedded {
  /** Contains the password. Do not print it. */
  readonly url: string
  /**
   * Restarts the server whenever it ends, until `close` or `stop` is called. It keeps its port unless
   * another program has taken it. Call it once.
   */
  keepRunning(events: ServerEvents): void
  /**
   * Leaves the server. It is stopped cleanly unless another client is connected or `keepServer` is
   * set. Safe to repeat.
   */
  close(options?: { readonly keepServer?: boolean }): Promise<void>
  /** Stops the server, even if other clients are connected. */
  stop(): Promise<void>
}

/**
 * Starts the server of `home`, or joins the running one. Safe in several processes at once.
 *
 * @throws SyncError `settings/invalid` (invalid home) · `db/unsuitable` (no programs for this
 * machine, data of another version or user) · `db/unreachable` (does not start)
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { settings = {}, onProgress = () => undefined, launchRetryMs = 10_000 } = options
  // The Postgres programs run in another working directory.
  const home = resolve(options.home)
  await prepareHome(home)
  const place = (await findPlace(home)) ?? (await createPlace(home, options))

  const join = (): Promise<Joined> =>
    joinServer(place, launchRetryMs, async () => {
      onProgress('Starting the database …')
      const binaries = await findPrograms(home, options, place.account)
      await checkVersion(place, binaries)
      await checkWritable(place)
      return launchServer(place, { binaries, settings: { ...buildSettings(), ...settings } })
    })
  return toEmbedded(place, await join(), join)
}

/**
 * Stops the server of `home`, even if other clients are connected. Creates no folder or database.
 *
 * @throws SyncError `db/unsuitable` when another user owns it · `db/unreachable` when it does not
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

function toEmbedded(place: Place, first: Joined, join: () => Promise<Joined>): Embedded {
  let joined = first
  let watching = Promise.resolve()
  const leaving = new AbortController()
  const leave = async (): Promise<Joined['presence']> => {
    leaving.abort()
    await watching
    return joined.presence
  }
  return {
    url: first.url,
    keepRunning(events) {
      const rejoin = async (): Promise<Joined> => (joined = await join())
      watching = keepRunning(joined, rejoin, events, leaving.signal)
    },
    async close({ keepServer = false } = {}) {
      const presence = await leave()
      try {
        if (!keepServer && (await lockIfAlone(presence))) await stopServer(place)
      } catch (error) {
        if (!isConnectionError(error)) throw error
      } finally {
        await presence.end()
      }
    },
    async stop() {
      const presence = await leave()
      await stopServer(place)
      await presence.end()
    },
  }
}

async function prepareHome(home: string): Promise<void> {
  const bytes = Buffer.byteLength(home)
  if (bytes > HOME_BYTES_MAX) {
    throw new SyncError(
      'settings/invalid',
      `SHELFSYNC_HOME: its path has ${bytes} bytes, and Postgres accepts at most ${HOME_BYTES_MAX}`,
    )
  }
  await makeFolder(home).catch((cause: Error) => {
    throw new SyncError(
      'settings/invalid',
      `SHELFSYNC_HOME: ${home} cannot be created: ${cause.message}`,
      { cause },
    )
  })
}

function createPlace(home: string, options: EmbeddedOptions): Promise<Place> {
  options.onProgress?.('Preparing the database, once …')
  return makePlace(home, chooseShelter(options), (account) =>
    findPrograms(home, options, account),
  ).catch((cause: unknown) => {
    throw toCreationError(home, cause)
  })
}

async function findPrograms(
  home: string,
  options: EmbeddedOptions,
  account: Account,
): Promise<string> {
  const openSpare = async (): Promise<string> =>
    account.uid === undefined ? home : openShelter(chooseShelter(options))
  return options.binaries ?? findBinaries(account, openSpare)
}

function chooseShelter({ shelter = '/var/lib/shelfsync' }: EmbeddedOptions): string {
  return shelter
}

function toCreationError(home: string, cause: unknown): unknown {
  if (cause instanceof SyncError) return cause
  const errno = findErrno(cause)
  if (errno === 'EROFS' || errno === 'EACCES')
    return new SyncError(
      'settings/invalid',
      `SHELFSYNC_HOME: ${home} cannot be written to (${errno})`,
      { cause },
    )
  // The long output of initdb ends with the reason.
  const reason = messageOf(cause).trimEnd().split('\n').slice(-3).join(' · ')
  return new SyncError('db/unsuitable', `The database cannot be created in ${home}: ${reason}`, {
    cause,
  })
}

/**
 * Checks that the server can write its data, because otherwise it could not log why it does not
 * start.
 */
async function checkWritable(place: Place): Promise<void> {
  await runAs(place.account, '/bin/sh', ['-c', '[ -w "$1" ]', 'sh', toDataPath(place)]).catch(
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
  const created = await loadMajor(place)
  const installed = await readMajor(place.account, binaries)
  if (created === installed) return
  throw new SyncError(
    'db/unsuitable',
    `The database in ${place.directory} was created by Postgres ${created}, but Postgres ` +
      `${installed} is installed: choose another SHELFSYNC_HOME and sync again, or return to the ` +
      'version of Shelfsync that created it',
  )
}
