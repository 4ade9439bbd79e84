// `supabase db push` and `shelfsync migrate` on the same project, in each order, with the real
// Supabase CLI. The owner of the project is not a superuser.

import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { BUCKET_DEFAULT } from '../../src/config/supabase-settings.ts'
import { listMigrations } from '../../src/db/migrate/migration-files.ts'
import { runCommand } from '../support/commands.ts'
import {
  INSTALLED_POSTGRES,
  openProjectFolder,
  openSupabaseProject,
  type ProjectFolder,
  type SupabaseProject,
} from '../support/supabase-project.ts'

const files = (await listMigrations()).map(({ file }) => file)
const UP_TO_DATE = /Remote database is up to date/

async function push(
  { supabase }: ProjectFolder,
  { url }: SupabaseProject,
  ...options: readonly string[]
): Promise<string> {
  const { code, output } = await supabase('db', 'push', `--db-url=${url}`, '--yes', ...options)
  assert.equal(code, 0, output)
  return output
}

async function pushRefused({ supabase }: ProjectFolder, { url }: SupabaseProject): Promise<string> {
  const { code, output } = await supabase('db', 'push', `--db-url=${url}`, '--yes')
  assert.notEqual(code, 0, output)
  return output
}

async function shelfsync(
  { url }: SupabaseProject,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await runCommand({ DATABASE_URL: url }, [...args, '--json'])
  assert.notEqual(stdout, '', stderr)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
}

function listApplied(output: string): string[] {
  return [...output.matchAll(/Applying migration (\S+?\.sql)/g)].map(([, file = '']) => file)
}

/**
 * Tables without a policy can be read by their owner only. The functions of schema api are bound to
 * their views when they are created, so that Postgres can inline them. A new database uses no index.
 */
const INTENDED = [
  'function_search_path_mutable in api',
  'rls_enabled_no_policy in catalog',
  'unused_index in bullmq',
  'unused_index in catalog',
]

/** The kinds of findings of the dashboard's advisors, with the schemas in which they are. */
async function listFindings(
  { supabase }: ProjectFolder,
  { url }: SupabaseProject,
): Promise<string[]> {
  const options = ['--type', 'all', '--level', 'info', '--output', 'json']
  const { code, output } = await supabase('db', 'advisors', `--db-url=${url}`, ...options)
  assert.equal(code, 0, output)
  const findings = output.matchAll(/"name": "(\w+)",\s+"title"[^]*?"schema": "(\w+)"/g)
  return [...new Set([...findings].map(([, kind, schema]) => `${kind} in ${schema}`))].toSorted()
}

/** The result of a migrate that changes nothing. */
const NOTHING = {
  applied: [],
  adopted: [],
  adoptedFrom: null,
  recordedForSupabase: [],
  queue: 'unchanged',
}

for (const [server, binaries] of [
  ['the embedded Postgres', null],
  ['the Postgres of a Debian package', INSTALLED_POSTGRES],
] as const) {
  const isMissing = server !== 'the embedded Postgres' && binaries === null
  const skip = isMissing && 'no postgresql package is installed'
  suite(server, { skip }, () => {
    const open = async (t: TestContext) => ({
      project: await openSupabaseProject(t, binaries),
      folder: await openProjectFolder(t, { withMigrations: true }),
    })

    test('push applies everything once, and migrate records what it applied', async (t) => {
      const { project, folder } = await open(t)
      assert.deepEqual(listApplied(await push(folder, project)), files)
      assert.match(await push(folder, project), UP_TO_DATE)
      assert.deepEqual(await shelfsync(project, 'migrate'), {
        ...NOTHING,
        adopted: files,
        adoptedFrom: 'supabase',
        queue: 'created',
      })
      assert.deepEqual(await shelfsync(project, 'migrate'), NOTHING)
      assert.match(await push(folder, project), UP_TO_DATE)
      const { rows } = await project.db.query('select id, public from storage.buckets')
      assert.deepEqual(rows, [{ id: BUCKET_DEFAULT, public: false }])
    })

    test("the platform's advisors find only what is intended", async (t) => {
      const { project, folder } = await open(t)
      await shelfsync(project, 'migrate')
      assert.deepEqual(await listFindings(folder, project), INTENDED)
      await shelfsync(project, 'publish', '--role', 'anon', 'authenticated')
      assert.deepEqual(await listFindings(folder, project), INTENDED)
      await project.db.query(
        'create view api.planted as select * from catalog.runs; grant select on api.planted to anon',
      )
      const planted = await listFindings(folder, project)
      assert.deepEqual(planted, [...INTENDED, 'security_definer_view in api'].toSorted())
    })

    test('after migrate, push has nothing to do once the history of the CLI is recorded', async (t) => {
      const { project, folder } = await open(t)
      const first = await shelfsync(project, 'migrate')
      assert.deepEqual(first, { ...NOTHING, applied: files, queue: 'created' })
      assert.match(await pushRefused(folder, project), /already exists/)
      const recorded = await shelfsync(project, 'migrate', '--supabase-history')
      assert.deepEqual(recorded, { ...NOTHING, recordedForSupabase: files })
      assert.match(await push(folder, project), UP_TO_DATE)
    })

    test("a project's own migrations are pushed before and after those of Shelfsync", async (t) => {
      const { project } = await open(t)
      const own = await openProjectFolder(t, { withMigrations: false })
      const write = (file: string, sql: string) => writeFile(join(own.migrations, file), sql)
      await write('20200101000000_mine.sql', 'create table public.mine (id integer primary key);')
      await push(own, project)
      await runCommand({}, ['migrations', 'copy', own.migrations])
      assert.deepEqual(listApplied(await push(own, project)), files)
      await write('20990101000000_later.sql', 'alter table public.mine add column name text;')
      assert.deepEqual(listApplied(await push(own, project)), ['20990101000000_later.sql'])
      const { adopted, applied } = await shelfsync(project, 'migrate')
      assert.deepEqual({ adopted, applied }, { adopted: files, applied: [] })
    })

    test('files that come before a pushed one need --include-all', async (t) => {
      const { project } = await open(t)
      const own = await openProjectFolder(t, { withMigrations: false })
      await writeFile(join(own.migrations, '20990101000000_mine.sql'), 'create schema mine;')
      await push(own, project)
      await runCommand({}, ['migrations', 'copy', own.migrations])
      assert.match(await pushRefused(own, project), /--include-all/)
      assert.deepEqual(listApplied(await push(own, project, '--include-all')), files)
    })

    test('migrate continues a history that push has started, and the CLI then needs the files', async (t) => {
      const { project, folder } = await open(t)
      const [last = ''] = files.slice(-1)
      await rm(join(folder.migrations, last))
      await push(folder, project)
      const migrated = await shelfsync(project, 'migrate')
      assert.deepEqual([migrated['applied'], migrated['recordedForSupabase']], [[last], [last]])
      assert.match(await pushRefused(folder, project), /not found in local migrations directory/)
      await runCommand({}, ['migrations', 'copy', folder.migrations])
      assert.match(await push(folder, project), UP_TO_DATE)
    })
  })
}
