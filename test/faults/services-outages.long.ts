// Outages under the services: Postgres restarts, refuses or is slow, the network is cut, the disk
// is full. The work waits, reports the reason and continues by itself. The result equals that of an
// uninterrupted run.

import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ErrorCode } from '../../src/core/error-table.ts'
import { type Embedded, openEmbedded } from '../../src/embedded-postgres/embedded.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { openPool } from '../../src/db/pool.ts'
import { wait } from '../../src/lib/back-off.ts'
import type { PipelineOptions } from '../../src/pipeline/options.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { listSeries } from '../support/exposition.ts'
import { startProxy, routeThrough } from '../support/faulty-proxy.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { openToy, type ToySetup } from '../support/toy/open.ts'
import type { ToySupplier } from '../support/toy/supplier.ts'
import { lockTable } from '../support/locks.ts'
import { openServices, type TestServices } from '../support/services.ts'
import { mountDisk, NO_DISKS } from '../support/small-disk.ts'
import { waitUntil } from '../support/wait-until.ts'
import { onNthPass, watchQueries, type Failpoint } from './failpoints.ts'
import { simulateNextDay } from './sync-kills.ts'
import { assertEndsAsUninterrupted, runSecondDay, SUPPLIER } from './worker-kills.ts'

/** Real waits, but short ones. */
const IMPATIENT: Partial<PipelineOptions> = { wait, backOff: { baseMs: 50, maxMs: 400 } }

/** The metric's label for each code. */
const REASONS: Partial<Record<ErrorCode, string>> = {
  'db/unreachable': 'database_unreachable',
  'db/busy': 'database_slow',
  'db/full': 'database_slow',
  'artifact/unwritable': 'store_unwritable',
}

interface Setting {
  readonly database: TestDatabase
  readonly pipeline: TestPipeline
  readonly services: TestServices
  readonly supplier: ToySupplier
  /**
   * Requests the run. At the place, calls `strike` and then `keepAt` repeatedly. Returns the run
   * when the work has paused for `code`.
   */
  pausedAt(
    place: Failpoint,
    nth: number,
    code: ErrorCode,
    strike: () => Promise<unknown>,
    keepAt?: () => Promise<unknown>,
  ): Promise<number>
}

/** Opens the second day, which workers in this process sync with connections to `way`. */
async function openSetting(
  t: TestContext,
  database: TestDatabase,
  way = database.url,
  setup: Partial<ToySetup> = {},
): Promise<Setting> {
  const { pipeline, supplier } = await openToy(t, {
    db: database.pool,
    start: SUPPLIER,
    options: IMPATIENT,
    ...setup,
  })
  await pipeline.sync()
  simulateNextDay(supplier, supplier.catalogue.ids())
  const services = await openServices(t, { ...database, url: way }, pipeline)
  return {
    database,
    pipeline,
    services,
    supplier,
    async pausedAt(place, nth, code, strike, keepAt) {
      const struck = Promise.withResolvers<unknown>()
      watchQueries(
        services.tools.db,
        onNthPass(place, nth, () => strike().then(struck.resolve, struck.reject)),
      )
      services.startWorkers()
      const { run } = await services.requestRun({ mode: 'full' })
      await struck.promise
      await waitUntil(async () => {
        await keepAt?.()
        return services.pauses.some((pause) => pause.code === code)
      })
      const seconds = listSeries(
        await services.metrics.text(),
        'shelfsync_backpressure_seconds_total',
      )[`reason="${REASONS[code]}"`]
      assert.ok((seconds ?? 0) > 0, `${code} is counted as ${REASONS[code]}`)
      return run
    },
  }
}

/** A separate server with its owner `user`. */
async function openServer(
  t: TestContext,
): Promise<{ server: Embedded; user: number; restart(): Promise<Embedded> }> {
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-server-'))
  const open = () => openEmbedded({ home, shelter: home, settings: { fsync: 'off' } })
  let server = await open()
  t.after(async () => {
    await server.stop()
    await rm(home, { recursive: true })
  })
  const restart = async (): Promise<Embedded> => (server = await open())
  return { server, user: (await stat(join(home, 'postgres'))).uid, restart }
}

async function openDatabase(t: TestContext, url: string): Promise<TestDatabase> {
  const pool = await openPool(url, { applicationName: 'test' })
  t.after(() => pool.end())
  await migrate(pool)
  return { url, pool, drop: () => Promise.resolve() }
}

/**
 * The log names the code and the reason. It has one warning when the outage begins and one when it is
 * over, which states its duration.
 */
function assertLogged(pipeline: TestPipeline, code: ErrorCode, words: RegExp): void {
  const lines = pipeline.logged.filter((text) => text.includes(`"${code}"`))
  assert.ok(
    lines.some((text) => words.test(text)),
    `no line matches ${words}:\n${lines.join('\n')}`,
  )
  const warnings = lines
    .map((text) => JSON.parse(text) as { level: string; seconds?: number })
    .filter(({ level }) => level === 'warn' || level === 'error')
  assert.deepEqual(
    warnings.map(({ seconds }) => seconds !== undefined),
    [false, true],
    lines.join('\n'),
  )
}

