// The migrations as files of another project.

import assert from 'node:assert/strict'
import { appendFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { listMigrations } from '../../src/db/migrate/migration-files.ts'
import { openShelfsync } from './shelfsync.ts'

test("migrations are copied into a project's folder once, without a database", async (t) => {
  const { run, folder } = await openShelfsync(t, { DATABASE_URL: 'postgres://127.0.0.1:1/nobody' })
  const copy = async () => run('migrations', 'copy', 'supabase/migrations', '--json')
  const shipped = (await listMigrations()).map(({ file }) => file)
  for (const outcome of ['copied', 'unchanged']) {
    const copied = await copy()
    assert.equal(copied.code, 0, copied.stderr)
    assert.deepEqual(
      copied.stdout
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
      shipped.map((file) => ({ file, outcome })),
    )
  }
  assert.deepEqual((await readdir(join(folder, 'supabase/migrations'))).sort(), shipped)
  await appendFile(join(folder, 'supabase/migrations', shipped[0] ?? ''), '-- mine')
  const changed = await copy()
  assert.equal(changed.code, 64, changed.stderr)
  assert.match(changed.stderr, /Changed by hand, so not overwritten/)
})
