// The queue on one Redis, on Redis with Sentinels and on a Cluster: the same runs as on Postgres, and
// one whose queue is flushed while workers run.

import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { openFleet } from '../../../test/e2e/fleet.ts'
import { openTestDatabase, type Lifetime } from '../../../test/support/database.ts'
import { stopAfterPages } from '../../../test/support/gate.ts'
import { lockTable } from '../../../test/support/locks.ts'
import { openToy } from '../../../test/support/toy/open.ts'
import { explainMissingProgram } from '../../../test/support/processes.ts'
import { startRedis, startRedisCluster, startSentinel } from '../../../test/support/redis.ts'
import { openServices } from '../../../test/support/services.ts'
import { snapshotCatalogue } from '../../../test/support/snapshot.ts'
import { saveSource } from '../../db/sources.ts'
import { Calendar } from '../../sources/due.ts'
import { listDeadLetters, retryDeadLetter } from '../dead-letters.ts'
import { cancelRequestedRun } from '../request-runs.ts'
import { startDueRuns } from '../scheduler.ts'

const database = await openTestDatabase()
const db = database.pool

const skip = explainMissingProgram('redis-server', 'redis-server')
/** Runs until the end of the file, because workers stop after the tests that started them. */
const redis = skip ? null : await startRedis({ after })
const cluster = skip ? null : await startRedisCluster({ after })
const sentinel = redis && (await startSentinel({ after }, redis.url))
const QUEUES = {
  Redis: redis?.url ?? '',
  'the Redis that Sentinels name': `redis-sentinel://127.0.0.1:${sentinel}/main`,
  'a Redis Cluster': `redis-cluster://${cluster?.urls.map((url) => new URL(url).host).join()}`,
}

for (const [place, queueUrl] of Object.entries(QUEUES)) {
  suite(`the queue on ${place}`, { skip }, () => {
    test('a run produces the catalogue that one process produces, and leaves an empty queue', async (t) => {
      const start = { products: 40 }
      const alone = await openToy(t, { db, start })
      await alone.pipeline.sync()
      const { pipeline } = await openToy(t, { db, start })
      const services = await openServices(t, database, pipeline, { queueUrl })
      assert.equal(services.queues.backend, 'redis')
      services.startWorkers()
      const { run } = await services.requestRun()
      assert.equal((await services.waitForEnd(run)).state, 'succeeded')
      assert.deepEqual(await snapshotCatalogue(pipeline), await snapshotCatalogue(alone.pipeline))
      while ((await services.queues.fetch.count()) + (await services.queues.apply.count()) > 0)
        await new Promise(setImmediate)
    })

    test('a task that fails permanently becomes a dead letter; after a retry its run succeeds', async (t) => {
      const { pipeline, supplier } = await openToy(t, { db })
      const services = await openServices(t, database, pipeline, { queueUrl })
      services.startWorkers()
      supplier.setFaults({ kind: 'status', status: 401, times: null })
      const { run } = await services.requestRun()
      assert.equal((await services.waitForEnd(run)).state, 'failed')
      const letter = await services.waitForDeadLetter(run)
      assert.deepEqual([letter.run, letter.queue], [run, 'fetch'])
      supplier.heal()
      await retryDeadLetter(db, services.queues, letter.id)
      assert.equal((await services.waitForEnd(run)).state, 'succeeded')
      assert.deepEqual(await listDeadLetters(services.queues), [])
    })
  })
}

test('a process stops on request while its Redis is unavailable', { skip }, async (t) => {
  const own = await startRedis(t)
  const fleet = await openFleet(t, {
    supplierUrl: 'http://127.0.0.1:1',
    queueUrl: own.url,
    smallParts: true,
  })
  const machines = await Promise.all([fleet.serve([]), fleet.serve(['orchestrator'])])
  await own.stop()
  for (const { process } of machines) await process.waitForLine(/The queue is unreachable/)
  for (const { process } of machines) process.kill('SIGTERM')
  for (const { process } of machines)
    assert.deepEqual(await process.exited, { code: 0, signal: null })
})

