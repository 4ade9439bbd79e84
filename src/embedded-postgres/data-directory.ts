// The data of an embedded server: `<home>/postgres`, or a link from there to a shelter when the
// server's account cannot enter the home of root. A place is created under another name and renamed
// or linked at once, so that it is complete or absent, and only one of several processes creates
// it.

import { randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, SyncError } from '../core/errors.ts'
import { findErrno } from '../node/system-errors.ts'
import { type Account, canEnter, findAccount, readFileAs, runAs } from './account.ts'
import { readMajor } from './binaries.ts'

/**
 * `data`, `password`, `log` and `home` (its owner) inside `directory`, an absolute path without
 * links. All of it belongs to `account`, which can replace any file by a link: below `directory`,
 * root opens, writes and removes files only as that account.
 */
export interface Place {
  readonly directory: string
  readonly account: Account
}

export function toDataPath(place: Place): string {
  return join(place.directory, 'data')
}

/**
 * Returns the place of `home`, or null.
 *
 * @throws SyncError `db/unsuitable` when it belongs to another user or to root
 */
export async function findPlace(home: string): Promise<Place | null> {
  const directory = await realpath(join(home, 'postgres')).catch(() => null)
  if (directory === null) return null
  const { uid, gid } = await stat(directory)
  const self = process.getuid?.()
  if (uid === 0) {
    throw new SyncError(
      'db/unsuitable',
      `The database in ${directory} belongs to root, probably as a copy, and Postgres does not ` +
        'run as root: give it to the owner of the original (chown -R), or choose another ' +
        'SHELFSYNC_HOME',
    )
  }
  if (self === 0) return { directory, account: { uid, gid } }
  if (self === uid) return { directory, account: {} }
  throw new SyncError(
    'db/unsuitable',
    `The database in ${directory} belongs to user ${uid}: run as that user, ` +
      'or choose another SHELFSYNC_HOME',
  )
}

/**
 * Returns the server's password, encoded for a URL.
 *
 * @throws SyncError `db/unsuitable` when the place's account cannot read it
 */
export async function loadPassword(place: Place): Promise<string> {
  const file = join(place.directory, 'password')
  try {
    return encodeURIComponent((await readFileAs(place.account, file)).trim())
  } catch (cause) {
    throw new SyncError(
      'db/unsuitable',
      `The password of the embedded database cannot be read: ${describeUnreadable(place, file)}`,
      { cause },
    )
  }
}

/**
 * Returns the major version of Postgres that created the data.
 *
 * @throws SyncError `db/unsuitable` when the place's account cannot read it
 */
export async function loadMajor(place: Place): Promise<number> {
  const file = join(toDataPath(place), 'PG_VERSION')
  try {
    return Number(await readFileAs(place.account, file))
  } catch (cause) {
    throw new SyncError(
      'db/unsuitable',
      `The version of the embedded database cannot be read: ${describeUnreadable(place, file)}`,
      { cause },
    )
  }
}

function describeUnreadable({ account }: Place, file: string): string {
  const reader =
    account.uid === undefined ? 'this user' : `user ${account.uid}, the account of the database,`
  return `${file} is missing, or ${reader} cannot read it`
}

/** Initialises a database for `home`, or returns the place of another process that was faster. */
export async function makePlace(
  home: string,
  shelter: string,
  findBinaries: (account: Account) => Promise<string>,
): Promise<Place> {
  const account = await findAccount()
  const binaries = await findBinaries(account)
  const pointer = join(home, 'postgres')
  const isSheltered = !(await canEnter(account, home))
  const draft = await realpath(
    await mkdtemp(join(isSheltered ? await openShelter(shelter) : home, 'database-')),
  )
  try {
    await writeFile(join(draft, 'home'), `${await realpath(home)}\n`)
    await initialise({ directory: draft, account }, binaries)
    // Removes a link to a shelter that was emptied, which would block the name permanently. A
    // folder here was just created by another process and stays.
    if ((await findPlace(home)) === null) await unlink(pointer).catch(ignoreNoLink)
    await (isSheltered ? symlink(draft, pointer) : rename(draft, pointer))
  } catch (error) {
    await removeDraft({ directory: draft, account }).catch(() => undefined)
    if (!isTaken(error)) throw error
  }
  const place = await findPlace(home)
  if (place) return place
  throw new SyncError(
    'db/unsuitable',
    `${pointer} was removed while the database was being created: ` +
      'do not change it while Shelfsync runs',
  )
}

/**
 * Returns a folder that every account can enter, created when it is missing.
 *
 * @throws SyncError `db/unsuitable` when this process cannot create it, which needs root
 */
export async function openShelter(shelter: string): Promise<string> {
  try {
    await mkdir(shelter, { recursive: true })
    await chmod(shelter, 0o755)
    return shelter
  } catch (cause) {
    throw new SyncError(
      'db/unsuitable',
      `The database needs the folder ${shelter}, which cannot be created (${messageOf(cause)}): ` +
        'choose a SHELFSYNC_HOME that this user can enter, or set DATABASE_URL',
      { cause },
    )
  }
}

async function initialise(place: Place, binaries: string): Promise<void> {
  const { directory, account } = place
  const password = join(directory, 'password')
  await writeFile(password, randomBytes(24).toString('hex'), { mode: 0o600 })
  if (account.uid !== undefined) {
    await chown(password, account.uid, account.gid)
    // Last, because from here on the account can replace any file.
    await chown(directory, account.uid, account.gid)
  }
  // The builtin provider sorts the same on every machine; Postgres has it since version 17.
  const locale =
    (await readMajor(account, binaries)) >= 17
      ? ['--locale-provider=builtin', '--locale=C.UTF-8']
      : ['--locale=C.UTF-8']
  await runAs(account, join(binaries, 'initdb'), [
    '--pgdata',
    toDataPath(place),
    '--username=postgres',
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    ...locale,
  ])
}

async function removeDraft({ directory, account }: Place): Promise<void> {
  if (account.uid !== undefined) {
    await runAs(account, 'find', [directory, '-mindepth', '1', '-delete']).catch(() => undefined)
    // A folder that still belongs to root was not yet given to the account, so root may remove it.
    if ((await stat(directory)).uid !== 0) return await rmdir(directory).catch(() => undefined)
  }
  await rm(directory, { recursive: true, force: true })
}

function ignoreNoLink(error: unknown): void {
  if (!['ENOENT', 'EISDIR', 'EPERM'].includes(findErrno(error) ?? '')) throw error
}

function isTaken(error: unknown): boolean {
  const errno = findErrno(error)
  return errno === 'EEXIST' || errno === 'ENOTEMPTY'
}
