// A real Postgres for tests: one server for all test files, and for each caller a clone of a
// database that was migrated once. A loop in SQL stops the server two seconds after the last test
// process has ended, even if that process crashed.

import { createHash, randomUUID } from 'node:crypto'
import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { openEmbedded } from '../../src/embedded-postgres/embedded.ts'
import { PRESENCE_LOCK } from '../../src/embedded-postgres/presence.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { listMigrations, type Migration } from '../../src/db/migrate/migration-files.ts'
import { type Db, openPool } from '../../src/db/pool.ts'

export interface TestDatabase {
  readonly url: string
  readonly pool: Db
  /** Ends the pool and drops the database. The end of the test or of the file also calls it. */
  drop(): Promise<void>
}

export interface TestDatabaseOptions {
  /** Default: all migrations of the project. Empty: a database without a schema. */
  readonly migrations?: readonly Migration[]
  /** A server other than that of `TEST_POSTGRES`, written in the same form. */
  readonly server?: string
}

/** A test's context, or any object that announces its end. */
export interface Lifetime {
  after(cleanUp: () => Promise<void>): void
}

interface TestServer {
  readonly url: string
  close(): Promise<void>
}

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
/** A file system in memory, on Linux. In a container it often has only 64 MB. */
const MEMORY = '/dev/shm'
const MEMORY_BYTES_MIN = 4 * 2 ** 30
/** Time in which the next test of the file may begin and use the same connection. */
const LEAVE_MS = 50

/** A busy machine may need longer than the ten seconds of the default. */
const CONNECT_SECONDS = 60

const TEMPLATE_LOCK = 7_435_901_630
const WATCH_LOCK = 7_435_901_631

/** Fast rather than durable. Autovacuum is off, because it writes WAL that budgets would count. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  autovacuum: 'off',
  checkpoint_timeout: '1h',
  max_connections: '200',
  shared_buffers: '128MB',
}

/**
 * Opens a separate database that is dropped with the test `t`, or, without `t`, with the file.
 * `TEST_POSTGRES` chooses the server: `embedded` (the default), `15` (Debian's) or the URL of a
 * superuser.
 */
export async function openTestDatabase(
  t?: Lifetime,
  options: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  const migrations = options.migrations ?? (await listMigrations())
  const server = await openServer(options.server ?? process.env['TEST_POSTGRES'] ?? 'embedded')
  const name = await asAdmin(server.url, (admin) => cloneTemplate(admin, server.url, migrations))
  const url = databaseUrl(server.url, name)
  const pool = await openPool(`${url}?connect_timeout=${CONNECT_SECONDS}`, {
    applicationName: 'test',
  })
  let dropped = false
  const drop = async (): Promise<void> => {
    if (dropped) return
    dropped = true
    await pool.end()
    await asAdmin(server.url, (admin) => admin.query(`drop database "${name}" with (force)`))
    await server.close()
  }
  if (t) t.after(drop)
  else after(drop)
  return { url, pool, drop }
}

interface JoinedServer {
  readonly server: Promise<TestServer>
  users: number
}

/** The servers that this process has joined: the tests of a file, one after another, share one. */
const joined = new Map<string, JoinedServer>()

async function openServer(choice: string): Promise<TestServer> {
  if (choice.startsWith('postgres')) return { url: choice, close: () => Promise.resolve() }
  const entry = joined.get(choice) ?? { server: joinServer(choice), users: 0 }
  joined.set(choice, entry)
  entry.users += 1
  try {
    const { url, close } = await entry.server
    return { url, close: async () => void leave(choice, entry, close) }
  } catch (error) {
    // The next test tries again.
    joined.delete(choice)
    throw error
  }
}

async function leave(choice: string, entry: JoinedServer, close: TestServer['close']) {
  entry.users -= 1
  await setTimeout(LEAVE_MS)
  if (entry.users > 0 || joined.get(choice) !== entry) return
  joined.delete(choice)
  await close()
}

async function joinServer(choice: string): Promise<TestServer> {
  const server = await openEmbedded({
    ...findPlaces(choice),
    settings: SETTINGS,
    ...(choice === 'embedded' ? {} : { binaries: `/usr/lib/postgresql/${choice}/bin` }),
  })
  try {
    await watch(server.url)
  } catch (error) {
    await server.close()
    throw error
  }
  return { url: server.url, close: () => server.close({ keepServer: true }) }
}

