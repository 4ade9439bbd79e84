// Where an embedded server keeps its data: `<home>/postgres`, or a shelter with a link there when
// root's account cannot enter `home`. A place is made under another name and appears by one atomic
// step, so that it is whole or absent, and made once by racing processes.

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
 * `data`, `password`, `log` and `home` (whose it is) inside `directory`, an absolute path without
 * links. All of it belongs to `account`, which can put a link in the place of any file: root opens,
 * writes and removes nothing below `directory` but as that account.
 */
export interface Place {
  readonly directory: string
  readonly account: Account
}

export function dataOf(place: Place): string {
  return join(place.directory, 'data')
}

/**
 * The place of `home`, or null when there is none yet. @throws SyncError `db/unsuitable` when it
 * belongs to somebody else, or to root
 */
export async function findPlace(home: string): Promise<Place | null> {
  const directory = await realpath(join(home, 'postgres')).catch(() => null)
  if (directory === null) return null
  const { uid, gid } = await stat(directory)
  const self = process.getuid?.()
  if (uid === 0) {
    const owned =
      'belongs to root, as a copy that root made does, and Postgres does not run as root'
    throw new SyncError(
      'db/unsuitable',
      `The database in ${directory} ${owned}: give it to who owns the original (chown -R), or choose another SHELFSYNC_HOME`,
    )
  }
  if (self === 0) return { directory, account: { uid, gid } }
  if (self === uid) return { directory, account: {} }
  const message = `The database in ${directory} belongs to user ${uid}: run as that user, or choose another SHELFSYNC_HOME`
  throw new SyncError('db/unsuitable', message)
}

/**
 * The server's password, safe inside a URL. @throws SyncError `db/unsuitable` when the place's
 * account cannot read it
 */
export async function loadPassword(place: Place): Promise<string> {
  const file = join(place.directory, 'password')
  try {
    return encodeURIComponent((await readFileAs(place.account, file)).trim())
  } catch (cause) {
    throw new SyncError(
      'db/unsuitable',
      `The password of the embedded database cannot be read: ${unreadable(place, file)}`,
      { cause },
    )
  }
}

/**
 * The major version that made the data. @throws SyncError `db/unsuitable` when the place's account
 * cannot read it
 */
export async function loadMajor(place: Place): Promise<number> {
  const file = join(dataOf(place), 'PG_VERSION')
  try {
    return Number(await readFileAs(place.account, file))
  } catch (cause) {
    throw new SyncError(
      'db/unsuitable',
      `The version of the embedded database cannot be read: ${unreadable(place, file)}`,
      { cause },
    )
  }
}

function unreadable({ account }: Place, file: string): string {
  return `${file} is missing, or ${account.uid === undefined ? 'we' : `user ${account.uid}, whom the database runs as,`} may not read it`
}

/**
 * Initialises a database for `home`. When another process is faster, its place is returned and ours
 * is dropped.
 */
export async function makePlace(
  home: string,
  shelter: string,
  findBinaries: (account: Account) => Promise<string>,
): Promise<Place> {
  const account = await findAccount()
  const binaries = await findBinaries(account)
  const pointer = join(home, 'postgres')
  const sheltered = !(await canEnter(account, home))
  const draft = await realpath(
    await mkdtemp(join(sheltered ? await openShelter(shelter) : home, 'database-')),
  )
  try {
    await writeFile(join(draft, 'home'), `${await realpath(home)}\n`)
    await initialise({ directory: draft, account }, binaries)
    // A link to a shelter that was emptied leads nowhere and would block the name for ever. What is
    // no link is another process's, just made.
    if ((await findPlace(home)) === null) await unlink(pointer).catch(ignoreNoLink)
    await (sheltered ? symlink(draft, pointer) : rename(draft, pointer))
  } catch (error) {
    await removeDraft({ directory: draft, account })
    if (!isTaken(error)) throw error
  }
  const place = await findPlace(home)
  if (place) return place
  throw new SyncError(
    'db/unsuitable',
    `${pointer} was removed while the database was being made: leave it alone while Shelfsync runs`,
  )
}

/**
 * A folder that every account can enter, made when missing. @throws SyncError `db/unsuitable` when
 * we may not make it, as only root may
 */
export async function openShelter(shelter: string): Promise<string> {
  try {
    await mkdir(shelter, { recursive: true })
    await chmod(shelter, 0o755)
    return shelter
  } catch (cause) {
    const message = `The database would have to lie in ${shelter}, which we may not make (${messageOf(cause)}): `
    throw new SyncError(
      'db/unsuitable',
      `${message}choose a SHELFSYNC_HOME that you may enter, or set DATABASE_URL`,
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
    // Last: from here on the account can put anything in the place of any file.
    await chown(directory, account.uid, account.gid)
  }
  // The builtin provider sorts alike on every machine; Postgres has it since 17.
  const locale =
    (await readMajor(account, binaries)) >= 17
      ? ['--locale-provider=builtin', '--locale=C.UTF-8']
      : ['--locale=C.UTF-8']
  await runAs(account, join(binaries, 'initdb'), [
    '--pgdata',
    dataOf(place),
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
    // What is left is from before the folder was the account's.
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
