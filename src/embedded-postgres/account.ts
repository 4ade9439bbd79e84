// The account of the database server. Postgres refuses to run as root, so root starts it with an
// account that has no other rights.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { SyncError } from '../core/errors.ts'

/** User and group ids of a child process; without them, it runs as the current user. */
export type Account =
  | { readonly uid: number; readonly gid: number }
  | { readonly uid?: never; readonly gid?: never }

/**
 * The complete environment of the server. The environment of this process is not passed on, because
 * it contains secrets.
 */
export const SERVER_ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

/** Runs a program as `account` and returns its output. Rejects with the program's error output. */
export async function runAs(
  account: Account,
  program: string,
  args: readonly string[],
  timeoutMs = 0,
): Promise<string> {
  // The account may not be able to read the inherited working directory, which stops initdb.
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
 * Returns the last 64 KiB of a file that `account` can replace. It is read with the account's
 * rights: root would follow a link to any file of the machine. Rejects when the account cannot read
 * it.
 */
export async function readFileAs(account: Account, file: string): Promise<string> {
  if (account.uid === undefined) return (await readFile(file, 'utf8')).slice(-FILE_BYTES_MAX)
  return runAs(account, 'tail', ['-c', String(FILE_BYTES_MAX), file], READ_TIMEOUT_MS)
}

/**
 * Returns the current user, or for root the first of: the user `shelfsync`, `postgres`, a new
 * `shelfsync`, `nobody`.
 *
 * @throws SyncError `db/unsuitable` when root finds no account
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
  const created = (await findUser('shelfsync')) ?? (await findUser('nobody'))
  if (created) return created
  throw new SyncError(
    'db/unsuitable',
    'Postgres does not run as root, and this machine has no suitable account: ' +
      'add a user named shelfsync, or set DATABASE_URL',
  )
}

/**
 * Tries to enter `directory`, relative to our working directory, as `account`: mode bits do not
 * include parents and access lists.
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
