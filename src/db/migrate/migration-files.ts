// Migrations as files: plain SQL, `<version>_<name>.sql`, applied in the order of their versions.

import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SyncError } from '../../core/errors.ts'
import { makeFolder } from '../../node/make-folder.ts'
import { readIfPresent } from '../../node/read-if-present.ts'

/** The migrations that this version of Shelfsync ships. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(
  new URL('../../../supabase/migrations/', import.meta.url),
)

/** The current definition of every object. All migrations together produce the same database. */
export const SCHEMAS_DIRECTORY = fileURLToPath(
  new URL('../../../supabase/schemas/', import.meta.url),
)

/** One file, `<version>_<name>.sql`. */
export interface Migration {
  readonly version: string
  readonly name: string
  readonly file: string
  readonly sql: string
  /** SHA-256 of the text in hex. Line endings do not change it. */
  readonly checksum: string
}

export interface CopiedMigration {
  readonly file: string
  readonly outcome: 'copied' | 'unchanged'
}

/**
 * Reads a folder of migrations, in order.
 *
 * @throws SyncError `db/migration-failed` if a file has another name or two share a version
 */
export async function listMigrations(
  directory: string = MIGRATIONS_DIRECTORY,
): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(files.map((file) => loadMigration(directory, file)))
  for (const [index, { version, file }] of migrations.entries()) {
    const before = migrations[index - 1]
    if (before?.version === version)
      throw new SyncError('db/migration-failed', `${before.file} and ${file} have the same version`)
  }
  return migrations
}

async function loadMigration(directory: string, file: string): Promise<Migration> {
  const [, version, name] = /^(\d+)_(.+)\.sql$/.exec(file) ?? []
  if (!version || !name)
    throw new SyncError(
      'db/migration-failed',
      `${join(directory, file)} is not named <digits>_<name>.sql`,
    )
  const sql = normaliseLineEndings(await readFile(join(directory, file), 'utf8'))
  return { version, name, file, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}

/**
 * Copies the migrations into `directory`, the `supabase/migrations` of a user's project, and creates
 * it if necessary. A second call changes nothing.
 *
 * @throws SyncError `usage/invalid` if a file there differs from ours; nothing is copied then
 */
export async function copyMigrations(
  directory: string,
  migrations?: readonly Migration[],
): Promise<CopiedMigration[]> {
  const shipped = migrations ?? (await listMigrations())
  await makeFolder(directory)
  const present = await Promise.all(shipped.map(({ file }) => readIfPresent(join(directory, file))))
  const changed = shipped.filter(
    ({ sql }, index) => present[index] != null && normaliseLineEndings(present[index]) !== sql,
  )
  if (changed.length > 0) {
    const names = changed.map(({ file }) => join(directory, file)).join(', ')
    throw new SyncError(
      'usage/invalid',
      `Changed by hand, so not overwritten: ${names}. Move your changes into a separate migration`,
    )
  }
  return Promise.all(
    shipped.map(async ({ file, sql }, index): Promise<CopiedMigration> => {
      if (present[index] != null) return { file, outcome: 'unchanged' }
      await writeFile(join(directory, file), sql)
      return { file, outcome: 'copied' }
    }),
  )
}

function normaliseLineEndings(text: string): string {
  return text.replaceAll('\r\n', '\n')
}