test('a worker waits for a cut network to Postgres', async (t) => {
  const uninterrupted = await runSecondDay(t)
  const database = await openTestDatabase(t)
  const proxy = await startProxy(t, database.url)
  const { pipeline, services, pausedAt } = await openSetting(
    t,
    database,
    routeThrough(database.url, proxy),
  )
  const run = await pausedAt('before apply_batch', 2, 'db/unreachable', () => proxy.cut())
  await proxy.resume()
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
  assertLogged(
    pipeline,
    'db/unreachable',
    /The connection to Postgres is lost|Cannot connect|ECONN/,
  )
})

test('a worker waits for a Postgres that restarts', async (t) => {
  const uninterrupted = await runSecondDay(t)
  const { server, restart } = await openServer(t)
  const database = await openDatabase(t, server.url)
  const { pipeline, services, pausedAt } = await openSetting(t, database)
  const run = await pausedAt('before commit', 2, 'db/unreachable', () => server.stop())
  assert.equal((await restart()).url, database.url)
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
  assertLogged(pipeline, 'db/unreachable', /The connection to Postgres is lost/)
})

test('a statement that Postgres cancels is retried', async (t) => {
  const uninterrupted = await runSecondDay(t)
  const { database, pipeline, services, pausedAt } = await openSetting(t, await openTestDatabase(t))
  const lock = await database.pool.connect()
  await lock.query('begin; lock table catalog.products in share mode')
  const cancel = `select pg_cancel_backend(pid) as cancelled from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%apply_batch%'`
  const cancelling = waitUntil(async () => (await database.pool.query(cancel)).rows.length > 0)
  const run = await pausedAt('before apply_batch', 1, 'db/busy', () => Promise.resolve())
  await cancelling
  await lock.query('commit')
  lock.release()
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
  assertLogged(pipeline, 'db/busy', /canceling statement due to user request/)
})

test('a worker waits for a Postgres that is too busy to respond in time', async (t) => {
  const uninterrupted = await runSecondDay(t)
  const { database, pipeline, services, pausedAt } = await openSetting(t, await openTestDatabase(t))
  let statementMs = 250
  services.tools.db.on(
    'acquire',
    (client) => void client.query(`set statement_timeout = ${statementMs}`).catch(() => undefined),
  )
  const release = await lockTable(t, database.pool, 'catalog.products')
  const run = await pausedAt('before apply_batch', 1, 'db/busy', () => Promise.resolve())
  statementMs = 0
  await release()
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
  assertLogged(pipeline, 'db/busy', /canceling statement due to statement timeout/)
})

test('a Postgres with high latency only makes the run slower', async (t) => {
  const uninterrupted = await runSecondDay(t)
  const database = await openTestDatabase(t)
  const proxy = await startProxy(t, database.url)
  const { pipeline, services } = await openSetting(t, database, routeThrough(database.url, proxy))
  proxy.latencyMs = 20
  proxy.bytesPerSecond = 100_000
  services.startWorkers()
  const { run } = await services.requestRun({ mode: 'full' })
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
  assert.deepEqual(services.pauses, [])
})

test('a worker waits for a Postgres whose disk is full', { skip: NO_DISKS }, async (t) => {
  const uninterrupted = await runSecondDay(t)
  const { server, user } = await openServer(t)
  const disk = await mountDisk(t, { megabytes: 64, user })
  const admin = await openPool(server.url, { max: 1, applicationName: 'test' })
  await admin.query(`create tablespace small location '${disk.path}'`)
  await admin.query('create database small tablespace small')
  await admin.end()
  const { pipeline, services, pausedAt } = await openSetting(
    t,
    await openDatabase(t, new URL('small', server.url).href),
  )
  // Postgres returns space, for instance that of staging tables.
  const run = await pausedAt('before apply_batch', 1, 'db/full', disk.fill, disk.fill)
  await disk.free()
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
  assertLogged(pipeline, 'db/full', /The disk of Postgres is full: .*No space left on device/)
})

test(
  'a worker waits for an artifact store whose disk is full, without a second request to the supplier',
  { skip: NO_DISKS },
  async (t) => {
    const uninterrupted = await runSecondDay(t)
    const disk = await mountDisk(t, { megabytes: 1 })
    const database = await openTestDatabase(t)
    const { pipeline, services, supplier, pausedAt } = await openSetting(
      t,
      database,
      database.url,
      {
        storeRoot: disk.path,
      },
    )
    const run = await pausedAt('after claim_task', 1, 'artifact/unwritable', disk.fill)
    await disk.free()
    await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
    assertLogged(pipeline, 'artifact/unwritable', /no space is left on the disk \(ENOSPC\)/)
    assert.equal(supplier.countLists(), 2, 'one list a day')
  },
)
