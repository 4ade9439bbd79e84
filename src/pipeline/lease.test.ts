import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { type TestPipeline } from '../../test/support/pipeline.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { lockTable } from '../../test/support/locks.ts'
import type { Catalog } from '../db/catalog.ts'
import { openPool, type Db } from '../db/pool.ts'
import { cancelRun } from '../db/write/queued-runs.ts'
import { endRun, startRun, type LeasedRun } from '../db/write/runs.ts'
import { withLease } from './lease.ts'

const database = await openTestDatabase()

async function openRun(
  t: TestContext,
): Promise<{ pipeline: TestPipeline; run: LeasedRun; takeOver(): Promise<LeasedRun> }> {
  const { pipeline } = await openToy(t, { db: database.pool })
  const { id: sourceId } = await pipeline.source()
  const request = {
    sourceId,
    kind: 'full',
    sinceAt: null,
    artifactRun: null,
    resumeAny: true,
    normaliserVersion: 1,
    deadOwner: null,
    correlationId: 'test',
    options: {},
  } as const
  return {
    pipeline,
    run: await startRun(database.pool, { ...request, owner: 'one' }),
    takeOver: () => startRun(database.pool, { ...request, owner: 'two', deadOwner: 'one' }),
  }
}

/** Resolves with the reason when `leased` is aborted. */
function lossOf(leased: AbortSignal): Promise<unknown> {
  return new Promise((resolve) =>
    leased.addEventListener('abort', () => resolve(leased.reason), { once: true }),
  )
}

function codeOfLoss(db: Db, pipeline: TestPipeline, run: LeasedRun): Promise<unknown> {
  return withLease(
    { ...pipeline.tools, db, run, signal: new AbortController().signal },
    async (leased) => Object(await lossOf(leased)).code,
    5,
  )
}

test('work is aborted with the reason: another worker has the lease, the run has ended, or it was cancelled', async (t) => {
  const taken = await openRun(t)
  await taken.takeOver()
  assert.equal(await codeOfLoss(database.pool, taken.pipeline, taken.run), 'run/fenced')
  const ended = await openRun(t)
  await endRun(database.pool, ended.run, {
    state: 'failed',
    code: null,
    reason: 'another task failed',
  })
  assert.equal(await codeOfLoss(database.pool, ended.pipeline, ended.run), 'run/over')
  const cancelled = await openRun(t)
  await cancelRun(database.pool, cancelled.run.id)
  assert.equal(await codeOfLoss(database.pool, cancelled.pipeline, cancelled.run), 'run/cancelled')
})

test('an unresponsive Postgres receives one renewal at a time, which keeps no connection; then the lease is renewed', async (t) => {
  const { pipeline, run } = await openRun(t)
  const db = await openPool(database.url, { applicationName: 'worker' })
  t.after(() => db.end())
  const renewals = { begun: 0, underWay: 0, most: 0 }
  const tried = Promise.withResolvers<void>()
  const renewed = Promise.withResolvers<void>()
  const watched: Catalog = {
    async call(name, args, timeoutMs) {
      renewals.most = Math.max(renewals.most, ++renewals.underWay)
      if (++renewals.begun === 5) tried.resolve()
      try {
        const rows = await db.call<never>(name, args, timeoutMs)
        renewed.resolve()
        return rows
      } finally {
        renewals.underWay -= 1
      }
    },
  }
  const release = await lockTable(t, database.pool, 'catalog.leases')
  await withLease(
    { ...pipeline.tools, db: watched, run, signal: new AbortController().signal },
    async () => {
      await tried.promise
      assert.deepEqual([renewals.most, db.totalCount], [1, 1])
      await release()
      await renewed.promise
    },
    100,
  )
  const warnings = pipeline.logged.filter((text) => text.includes('"level":"warn"'))
  assert.match(warnings[0] ?? '', /The database is unreachable: .*timeout/)
  assert.match(warnings[1] ?? '', /The database is reachable again after/)
  assert.equal(warnings.length, 2)
})