/**
 * Where the server keeps its data: in memory, if this machine has enough, because a database of a
 * thousand small files is created there in a sixth of the time.
 */
function findPlaces(choice: string): { home: string; shelter: string } {
  const checkout = createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 8)
  const home = `${MEMORY}/shelfsync-test-${checkout}/${choice}`
  // A server that runs is joined, even if the rest of the memory has become scarce.
  return existsSync(home) || freeBytes(MEMORY) > MEMORY_BYTES_MIN
    ? { home, shelter: `${MEMORY}/shelfsync-test` }
    : {
        home: join(CHECKOUT, 'node_modules/.cache/shelfsync-test', choice),
        shelter: join(tmpdir(), 'shelfsync-test'),
      }
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return 0
  }
}

/**
 * Starts a session that stops the server when no test process has been connected for two seconds.
 * One session is enough: a second one ends at once.
 */
async function watch(url: string): Promise<void> {
  const client = await connect(url)
  const started = new Promise<void>((resolve) => client.once('notice', () => resolve()))
  const loop = client.query(`do $$
    declare quiet integer := 0;
    begin
      raise notice 'watching';
      if not pg_try_advisory_lock(${WATCH_LOCK}) then return; end if;
      while quiet < 20 loop
        perform pg_sleep(0.1);
        commit;
        quiet := case when pg_try_advisory_lock(${PRESENCE_LOCK}) then quiet + 1 else 0 end;
        -- The lock is kept the last time, so that a process that comes now waits for the end and restarts the server.
        if quiet between 1 and 19 then perform pg_advisory_unlock(${PRESENCE_LOCK}); end if;
      end loop;
      execute format('copy (select) to program %L', 'kill -INT ' || split_part(pg_read_file('postmaster.pid'), chr(10), 1));
      perform pg_sleep(60);
    end $$`)
  // Closing the connection does not end the loop, because a session checks its client only when it
  // sends something.
  await Promise.race([started, loop])
  loop.catch(() => undefined)
  await client.end()
}

/**
 * Returns the name of a new copy of the migrated template. Processes take turns, so that one
 * migrates and no other process sees a half-built template.
 */
async function cloneTemplate(
  admin: pg.Client,
  serverUrl: string,
  migrations: readonly Migration[],
): Promise<string> {
  await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const hash = createHash('sha256')
    .update(migrations.map(({ checksum }) => checksum).join())
    .digest('hex')
    .slice(0, 16)
  const template = `shelfsync_template_${hash}`
  const { rows } = await admin.query<{ name: string; epoch: string }>(`select datname as name,
    extract(epoch from pg_postmaster_start_time())::bigint::text as epoch from pg_database`)
  const prefix = `shelfsync_test_${rows[0]?.epoch}_`
  if (!rows.some(({ name }) => name === template)) {
    // Templates of other schemas, half-built ones, and databases that killed tests left in an
    // earlier life of the server.
    const old = rows.filter(
      ({ name }) => /^shelfsync_(template|building|test)/.test(name) && !name.startsWith(prefix),
    )
    for (const { name } of old) await admin.query(`drop database "${name}"`).catch(() => undefined)
    await buildTemplate(admin, serverUrl, template, migrations)
  }
  const name = `${prefix}${randomUUID().slice(0, 8)}`
  // Ten times faster than the default strategy, which writes every page to the WAL.
  await admin.query(`create database "${name}" template "${template}" strategy file_copy`)
  return name
}

async function buildTemplate(
  admin: pg.Client,
  serverUrl: string,
  template: string,
  migrations: readonly Migration[],
): Promise<void> {
  await admin.query('create database shelfsync_building')
  if (migrations.length > 0) {
    const pool = await openPool(databaseUrl(serverUrl, 'shelfsync_building'), {
      max: 2,
      applicationName: 'test',
    })
    try {
      await migrate(pool, { migrations })
    } finally {
      await pool.end()
    }
  }
  await admin.query(`alter database shelfsync_building rename to "${template}"`)
}

async function asAdmin<T>(url: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = await connect(url)
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = name
  return url.href
}
