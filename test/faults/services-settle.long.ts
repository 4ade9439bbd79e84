// kill -9 of a worker whose settling runs inside Postgres. Its session outlives it: it may settle
// the run, or be ended by the worker that takes over. Both results equal an uninterrupted run.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { executeQueuedTask } from '../../src/jobs/queued-task.ts'
import { lockTable } from '../support/locks.ts'
import { waitUntil } from '../support/wait-until.ts'
import {
  assertEndsAsUninterrupted,
  runSecondDay,
  openSecondDay,
  startWorkers,
  waitUntilFrozen,
  type UninterruptedRun,
} from './worker-kills.ts'

async function surviveKill(
  t: TestContext,
  uninterrupted: UninterruptedRun,
  takenOver: boolean,
): Promise<void> {
  const { database, pipeline, services } = await openSecondDay(t)
  const killed = await startWorkers(t, database, pipeline, {
    place: 'before settle_run',
    nth: 1,
    onReached: 'freeze',
  })
  const { run } = await services.requestRun({ mode: 'full' })
  await waitUntilFrozen(killed)
  const [job] = await services.queues.apply.getJobs(['active'])
  assert.equal(job?.name, 'settle')
  /** The session that is settling, other than `except`. */
  const findSettling = (except = 0): Promise<number> =>
    waitUntil(async () => {
      const [session] = await pipeline.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%settle_run%' and pid <> $1`,
        except,
      )
      return session?.pid
    })
  const release = await lockTable(t, database.pool, 'catalog.changes')
  killed.kill('SIGCONT')
  const orphan = await findSettling()
  killed.kill('SIGKILL')
  await killed.exited
  if (takenOver) {
    // Sooner than the queue gives the job to another worker.
    const settled = executeQueuedTask(
      services.tools,
      { name: 'settle', task: job.data, isLastAttempt: true },
      new AbortController().signal,
    )
    await findSettling(orphan)
    assert.deepEqual(
      await pipeline.query('select from pg_stat_activity where pid = $1', orphan),
      [],
      'the session of the dead worker is still there',
    )
    await release()
    assert.equal(await settled, 'done')
  } else {
    await release()
  }
  services.startWorkers()
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
}

test(
  'a run whose worker is killed while it settles ends like an uninterrupted one',
  { concurrency: 2 },
  async (t) => {
    const uninterrupted = await runSecondDay(t)
    await Promise.all([
      t.test('its session settles the run', (one) => surviveKill(one, uninterrupted, false)),
      t.test('another worker takes over first', (one) => surviveKill(one, uninterrupted, true)),
    ])
  },
)
