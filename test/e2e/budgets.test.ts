// The cost of a night in rows written, WAL, requests, transactions and statements. The bench measures
// times. The server is separate, because WAL is counted for a whole server and other tests write too.

import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { prerenderFeed } from '../../simulators/medipim/feed.ts'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { medipim } from '../../src/connectors/medipim/connector.ts'
import { openEmbedded } from '../../src/embedded-postgres/embedded.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { openPool } from '../../src/db/pool.ts'
import { runCommand } from '../support/commands.ts'
import { MEDIPIM_KEY } from '../support/medipim.ts'
import { countOutcomes, openPipeline } from '../support/pipeline.ts'
import { waitUntil } from '../support/wait-until.ts'

const PRODUCTS = 5000
const MEGABYTE = 1_000_000

const folder = await mkdtemp(join(tmpdir(), 'shelfsync-budgets-'))
// When root runs this test, the server's account must be able to enter the folder.
await chmod(folder, 0o711)
const choice = process.env['TEST_POSTGRES'] ?? 'embedded'
const server = await openEmbedded({
  ...(/^\d+$/.test(choice) && { binaries: `/usr/lib/postgresql/${choice}/bin` }),
  home: join(folder, 'home'),
  shelter: join(folder, 'shelter'),
  settings: {
    fsync: 'off',
    synchronous_commit: 'off',
    autovacuum: 'off',
    checkpoint_timeout: '1h',
    max_wal_size: '8GB',
    log_line_prefix: '%d|',
  },
})
const db = await openPool(server.url, { applicationName: 'budgets' })
after(async () => {
  await db.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})
await migrate(db)

interface Cost {
  readonly walBytes: number
  /** Rows of products, variants, prices, images and search entries that were inserted, updated or deleted. */
  readonly rowsWritten: number
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const before = await readings()
  await work()
  const { walBytes, rowsWritten } = await readings()
  return { walBytes: walBytes - before.walBytes, rowsWritten: rowsWritten - before.rowsWritten }
}

async function readings(): Promise<Cost> {
  await reportCounts()
  const { rows } = await db.query<Cost>(
    `select (pg_current_wal_insert_lsn() - '0/0')::bigint as "walBytes", sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint as "rowsWritten"
     from pg_stat_clear_snapshot(), pg_stat_user_tables where schemaname = 'catalog' and relname in ('products', 'variants', 'prices', 'images', 'search_entries')`,
  )
  assert.ok(rows[0])
  return rows[0]
}

/**
 * Makes every session report the rows that it has written: by itself, a session reports at most once
 * a second, and the rest when it has been idle for ten seconds or ends.
 */
async function reportCounts(): Promise<void> {
  await waitUntil(async () => {
    const { rows } = await db.query<{ count: number }>(
      `select count(*) from pg_stat_activity where application_name = 'budgets'`,
    )
    return rows[0]?.count === db.totalCount
  })
  const sessions = await Promise.all(Array.from({ length: db.totalCount }, () => db.connect()))
  for (const session of sessions) await session.query('select pg_stat_force_next_flush()')
  for (const session of sessions) session.release()
}

test('an unchanged feed writes no row and almost no WAL, even when volatile members move; one changed product in a hundred costs its share', async (t) => {
  const simulator = await startMedipim({ products: 1, rateLimit: null })
  t.after(simulator.close)
  const settings = { apiUrl: simulator.url, market: 'au' }
  const pipeline = await openPipeline(t, {
    db,
    connector: medipim,
    credentials: MEDIPIM_KEY,
    settings,
    options: { partBytesMax: 4 << 20, batchRecordsMax: 500, batchBytesMax: 4 << 20 },
  })
  const feed = async (variant: 'first' | 'moved' | 'changed') => {
    const made = await prerenderFeed(
      { products: PRODUCTS, variant },
      join(folder, `${variant}.ndjson`),
    )
    simulator.setFeed(made.file)
    return made
  }

  await feed('first')
  const first = await costOf(() => pipeline.sync())
  assert.ok(first.rowsWritten > 2 * PRODUCTS)
  // The first reader after a load sets hint bits. After a large load Postgres does that by itself.
  await db.query(
    'vacuum (analyze) catalog.products, catalog.variants, catalog.prices, catalog.images',
  )

  simulator.stats.reset()
  const again = await costOf(async () =>
    assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: PRODUCTS }),
  )
  assert.equal(again.rowsWritten, 0)
  assert.ok(again.walBytes < MEGABYTE, `${again.walBytes} bytes of WAL`)
  assert.deepEqual(simulator.stats.snapshot().requests, {
    '/v4/products/get-fields': 1,
    '/v4/products/stream': 1,
  })

  await feed('moved')
  const moved = await costOf(async () =>
    assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: PRODUCTS - 1, missing: 1 }),
  )
  assert.equal(moved.rowsWritten, 0)
  assert.ok(moved.walBytes < MEGABYTE, `${moved.walBytes} bytes of WAL`)

  const { changed } = await feed('changed')
  const percent = await costOf(async () =>
    assert.equal((await pipeline.sync()).ledger.updated, changed.length),
  )
  assert.ok(
    percent.rowsWritten >= changed.length && percent.rowsWritten <= 9 * changed.length,
    `${percent.rowsWritten} rows for ${changed.length} products`,
  )
  assert.ok(percent.walBytes < 2 * MEGABYTE, `${percent.walBytes} bytes of WAL`)
  t.diagnostic(JSON.stringify({ first, again, moved, percent }))
})

