// Copies the edge functions into a user's Supabase project, where `supabase functions deploy`
// deploys them.

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SyncError } from '../../core/errors.ts'
import { makeFolder } from '../../node/make-folder.ts'
import { readIfPresent } from '../../node/read-if-present.ts'

/** The functions that the npm package ships. A checkout builds its own. */
const SHIPPED = fileURLToPath(new URL('../../../dist/functions/', import.meta.url))
const BUILDER = fileURLToPath(new URL('../../../scripts/build-functions.ts', import.meta.url))

/** Files in it are generated; the others belong to the user once they exist. */
const GENERATED = '_shared'

export interface CopiedFile {
  /** Relative to the folder of the project's functions. */
  readonly file: string
  /** `kept`: the user has changed it. */
  readonly outcome: 'copied' | 'updated' | 'unchanged' | 'kept'
}

/**
 * Copies the functions into `directory`, the `supabase/functions` of a project, and adds them to
 * the `config.toml` beside it. A second call changes nothing, and one of a later version updates
 * the bundle.
 *
 * @throws SyncError `usage/invalid` in a checkout in which they cannot be built
 */
export async function copyFunctions(directory: string): Promise<CopiedFile[]> {
  if (!import.meta.url.endsWith('.ts')) return copyFrom(SHIPPED, directory)
  const built = await mkdtemp(join(tmpdir(), 'shelfsync-functions-'))
  try {
    await buildFunctions(built)
    return await copyFrom(built, directory)
  } finally {
    await rm(built, { recursive: true, force: true })
  }
}

async function buildFunctions(target: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [BUILDER, target])
  } catch (error) {
    throw new SyncError(
      'usage/invalid',
      'The functions cannot be built in this checkout: run `npm ci`, which installs esbuild',
      { cause: error },
    )
  }
}

async function copyFrom(from: string, directory: string): Promise<CopiedFile[]> {
  const files = await listFiles(from)
  const copied: CopiedFile[] = []
  for (const file of files) copied.push(await copyFile(from, directory, file))
  const names = [...new Set(files.map((file) => file.split('/')[0] ?? ''))]
  copied.push(
    await addToConfig(
      directory,
      names.filter((name) => name !== GENERATED),
    ),
  )
  return copied
}

async function listFiles(from: string): Promise<string[]> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(from, join(parentPath, name)).replaceAll('\\', '/'))
    .toSorted()
}

async function copyFile(from: string, directory: string, file: string): Promise<CopiedFile> {
  const text = await readFile(join(from, file), 'utf8')
  const target = join(directory, file)
  const present = await readIfPresent(target)
  if (present === text) return { file, outcome: 'unchanged' }
  if (present !== null && !file.startsWith(`${GENERATED}/`)) return { file, outcome: 'kept' }
  await makeFolder(dirname(target))
  await writeFile(target, text)
  return { file, outcome: present === null ? 'copied' : 'updated' }
}

/** The gateway would refuse the schedule's token, so the functions check the keys themselves. */
async function addToConfig(directory: string, names: readonly string[]): Promise<CopiedFile> {
  const file = '../config.toml'
  const path = join(directory, file)
  const present = await readIfPresent(path)
  const missing = names.filter((name) => !present?.includes(`[functions.${name}]`))
  if (missing.length === 0) return { file, outcome: 'unchanged' }
  const sections = missing.map((name) => `[functions.${name}]\nverify_jwt = false\n`)
  const before = present === null || present === '' ? '' : `${present.trimEnd()}\n\n`
  await writeFile(path, before + sections.join('\n'))
  return { file, outcome: present === null ? 'copied' : 'updated' }
}
