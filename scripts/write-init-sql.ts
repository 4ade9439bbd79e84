// Writes supabase/db/init.sql from the migrations; with --check it only compares, and fails on a difference.

import { readFile, writeFile } from 'node:fs/promises'
import { renderInitSql } from '../src/db/init-sql.ts'
import { listMigrations } from '../src/db/migrate.ts'

const target = new URL('../supabase/db/init.sql', import.meta.url)
const wanted = renderInitSql(await listMigrations())

if (!process.argv.includes('--check')) {
  await writeFile(target, wanted)
} else if ((await readFile(target, 'utf8').catch(() => '')) !== wanted) {
  console.error('supabase/db/init.sql differs from the migrations: run `node scripts/write-init-sql.ts`')
  process.exitCode = 1
}
