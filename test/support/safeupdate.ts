// Builds the check that Supabase preloads for its Data API, on a machine that has a compiler and
// the headers of Debian's Postgres 15.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runAs } from '../../src/embedded-postgres/account.ts'

const HEADERS = '/usr/include/postgresql/15/server'
const COMPILER = '/usr/bin/gcc'
const SERVER = '/usr/lib/postgresql/15/bin/postgres'

/** True when this machine can start a Postgres 15 with the check. */
export const canCheck = [join(HEADERS, 'postgres.h'), COMPILER, SERVER].every((path) =>
  existsSync(path),
)

/** The library for a Postgres 15, readable by every account. It is built once. */
export async function buildSafeupdate(): Promise<string> {
  const source = fileURLToPath(new URL('safeupdate.c', import.meta.url))
  const hash = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 16)
  const folder = join(tmpdir(), 'shelfsync-test')
  const library = join(folder, `safeupdate-${hash}.so`)
  if (existsSync(library)) return library
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const draft = `${library}.${process.pid}`
  await runAs({}, COMPILER, ['-shared', '-fPIC', `-I${HEADERS}`, '-o', draft, source])
  await rename(draft, library)
  return library
}