test(
  'requests, cancellations and schedules do not wait for an unavailable Redis, and their work is done when it returns',
  { skip },
  async (t) => {
    const own = await startRedis(t)
    const { pipeline } = await openToy(t, { db })
    const services = await openServices(t, database, pipeline, { queueUrl: own.url })
    const stateOf = async (run: number) =>
      (
        await pipeline.query<{ state: string }>('select state from catalog.runs where id = $1', run)
      )[0]?.state
    await own.stop()
    const { run } = await services.requestRun()
    assert.equal(await stateOf(run), 'running')
    assert.deepEqual(await cancelRequestedRun(services.tools, run), { run, state: 'cancelled' })
    assert.match(
      pipeline.logged.join(''),
      /"level":"warn".*The queue is unreachable: The queue did not respond within 2 s/,
    )
    const { id } = await pipeline.source()
    await saveSource(db, id, { schedule: { cron: '* * * * *', zone: 'UTC', fullOn: 'none' } })
    await db.query(
      `update catalog.runs set started_at = started_at - interval '1 hour' where id = $1`,
      [run],
    )
    await db.query(
      `update catalog.sources set schedule_set_at = schedule_set_at - interval '1 hour' where id = $1`,
      [id],
    )
    await startDueRuns(services.tools, new Calendar())
    const [due] = await pipeline.query<{ id: number; state: string }>(
      'select id, state from catalog.runs where source_id = $1 and id > $2',
      id,
      run,
    )
    assert.equal(due?.state, 'running')
    await saveSource(db, id, { state: 'paused' })
    await own.restart()
    await services.runScheduler()
    services.startWorkers()
    assert.equal((await services.waitForEnd(due.id)).state, 'succeeded')
  },
)

test(
  'flushing Redis while a run is fetched and applied loses nothing: the run resumes, and the catalogue matches an uninterrupted run',
  { skip },
  async (t) => {
    const start = { products: 60 }
    const uninterrupted = await openToy(t, { db, start })
    await uninterrupted.pipeline.sync()
    const { pipeline, supplier } = await openToy(t, { db, start })
    const gate = stopAfterPages(pipeline, 8)
    const services = await openServices(t, database, gate.pipeline, { queueUrl: redis?.url })
    const lock = await lockCheckpoints(t)
    services.startWorkers()
    const { run } = await services.requestRun()
    await gate.reached
    await lock.blocksWorkers()
    assert.ok((await services.queues.apply.getActiveCount()) > 0)
    await redis?.flush()
    // The running tasks are in the queue a second time now; the workers that take them find them
    // leased.
    await services.runScheduler()
    gate.open()
    await lock.release()
    const over = services.waitForEnd(run)
    for (let ended = false; !ended;) {
      await services.runScheduler()
      ended = await Promise.race([
        over.then(() => true),
        new Promise<false>((resolve) => setTimeout(() => resolve(false), 100)),
      ])
    }
    const { state, ledger } = await over
    assert.deepEqual([state, ledger?.['created'], ledger?.['fetched']], ['succeeded', 60, 60])
    assert.deepEqual(
      await snapshotCatalogue(pipeline),
      await snapshotCatalogue(uninterrupted.pipeline),
    )
    assert.equal(supplier.countLists(), 1)
  },
)

/** Blocks writes of checkpoints and permits reads, so that no part can finish. */
async function lockCheckpoints(t: Lifetime) {
  const release = await lockTable(t, db, 'catalog.checkpoints')
  return {
    release,
    /** Resolves when two workers wait for the lock. */
    async blocksWorkers() {
      const waiting = () =>
        db.query(
          `select from pg_locks where relation = 'catalog.checkpoints'::regclass and not granted`,
        )
      while (((await waiting()).rowCount ?? 0) < 2) await new Promise(setImmediate)
    },
  }
}
