// `shelfsync runs cancel` ends a run in any open state, also one that another process executes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPool } from '../../src/db/pool.ts'
import { enqueueOpenRuns } from '../../src/jobs/enqueue.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA } from '../../src/jobs/queues.ts'
import { waitUntil } from '../support/wait-until.ts'
import { STREAM, withMedipim, assertEnded } from './medipim-shelf.ts'
import type { Shelfsync } from './shelfsync.ts'

async function startQueuedRun({ db }: Shelfsync): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `select s.run_id as id from catalog.sources n, lateral catalog.start_run(n.id, 'full', null, null, false, 1, 'me',
       null, '15 s', '1 day', 'test', true, '{}') s`,
  )
  return rows[0]?.id ?? 0
}

test('a run that another process executes is cancelled: it stops, and its archive stays', async (t) => {
  const shelf = await withMedipim(t, 300)
  shelf.simulator.faults.set({ kind: 'stall', afterLines: 100, path: STREAM })
  const running = shelf.start('sync', 'pharmacy')
  await waitUntil(() => (shelf.simulator.stats.snapshot().requests[STREAM] ?? 0) > 0)
  const { rows } = await shelf.db.query<{ id: number }>('select id from catalog.runs')
  const id = String(rows[0]?.id)
  const cancelled = await shelf.run('runs', 'cancel', id, '--json')
  assertEnded(cancelled, 0)
  assert.deepEqual(cancelled.json(), { run: rows[0]?.id, state: 'cancelled' })
  const stopped = await running.result
  assertEnded(stopped, 1)
  assert.match(stopped.stdout, /run \d+ was cancelled after/)
  assert.match(stopped.stderr, /Run \d+ was cancelled\n hint: A person ended this run/)
  assert.doesNotMatch(stopped.stdout + stopped.stderr, /resume/)
  assert.match((await shelf.run('runs', 'show', id)).stdout, /state +cancelled/)
  shelf.simulator.faults.clear()
  const next = await shelf.run('sync', 'pharmacy', '--json')
  assertEnded(next, 0)
  assert.deepEqual([next.json()['resumed'], String(next.json()['run']) === id], [false, false])
  const over = await shelf.run('runs', 'cancel', String(next.json()['run']))
  assertEnded(over, 1)
  assert.match(over.stderr, /cannot be cancelled: it is already succeeded/)
})

test('a queued run is cancelled, and its tasks leave the queue', async (t) => {
  const shelf = await withMedipim(t, 10)
  await migrateQueue(shelf.db)
  const pool = await openPool(shelf.url, { applicationName: 'test', searchPath: QUEUE_SCHEMA })
  const queues = await openQueues(pool, null, { onError: assert.fail })
  const id = await startQueuedRun(shelf)
  await enqueueOpenRuns(pool, queues)
  assert.equal(await queues.fetch.getJobCountByTypes('wait'), 1)
  assertEnded(await shelf.run('runs', 'cancel', String(id)), 0)
  assert.equal(await queues.fetch.getJobCountByTypes('wait'), 0)
  await queues.close()
  await pool.end()
  assertEnded(await shelf.run('runs', 'cancel', String(id)), 0)
})

test('interrupted and held runs are cancelled', async (t) => {
  const shelf = await withMedipim(t, 60)
  assertEnded(await shelf.run('sync', 'pharmacy'), 0)
  const id = await startQueuedRun(shelf)
  await shelf.db.query(`select catalog.interrupt_run($1, 'no worker')`, [id])
  assertEnded(await shelf.run('runs', 'cancel', String(id)), 0)
  shelf.simulator.catalogue.remove({ share: 0.5 })
  const held = await shelf.run('sync', '--full', '--json')
  assertEnded(held, 2)
  const rejected = await shelf.run('runs', 'cancel', String(held.json()['run']), '--yes', '--json')
  assertEnded(rejected, 0)
  assert.deepEqual(rejected.json(), { run: held.json()['run'], state: 'rejected', removed: 0 })
  const { rows } = await shelf.db.query('select state from catalog.runs where id = $1', [id])
  assert.deepEqual(rows, [{ state: 'cancelled' }])
})
