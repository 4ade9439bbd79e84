// Executes docs/uninstall.md on a separate server, because roles belong to a whole server.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openEmbedded } from '../../src/embedded-postgres/embedded.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { listMigrations } from '../../src/db/migrate/migration-files.ts'
import { openPool, type Db } from '../../src/db/pool.ts'
import { migrateQueue } from '../../src/jobs/queues.ts'

const page = readFileSync(new URL('../../docs/uninstall.md', import.meta.url), 'utf8')
const steps = [...page.matchAll(/^```sql\n([^`]*)^```$/gm)].map(([, sql = '']) => sql)

/** Everything that a migration could leave behind, by kind and name. */
async function everything(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ thing: string }>(`
    select 'schema ' || nspname as thing from pg_namespace where nspname !~ '^pg_(toast_)?temp'
    union all select 'role ' || rolname from pg_roles
    union all select 'default rights ' || oid from pg_default_acl
    union all select 'migration ' || version from supabase_migrations.schema_migrations
    union all select format('%s %s', relkind, relname) from pg_class where relnamespace = 'api'::regnamespace or relnamespace = 'public'::regnamespace
    order by 1`)
  return rows.map(({ thing }) => thing)
}

test('uninstalling removes every object of Shelfsync and no other, and a new installation works', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-uninstall-'))
  await chmod(home, 0o755)
  const server = await openEmbedded({ home, settings: { fsync: 'off', shared_buffers: '16MB' } })
  const db = await openPool(server.url, { applicationName: 'uninstall' })
  t.after(async () => {
    await db.end()
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })
  await db.query(`create schema api; create table api.mine (id integer); create role anon; create role service_role;
    create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations (version, name) values ('20260101000000', 'mine')`)
  const before = await everything(db)
  const install = async (): Promise<void> => {
    await migrate(db, { recordFor: 'supabase' })
    await migrateQueue(db)
    await db.query(`select catalog.publish('anon')`)
  }
  await install()
  assert.ok((await everything(db)).length > before.length + 10)
  assert.ok((await listMigrations()).every(({ version }) => version.startsWith('202611220000')))

  await assert.rejects(
    db.query(steps[0] ?? ''),
    /cannot drop schema api because other objects depend on it/,
  )
  await db.query('alter table api.mine set schema public')
  for (const step of steps) await db.query(step)
  await db.query('create schema api; alter table public.mine set schema api')
  assert.deepEqual(await everything(db), before)

  await install()
  assert.deepEqual((await db.query('select count(*) from catalog.sources')).rows, [{ count: 0 }])
})
