// Writes supabase/db/init.sql from the migrations. Until the first release, the migrations are
// generated too: one for each file of supabase/schemas. `--release` records their checksums in
// supabase/released.sha256; afterwards this script only verifies that they are unchanged.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { renderInitSql } from '../src/db/migrate/init-sql.ts'
import {
  listMigrations,
  MIGRATIONS_DIRECTORY,
  SCHEMAS_DIRECTORY,
  type Migration,
} from '../src/db/migrate/migration-files.ts'
import { writeGenerated } from './support/generated.ts'
import {
  listChangedReleases,
  parseReleased,
  renderReleased,
} from './support/released-migrations.ts'

const RELEASED_FILE = fileURLToPath(new URL('../supabase/released.sha256', import.meta.url))
/** The first migrations have the version `<date><number of the schema file>`. */
const FIRST_SET_DATE = '20261122'

const released = parseReleased(await readFile(RELEASED_FILE, 'utf8'))
if (released.size === 0) await writeFirstMigrations()
const migrations = await listMigrations()
for (const file of listChangedReleases(migrations, released)) {
  console.error(`supabase/migrations/${file} is released and was changed or removed: restore it`)
  process.exitCode = 1
}
if (process.argv.includes('--release'))
  await writeFile(RELEASED_FILE, renderReleased(migrations, released), { flag: 'a' })
await writeGenerated({ 'supabase/db/init.sql': renderInitSql(migrations) })

async function writeFirstMigrations(): Promise<void> {
  await mkdir(MIGRATIONS_DIRECTORY, { recursive: true })
  const schemas = await listMigrations(SCHEMAS_DIRECTORY)
  const generated = new Map(schemas.map((schema) => [firstMigrationFile(schema), render(schema)]))
  const present = await listMigrations()
  for (const { file } of present.filter((migration) => !generated.has(migration.file))) {
    if (process.argv.includes('--check')) {
      console.error(`supabase/migrations/${file} has no schema file: run this script to remove it`)
      process.exitCode = 1
    } else await rm(`${MIGRATIONS_DIRECTORY}${file}`)
  }
  await writeGenerated(
    Object.fromEntries([...generated].map(([file, sql]) => [`supabase/migrations/${file}`, sql])),
  )
}

function firstMigrationFile({ version, name }: Migration): string {
  return `${FIRST_SET_DATE}${version.padStart(6, '0')}_${name}.sql`
}

function render({ file, sql }: Migration): string {
  return `-- Generated from supabase/schemas/${file} until the first release: do not edit.\n\n${sql}`
}
