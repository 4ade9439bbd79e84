// The shell blocks of docs/deploy/supabase.md and of the section on backups in docs/operations.md work
// when they are pasted in order, on projects that are like new ones of Supabase.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../simulators/medipim/simulator.ts'
import { SECRET_KEY, startStorage } from '../simulators/storage/server.ts'
import { explainMissingProgram } from './support/processes.ts'
import {
  INSTALLED_POSTGRES,
  openProjectFolder,
  openSupabaseProject,
} from './support/supabase-project.ts'
import { listBlocks, openTerminalFolder } from './support/terminal-folder.ts'

const PAGE = 'docs/deploy/supabase.md'
const KEY = { id: 'your-key-id', secret: 'your-key-secret' }
const PRODUCTS = 60

async function openSuppliers(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-storage-'))
  const storage = await startStorage({ folder })
  const medipim = await startMedipim({ products: PRODUCTS, rateLimit: null, keys: [KEY] })
  t.after(async () => {
    await Promise.all([storage.close(), medipim.close()])
    await rm(folder, { recursive: true })
  })
  const env = { MEDIPIM_API_URL: medipim.url, ALLOW_PRIVATE_HOSTS: '127.0.0.1' }
  return { storage, medipim, env }
}

test('the page leads from an empty project to a sync, with readers, logins and an upgrade', async (t) => {
  const { storage, env } = await openSuppliers(t)
  const project = await openSupabaseProject(t)
  const { path, paste } = await openTerminalFolder(t, env, {
    'postgres://postgres:password@db.abcdefgh.supabase.co:5432/postgres': project.url,
    'https://abcdefgh.supabase.co': storage.url,
    'sb_secret_your-key': SECRET_KEY,
    'npm ci\n': '',
  })
  const blocks = await listBlocks(PAGE)
  const elsewhere = [
    ...(await listBlocks(PAGE, { heading: '## Two ways' })),
    // test/functions runs them, apart from those that need the platform.
    ...(await listBlocks(PAGE, { heading: '## Edge functions' })),
  ]
  let printed = ''
  for (const code of blocks.filter((block) => !elsewhere.includes(block))) {
    if (!/^[A-Z_]+=/.test(code)) printed += await paste(code)
    else await paste(`cat > .env <<'END'\n${code}END`)
  }
  assert.match(printed, /Applied \d+ migrations/)
  assert.equal(printed.match(/^no problem$/gm)?.length, 2)
  assert.ok(existsSync(join(path, '.env.logins')))
  const { rows } = await project.admin.query(
    `select count(*)::int, has_column_privilege('anon', 'api.products', 'title', 'select') as readable from api.products`,
  )
  assert.deepEqual(rows, [{ count: PRODUCTS, readable: true }])
  assert.match(await paste('shelfsync artifacts verify'), /manifest verified/)
})

test('the Supabase CLI pushes the migrations as the page describes', async (t) => {
  const { env } = await openSuppliers(t)
  const project = await openSupabaseProject(t)
  const { path } = await openProjectFolder(t, { withMigrations: false })
  const terminal = await openTerminalFolder(t, {
    ...env,
    DATABASE_URL: project.url,
    DO_NOT_TRACK: '1',
    SUPABASE_TELEMETRY_DISABLED: '1',
    SUPABASE_NO_UPDATE_NOTIFIER: '1',
    SUPABASE_YES: '1',
  })
  let printed = ''
  for (const code of await listBlocks(PAGE, { heading: '## Two ways' }))
    printed += await terminal.paste(`cd ${path}\n${code}`)
  assert.match(printed, /Recorded \d+ migrations that `supabase db push` had applied/)
  assert.match(printed, /The tables of the queue were created/)
})

const skip =
  explainMissingProgram('pg_restore', 'postgresql-client') ||
  (INSTALLED_POSTGRES === null && 'no postgresql package is installed')

test(
  'a backup is restored on a new server as the section on backups describes',
  { skip },
  async (t) => {
    const { storage, env } = await openSuppliers(t)
    const [old, fresh] = [
      await openSupabaseProject(t, INSTALLED_POSTGRES),
      await openSupabaseProject(t, INSTALLED_POSTGRES),
    ]
    const secrets = {
      SUPABASE_URL: storage.url,
      SUPABASE_SECRET_KEY: SECRET_KEY,
      MEDIPIM_API_KEY_ID: KEY.id,
      MEDIPIM_API_KEY_SECRET: KEY.secret,
    }
    const before = await openTerminalFolder(t, { ...env, ...secrets, DATABASE_URL: old.url })
    const after = await openTerminalFolder(t, { ...env, ...secrets, DATABASE_URL: fresh.url })
    const [dump = '', restore = '', ...rest] = await listBlocks('docs/operations.md', {
      heading: '## Backup and restore',
    })
    await before.paste(
      'shelfsync migrate; shelfsync add medipim; shelfsync sync; shelfsync publish --role anon',
    )
    await before.paste(dump)
    // A run after the backup, whose artifacts stay in the bucket.
    await before.paste('shelfsync sync --full')
    await copyFile(join(before.path, 'shelfsync.dump'), join(after.path, 'shelfsync.dump'))
    const [roles = '', load = ''] = restore.trim().split('\n')
    assert.match(load, /^pg_restore /)
    await assert.rejects(after.paste(load), /role "shelfsync_\w+" does not exist/)
    await after.paste(`${load.replace(' --exit-on-error --single-transaction', '')} || true`)
    await assert.rejects(after.paste('shelfsync migrate'), /create role shelfsync_fetcher;/)
    await fresh.db.query('drop schema catalog, api, pipeline cascade')
    await after.paste(roles)
    await after.paste(load)
    let printed = ''
    for (const code of rest) printed += await after.paste(code)
    assert.match(printed, /^no problem$/m)
    assert.match(printed, new RegExp(`unchanged ${PRODUCTS} `))
    const { rows } = await fresh.admin.query(
      `select has_column_privilege('anon', 'api.products', 'title', 'select') as readable`,
    )
    assert.deepEqual(rows, [{ readable: true }])
  },
)