/** The traffic of a run of 60 products by its kind. A change of these figures needs a reason. */
// Each of a run's two requests takes a turn of its limit and asks the circuit breaker.
// One statement adds the sync that a person starts to the log of actions.
const TRAFFIC = {
  first: { connections: 2, transactions: 21, statements: 25 },
  'same again': { connections: 1, transactions: 16, statements: 15 },
  'nothing new': { connections: 1, transactions: 15, statements: 14 },
  'no line': { connections: 1, transactions: 14, statements: 13 },
} as const

interface Traffic {
  /** Each connection takes one transaction to log in. */
  readonly connections: number
  readonly transactions: number
  readonly statements: number
}

/** Counts what arrives in a database, as Postgres does, from a session in another database. */
function createCounter(database: string) {
  const serverLog = join(folder, 'home', 'postgres', 'log')
  const read = async (): Promise<Traffic> => {
    // Sessions report their counts before they end.
    await waitUntil(async () => {
      const { rowCount } = await db.query('select from pg_stat_activity where datname = $1', [
        database,
      ])
      return rowCount === 0
    })
    const { rows } = await db.query<Omit<Traffic, 'statements'>>(
      `select sessions as connections, xact_commit + xact_rollback as transactions
       from pg_stat_clear_snapshot(), pg_stat_database where datname = $1`,
      [database],
    )
    assert.ok(rows[0])
    const lines = (await readFile(serverLog, 'utf8')).split('\n')
    const isStatement = new RegExp(`^${database}\\|LOG: {2}(statement|execute)`)
    return { ...rows[0], statements: lines.filter((line) => isStatement.test(line)).length }
  }
  return async (work: () => Promise<unknown>): Promise<Traffic> => {
    const before = await read()
    await work()
    const now = await read()
    return {
      connections: now.connections - before.connections,
      transactions: now.transactions - before.transactions,
      statements: now.statements - before.statements,
    }
  }
}

test('a run takes few transactions and statements, above all one with nothing new', async (t) => {
  // On a slow machine, a run would renew its lease, on one more connection.
  t.mock.timers.enable({ apis: ['setInterval'] })
  const simulator = await startMedipim({ products: 60, rateLimit: null })
  t.after(simulator.close)
  await db.query('create database traffic')
  await db.query(`alter database traffic set log_statement = 'all'`)
  const url = Object.assign(new URL(server.url), { pathname: 'traffic' }).href
  const env = {
    ...MEDIPIM_KEY,
    DATABASE_URL: url,
    ARTIFACTS: `file:${join(folder, 'traffic')}`,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
  }
  const countTraffic = createCounter('traffic')
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await runCommand(env, ['--json', ...args])
    assert.doesNotMatch(stderr, /"error"/)
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as {
      ledger: { unchanged: number }
    }
  }
  await run('migrate')
  await run('add', 'medipim', '--name', 'feed', '--market', 'au', '--api-url', simulator.url)
  const measured: Partial<Record<keyof typeof TRAFFIC, Traffic>> = {}
  const sync = async (name: keyof typeof TRAFFIC, unchanged: number, ...args: string[]) => {
    measured[name] = await countTraffic(async () => {
      assert.equal((await run('sync', 'feed', ...args)).ledger.unchanged, unchanged, name)
    })
  }
  await sync('first', 0)
  await sync('same again', 60, '--full')
  // The newest product is always requested once more.
  await sync('nothing new', 1)
  await sync('no line', 0, '--since', new Date().toISOString())
  t.diagnostic(JSON.stringify(measured))
  assert.deepEqual(measured, TRAFFIC)
})
