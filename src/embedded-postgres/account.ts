// Who the database server runs as. Postgres refuses to run as root, so root lends it an account
// that may do nothing else.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { SyncError } from '../core/errors.ts'

/** Ids to start a process with; without them it runs as ourselves. */
export type Account =
  | { readonly uid: number; readonly gid: number }
  | { readonly uid?: never; readonly gid?: never }

/** Nothing of our environment reaches the server: it holds secrets. */
export const SERVER_ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

/**
 * Runs a program as `account` to its end and returns its output. Rejects with the program's own
 * words on a failure.
 */
export async function runAs(
  account: Account,
  program: string,
  args: readonly string[],
  timeoutMs = 0,
): Promise<string> {
  // The working directory is inherited and may be closed to the account; initdb stops when it
  // cannot read it.
  const options = {
    ...account,
    cwd: '/',
    env: SERVER_ENVIRONMENT,
    maxBuffer: 16 * 1024 * 1024,
    timeout: timeoutMs,
  }
  const { stdout } = await promisify(execFile)(program, args, options)
  return stdout
}

const FILE_BYTES_MAX = 64 * 1024
const READ_TIMEOUT_MS = 10_000

/**
 * The last 64 KiB of a file that `account` may replace, read with the account's rights: root would
 * follow a link to any file of the machine. Rejects when the account cannot read it.
 */
export async function readFileAs(account: Account, file: string): Promise<string> {
  if (account.uid === undefined) return (await readFile(file, 'utf8')).slice(-FILE_BYTES_MAX)
  return runAs(account, 'tail', ['-c', String(FILE_BYTES_MAX), file], READ_TIMEOUT_MS)
}

/**
 * Ourselves, or when we are root: the user `shelfsync`, `postgres`, a `shelfsync` made now, or
 * `nobody`, whichever is first.
 *
 * @throws SyncError `db/unsuitable` when root has nobody to lend to
 */
export async function findAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const known = (await findUser('shelfsync')) ?? (await findUser('postgres'))
  if (known) return known
  await runAs({}, 'useradd', [
    '--system',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    'shelfsync',
  ]).catch(() => undefined)
  const made = (await findUser('shelfsync')) ?? (await findUser('nobody'))
  if (made) return made
  const message =
    'Postgres does not run as root, and there is no other account: add a user named shelfsync, or set DATABASE_URL'
  throw new SyncError('db/unsuitable', message)
}

/**
 * Whether `account` can enter `directory`, relative to our own working directory, by trying: mode
 * bits alone know nothing of parents and access lists.
 */
export async function canEnter(account: Account, directory: string): Promise<boolean> {
  return runAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', resolve(directory)]).then(
    () => true,
    () => false,
  )
}

async function findUser(name: string): Promise<Account | null> {
  try {
    return {
      uid: Number(await runAs({}, 'id', ['-u', name])),
      gid: Number(await runAs({}, 'id', ['-g', name])),
    }
  } catch {
    return null
  }
}
