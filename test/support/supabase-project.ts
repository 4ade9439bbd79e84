// The Postgres of a new Supabase project, with the platform's roles, an owner who is not a superuser,
// and Storage's table of buckets. It is a separate server, because roles belong to a server. Also the
// real Supabase CLI, which pushes a folder of migrations to it.
// https://supabase.com/docs/guides/database/postgres/roles

import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { chmod, copyFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { openEmbedded } from '../../src/embedded-postgres/embedded.ts'
import { type Db, openPool } from '../../src/db/pool.ts'
import type { Lifetime } from './database.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const CLI = join(
  dirname(fileURLToPath(import.meta.resolve('supabase/package.json'))),
  'dist/supabase.js',
)

/** The programs of the newest Postgres that a Debian package has installed, or null. */
export const INSTALLED_POSTGRES =
  globSync('/usr/lib/postgresql/*/bin/postgres')
    .map((program) => dirname(program))
    .sort()
    .at(-1) ?? null

export interface SupabaseProject {
  /** The login of the project's owner, as in the connection string of the dashboard. */
  readonly url: string
  /** A pool of the owner. */
  readonly db: Db
  /** A pool of the platform's superuser. */
  readonly admin: pg.Pool
}

export interface Ended {
  readonly code: number
  readonly output: string
}

/**
 * The owner's rights are those of `postgres` on the platform: it creates roles and skips row security.
 * `supabase_storage_admin` owns Storage's tables; the owner may write them.
 */
const PLATFORM = `
  create role anon nologin noinherit;
  create role authenticated nologin noinherit;
  create role service_role nologin noinherit bypassrls;
  create role supabase_storage_admin nologin noinherit;
  create role project_owner login createrole createdb bypassrls password 'only-a-test';
  grant anon, authenticated, service_role to project_owner;
  create schema extensions;
  create schema storage authorization supabase_storage_admin;
  create table storage.buckets (id text primary key, name text not null unique, owner uuid,
    created_at timestamptz default now(), updated_at timestamptz default now(),
    public boolean default false, avif_autodetection boolean default false, file_size_limit bigint,
    allowed_mime_types text[], owner_id text);
  alter table storage.buckets owner to supabase_storage_admin;
  alter table storage.buckets enable row level security;
  grant usage on schema storage to project_owner, anon, authenticated, service_role;
  grant all on storage.buckets to project_owner, anon, authenticated, service_role;
  alter database postgres set pgrst.db_schemas = 'api, pipeline';
  grant all on database postgres to project_owner;
  grant all on schema public to project_owner`

/** Starts the server with the programs in `binaries`; null: the embedded ones. */
export async function openSupabaseProject(
  t: Lifetime,
  binaries: string | null = null,
): Promise<SupabaseProject> {
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-project-'))
  await chmod(home, 0o755)
  const server = await openEmbedded({
    home,
    settings: { fsync: 'off', shared_buffers: '32MB' },
    ...(binaries === null ? {} : { binaries }),
  })
  t.after(async () => {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })
  const admin = new pg.Pool({ connectionString: server.url, max: 2 })
  admin.on('error', () => undefined)
  await admin.query(PLATFORM)
  const { host, pathname } = new URL(server.url)
  const url = `postgres://project_owner:only-a-test@${host}${pathname}?sslmode=disable`
  const db = await openPool(url, { applicationName: 'project' })
  t.after(async () => {
    await db.end()
    await admin.end()
  })
  return { url, db, admin }
}

export interface ProjectFolder {
  readonly path: string
  readonly migrations: string
  /** Runs the Supabase CLI in the folder. */
  supabase(...args: readonly string[]): Promise<Ended>
}

/** A folder with the settings of the CLI, and with the migrations of Shelfsync on request. */
export async function openProjectFolder(
  t: Lifetime,
  { withMigrations }: { readonly withMigrations: boolean },
): Promise<ProjectFolder> {
  const path = await mkdtemp(join(tmpdir(), 'shelfsync-folder-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  const migrations = join(path, 'supabase/migrations')
  await mkdir(migrations, { recursive: true })
  await copyFile(join(root, 'supabase/config.toml'), join(path, 'supabase/config.toml'))
  if (withMigrations) await cp(join(root, 'supabase/migrations'), migrations, { recursive: true })
  return { path, migrations, supabase: (...args) => runCli(path, args) }
}

/** Without the machine's home and network services: the CLI would look for updates there. */
function runCli(folder: string, args: readonly string[]): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    DO_NOT_TRACK: '1',
    SUPABASE_TELEMETRY_DISABLED: '1',
    SUPABASE_NO_UPDATE_NOTIFIER: '1',
  }
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI, ...args, '--workdir', folder],
      { cwd: folder, env },
      (error, stdout, stderr) =>
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1,
          output: stdout + stderr,
        }),
    )
    child.stdin?.end()
  })
}
