// Ending a run while workers are in the middle of it: a writer never delays it for long, and
// nothing is written afterwards.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import pg from 'pg'
import { cancelRun, interruptRun, loadQueuedRun } from '../../src/db/write/queued-runs.ts'
import { claimTask } from '../../src/db/write/leases.ts'
import { endRun, type LeasedRun } from '../../src/db/write/runs.ts'
import type { Db } from '../../src/db/pool.ts'
import { translateErrors } from '../../src/db/errors.ts'
import { cancelRequestedRun } from '../../src/jobs/request-runs.ts'
import { openTestDatabase } from '../support/database.ts'
import { listSeries } from '../support/exposition.ts'
import { openToy } from '../support/toy/open.ts'
import { lockTable } from '../support/locks.ts'
import { openServices } from '../support/services.ts'
import { listAllRowVersions, snapshotCatalogue } from '../support/snapshot.ts'
import { waitUntil } from '../support/wait-until.ts'
import { runSecondDay, openSecondDay } from './worker-kills.ts'

const database = await openTestDatabase()

/** Sessions of the database that wait for a lock while they run `query`. */
async function waiting(db: Db, query = '%'): Promise<number> {
  const { rowCount } = await db.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like $1 and pid <> pg_backend_pid()`,
    [query],
  )
  return rowCount ?? 0
}

interface Batch {
  /** Begins a batch as a worker does. @throws SyncError when the run has ended or was taken over */
  begin(): Promise<void>
  commit(): Promise<void>
}

async function openBatch(t: TestContext, run: LeasedRun): Promise<Batch> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.after(() => client.end())
  return {
    async begin() {
      await client.query('begin')
      await translateErrors(
        client.query('select catalog.assert_lease($1, $2, $3)', [run.sourceId, run.id, run.token]),
      )
    },
    commit: () => client.query('commit').then(() => undefined),
  }
}

const ENDINGS: readonly (readonly [
  how: string,
  code: string,
  end: (db: Db, run: LeasedRun) => Promise<unknown>,
])[] = [
  ['cancelled', 'run/cancelled', (db, { id }) => cancelRun(db, id)],
  ['given up', 'run/over', (db, { id }) => interruptRun(db, id, 'its job is a dead letter')],
  [
    'ended by one of its workers',
    'run/over',
    (db, run) => endRun(db, run, { state: 'interrupted', code: null, reason: 'its fetch failed' }),
  ],
]

for (const [how, code, end] of ENDINGS) {
  test(`a run is ${how} as soon as the batches under way have committed, even when others follow at once`, async (t) => {
    const { pipeline } = await openToy(t, { db: database.pool })
    const services = await openServices(t, database, pipeline)
    const db = database.pool
    const { run: id } = await services.requestRun()
    const run = await loadQueuedRun(db, (await pipeline.source()).id, id)
    const claim = (part: number): Promise<LeasedRun> =>
      claimTask(db, run, `part ${part}`, { owner: 'a worker', isDead: () => false })
    const [first, second] = [await openBatch(t, await claim(0)), await openBatch(t, await claim(1))]
    await first.begin()
    await second.begin()
    const ending = end(db, await claim(2))
    await waitUntil(async () => (await waiting(db)) === 1)
    await first.commit()
    // Of two batches that alternate, one is always open.
    let begun = false
    const following = first.begin().then(() => (begun = true))
    const claiming = claim(3)
    const refused = Promise.all([
      assert.rejects(following, { code }),
      assert.rejects(claiming, { code: 'run/over' }),
    ])
    await waitUntil(async () => begun || (await waiting(db)) === 3)
    assert.equal(begun, false, 'a batch overtook the end of the run')
    await second.commit()
    await ending
    await refused
  })
}

test('a run that is cancelled during its batches writes nothing afterwards, counts no lost lease, and the next run is correct', async (t) => {
  const uninterrupted = await runSecondDay(t)
  const {
    database: { pool },
    pipeline,
    services,
  } = await openSecondDay(t)
  const release = await lockTable(t, pool, 'catalog.checkpoints')
  const stop = services.startWorkers()
  const { run } = await services.requestRun({ mode: 'full', chunkSize: 1 })
  await waitUntil(async () => (await waiting(pool, '%save_checkpoint%')) === 2)
  const cancelling = cancelRequestedRun(services.tools, run)
  await waitUntil(async () => (await waiting(pool, '%cancel_run%')) === 1)
  await release()
  assert.deepEqual(await cancelling, { run, state: 'cancelled' })
  const before = await listAllRowVersions(pipeline)
  await waitUntil(
    async () =>
      (await services.queues.apply.getActiveCount()) +
        (await services.queues.fetch.getActiveCount()) ===
      0,
  )
  await stop()
  assert.deepEqual(await listAllRowVersions(pipeline), before)
  assert.ok(
    (await pipeline.query('select from catalog.checkpoints where run_id = $1', run)).length > 0,
    'nothing was applied',
  )
  assert.deepEqual(listSeries(await services.metrics.text(), 'shelfsync_leases_lost_total'), {
    '': 0,
  })
  services.startWorkers()
  const next = await services.requestRun({ mode: 'full' })
  assert.notEqual(next.run, run)
  const { state, reason } = await services.waitForEnd(next.run)
  assert.equal(state, uninterrupted.state, reason ?? '')
  assert.deepEqual(await snapshotCatalogue(pipeline), uninterrupted.catalogue)
})
