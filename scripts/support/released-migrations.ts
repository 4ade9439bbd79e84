// Checksums of released migrations, one line each in the format of `sha256sum`. A released migration
// never changes, because databases have recorded its checksum.

import type { Migration } from '../../src/db/migrate/migration-files.ts'

/** File name → SHA-256 of its text in hex. Other lines are comments. */
export function parseReleased(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)].map(([, checksum = '', file = '']) => [
      file,
      checksum,
    ]),
  )
}

/** Lines to append, for the migrations that are not released yet. */
export function renderReleased(
  migrations: readonly Migration[],
  released: ReadonlyMap<string, string>,
): string {
  return migrations
    .filter(({ file }) => !released.has(file))
    .map(({ file, checksum }) => `${checksum}  ${file}\n`)
    .join('')
}

/** Names of the released files that were changed or removed since. */
export function listChangedReleases(
  migrations: readonly Migration[],
  released: ReadonlyMap<string, string>,
): string[] {
  const present = new Map(migrations.map(({ file, checksum }) => [file, checksum]))
  return [...released]
    .filter(([file, checksum]) => present.get(file) !== checksum)
    .map(([file]) => file)
}
