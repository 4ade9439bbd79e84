// The cost of a night in rows written, WAL and requests. The bench measures times. The server is
// separate, because WAL is counted for a whole server and other tests write too.

import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { prerenderFeed } from '../../simulators/medipim/feed.ts'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { medipim } from '../../src/connectors/medipim/connector.ts'
import { openEmbedded } from '../../src/embedded-postgres/embedded.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { openPool } from '../../src/db/pool.ts'
import { MEDIPIM_KEY } from '../support/medipim.ts'
import { countOutcomes, openPipeline } from '../support/pipeline.ts'

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
  /** Rows of products, variants, prices and images that were inserted, updated or deleted. */
  readonly rowsWritten: number
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const before = await readings()
  await work()
  const { walBytes, rowsWritten } = await readings()
  return { walBytes: walBytes - before.walBytes, rowsWritten: rowsWritten - before.rowsWritten }
}

async function readings(): Promise<Cost> {
  // The counts of all sessions that have ended their transaction. An idle session reports its
  // counts on request.
  const { rows } = await db.query<Cost>(
    `select (pg_current_wal_insert_lsn() - '0/0')::bigint as "walBytes", sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint as "rowsWritten"
     from pg_stat_force_next_flush(), pg_stat_clear_snapshot(), pg_stat_user_tables where schemaname = 'catalog' and relname in ('products', 'variants', 'prices', 'images')`,
  )
  assert.ok(rows[0])
  return rows[0]
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
    percent.rowsWritten <= 8 * changed.length,
    `${percent.rowsWritten} rows for ${changed.length} products`,
  )
  assert.ok(percent.walBytes < 2 * MEGABYTE, `${percent.walBytes} bytes of WAL`)
  t.diagnostic(JSON.stringify({ first, again, moved, percent }))
})
