// Schedules on a real Postgres, whose clock decides when a run is due. Instead of waiting, the tests
// move rows into the past.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnrecoverableError } from 'bullmq'
import { openTestDatabase, type Lifetime } from '../../test/support/database.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { openServices } from '../../test/support/services.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { cancelRun, reopenRun } from '../db/write/queued-runs.ts'
import { listScheduledSources } from '../db/sources.ts'
import { saveSource } from '../db/sources.ts'
import { listDeadLetters } from './dead-letters.ts'
import { AS_SCHEDULED } from './requests.ts'
import { startOrFindRun } from './start-or-find-run.ts'

const database = await openTestDatabase()
const db = database.pool

/**
 * Opens a source that was added three days ago. Its daily schedule was last due half an hour ago.
 */
async function openNightly(t: Lifetime) {
  const { pipeline, supplier } = await openToy(t, { db })
  const { id } = await pipeline.source()
  const cronOf = async (ago: string) => {
    const [{ at } = { at: '' }] = await pipeline.query<{ at: string }>(
      `select to_char(clock_timestamp() at time zone 'UTC' - $1::interval, 'MI HH24') as at`,
      ago,
    )
    return `${at} * * *`
  }
  await saveSource(db, id, {
    schedule: { cron: await cronOf('30 minutes'), zone: 'UTC', fullOn: 'none' },
  })
  const moveBack = (days: number) =>
    db.query(
      `update catalog.sources set due_at = null, schedule_set_at = schedule_set_at - make_interval(days => $2) where id = $1`,
      [id, days],
    )
  await moveBack(3)
  // Later tests would start or execute its remaining work.
  t.after(async () => {
    await saveSource(db, id, { state: 'paused' })
    for (const run of await pipeline.query<{ id: number }>(
      `select id from catalog.runs where source_id = $1 and state in ('running', 'interrupted')`,
      id,
    ))
      await cancelRun(db, run.id)
  })
  const services = await openServices(t, database, pipeline)
  return {
    pipeline,
    supplier,
    services,
    id,
    cronOf,
    runs: async () =>
      await pipeline.query<{ id: number; state: string }>(
        'select id, state from catalog.runs where source_id = $1 order by id',
        id,
      ),
    /** Moves the runs of the source into the past by this time. */
    ageRuns: (age: string) =>
      db.query(
        `with moved as (update catalog.sources set due_at = null where id = $1)
         update catalog.runs set started_at = started_at - $2::interval, last_started_at = last_started_at - $2::interval where source_id = $1`,
        [id, age],
      ),
  }
}

test('one run makes up for three missed nights', async (t) => {
  const { services, runs } = await openNightly(t)
  services.startWorkers()
  await services.runScheduler()
  const [first] = await runs()
  assert.equal((await services.waitForEnd(first?.id ?? 0)).state, 'succeeded')
  await services.runScheduler()
  assert.deepEqual(await runs(), [{ id: first?.id, state: 'succeeded' }])
})

test('a new schedule starts no run for times before it was set, and one run for a time missed after that', async (t) => {
  const { pipeline, services, runs, ageRuns, id, cronOf } = await openNightly(t)
  await pipeline.sync()
  await ageRuns('1 day')
  const cron = await cronOf('20 minutes')
  await saveSource(db, id, { schedule: { cron, zone: 'UTC', fullOn: 'none' } })
  await services.runScheduler()
  assert.equal((await runs()).length, 1)
  // Moves the setting of the schedule half an hour into the past. The day of the full run changes
  // no scheduled time.
  await pipeline.query(
    `update catalog.sources set due_at = null, schedule_set_at = schedule_set_at - interval '30 minutes' where id = $1`,
    id,
  )
  await saveSource(db, id, { schedule: { cron, zone: 'UTC', fullOn: 'sunday' } })
  await services.runScheduler()
  assert.equal((await runs()).length, 2)
})

test('simultaneous schedulers start one run', async (t) => {
  const { pipeline, services, runs } = await openNightly(t)
  const other = await openServices(t, database, pipeline)
  await Promise.all(
    [services, other, services, other, services, other].map((one) => one.runScheduler()),
  )
  assert.equal((await runs()).length, 1)
  assert.equal(pipeline.logged.filter((text) => text.includes('scheduled run started')).length, 1)
})

test('a scheduler that read the schedule before a run and claims after its end does not start a second one', async (t) => {
  const { pipeline, services, runs } = await openNightly(t)
  const seen = (await listScheduledSources(db)).find(({ source }) => source === pipeline.name)
  services.startWorkers()
  await services.runScheduler()
  const [run] = await runs()
  await services.waitForEnd(run?.id ?? 0)
  const late = await startOrFindRun(
    services.tools,
    await pipeline.source(),
    { ...AS_SCHEDULED, source: pipeline.name },
    { correlationId: 'late', after: seen?.lastRun ?? 0 },
  )
  assert.deepEqual(late, { source: pipeline.name, run: run?.id, started: false, open: null })
  assert.equal((await runs()).length, 1)
})

test('a manual run that is active at the scheduled time is followed by the scheduled run', async (t) => {
  const { services, runs, ageRuns } = await openNightly(t)
  const { run } = await services.requestRun({ mode: 'full' })
  await ageRuns('40 minutes')
  await services.runScheduler()
  assert.deepEqual(await runs(), [{ id: run, state: 'running' }])
  services.startWorkers()
  await services.waitForEnd(run)
  await services.runScheduler()
  assert.equal((await runs()).length, 2)
})

test('a manual partial run at the scheduled time delays the scheduled run without an error', async (t) => {
  const { pipeline, services, runs, ageRuns } = await openNightly(t)
  const stop = services.startWorkers()
  await services.waitForEnd((await services.requestRun()).run)
  await stop()
  await ageRuns('1 day')
  const { run } = await services.requestRun({ mode: 'maintain-only', offset: 3, limit: 4 })
  await services.runScheduler()
  assert.deepEqual((await runs()).at(-1), { id: run, state: 'running' })
  services.startWorkers()
  await services.waitForEnd(run)
  await services.runScheduler()
  assert.equal((await runs()).length, 3)
  assert.deepEqual(
    pipeline.logged.filter((text) => text.includes('could not be started')),
    [],
  )
})

test('an interrupted run is resumed once at the next scheduled time; interrupted again, it waits for the one after', async (t) => {
  const { pipeline, services, runs, ageRuns } = await openNightly(t)
  const { run } = await services.requestRun()
  const interrupt = () =>
    pipeline.query(`update catalog.runs set state = 'interrupted' where id = $1`, run)
  await interrupt()
  await ageRuns('40 minutes')
  await services.runScheduler()
  assert.deepEqual(await runs(), [{ id: run, state: 'running' }])
  await interrupt()
  await services.runScheduler()
  assert.deepEqual(await runs(), [{ id: run, state: 'interrupted' }])
})

test('a paused source waits, and one run makes up for it when it is resumed', async (t) => {
  const { services, runs, id } = await openNightly(t)
  await saveSource(db, id, { state: 'paused' })
  await services.runScheduler()
  assert.deepEqual(await runs(), [])
  await saveSource(db, id, { state: 'active' })
  await services.runScheduler()
  await services.runScheduler()
  assert.equal((await runs()).length, 1)
})

test('an invalid schedule does not delay other sources', async (t) => {
  const broken = await openNightly(t)
  await db.query(
    `update catalog.sources set schedule = jsonb_set(schedule, '{zone}', '"Mars/Olympus"') where id = $1`,
    [broken.id],
  )
  const { services, runs } = await openNightly(t)
  await services.runScheduler()
  assert.deepEqual([(await runs()).length, (await broken.runs()).length], [1, 0])
  await saveSource(db, broken.id, { state: 'paused' })
})

test('a request resumes a run that a dead letter interrupted, and removes the dead letter', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  supplier.setFaults({ kind: 'status', status: 401, times: null })
  const { run } = await services.requestRun()
  await services.waitForEnd(run)
  await services.waitForDeadLetter(run)
  supplier.heal()
  // As after a retryable error that lasted too long.
  await db.query(`update catalog.runs set state = 'interrupted' where id = $1`, [run])
  const again = await services.requestRun()
  assert.deepEqual([again.run, again.started], [run, true])
  await services.runScheduler()
  assert.equal((await services.waitForEnd(run)).state, 'succeeded')
  assert.deepEqual(
    (await listDeadLetters(services.queues)).filter((letter) => letter.run === run),
    [],
  )
})

test('a run that is retried while another run of its source starts does not change', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  const stop = services.startWorkers()
  supplier.setFaults({ kind: 'status', status: 401, times: null })
  const { run } = await services.requestRun()
  await services.waitForDeadLetter(run)
  await stop()
  const starting = await db.connect()
  await starting.query('begin; select from catalog.sources for update')
  let reopened: boolean | null = null
  const reopening = reopenRun(db, run).then((is) => (reopened = is))
  await waitUntil(
    async () =>
      reopened !== null ||
      (
        await db.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%reopen_run%'`,
        )
      ).rowCount === 1,
  )
  await starting.query(`insert into catalog.runs (source_id, kind, artifact_run, normaliser_version, correlation_id, queued, options, first_load)
    select source_id, kind, 0, normaliser_version, 'later', false, '{}', true from catalog.runs where id = ${run}; commit`)
  starting.release()
  assert.equal(await reopening, false)
  await pipeline.query(
    `update catalog.runs set state = 'cancelled', finished_at = now() where correlation_id = 'later'`,
  )
})

test('a scheduler does not interrupt a run whose dead letter is being retried', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  supplier.setFaults({ kind: 'status', status: 401, times: null })
  const { run } = await services.requestRun()
  await services.waitForDeadLetter(run)
  supplier.heal()
  // The first half of a retry: the run is running, and its dead letter still exists.
  await reopenRun(db, run)
  await services.runScheduler()
  assert.equal((await services.waitForEnd(run)).state, 'succeeded')
  assert.deepEqual(
    (await listDeadLetters(services.queues)).filter((letter) => letter.run === run),
    [],
  )
})

test('a dead letter from before its run was resumed does not interrupt it again', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  const { id: sourceId } = await pipeline.source()
  const { run } = await services.requestRun()
  const task = {
    sourceId,
    source: pipeline.name,
    run,
    part: 1,
    begunAt: '2026-01-14T16:17:00.000Z',
  }
  await services.queues.apply.add('apply', task, { jobId: `${run}-part-1` })
  const failing = services.queues.work('apply', 1, () =>
    Promise.reject(new UnrecoverableError('as if ten workers had died of it')),
  )
  await services.waitForDeadLetter(run)
  await failing.close()
  await services.runScheduler()
  services.startWorkers()
  assert.equal((await services.runSchedulerUntilEnd(run)).state, 'succeeded')
})

test('dead letters are removed when a newer run of their source succeeds, and not before', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  const letters = async () =>
    (await listDeadLetters(services.queues))
      .flatMap(({ source, run }) => (source === pipeline.name ? [run] : []))
      .toSorted((a, b) => a - b)
  supplier.setFaults({ kind: 'status', status: 401, times: null })
  const failed: number[] = []
  for (let night = 0; night < 2; night++) {
    const { run } = await services.requestRun()
    await services.waitForDeadLetter(run)
    failed.push(run)
  }
  await services.runScheduler()
  assert.deepEqual(await letters(), failed)
  supplier.heal()
  await services.waitForEnd((await services.requestRun()).run)
  await services.runScheduler()
  assert.deepEqual(await letters(), [])
})

test('scheduled refreshes go through the products in turn; simultaneous schedulers start one', async (t) => {
  const { pipeline, services, id } = await openNightly(t)
  await pipeline.sync()
  await saveSource(db, id, {
    schedule: {
      ...(await pipeline.source()).schedule,
      refresh: { cron: '* * * * *', products: 'all', atMost: 20 },
    },
  })
  const refreshes = () =>
    pipeline.query<{ id: number; state: string; keys: string[] }>(
      `select id, state, keys from catalog.runs where source_id = $1 and kind = 'refresh' order by id`,
      id,
    )
  const makeDue = () =>
    db.query(
      `with moved as (
         update catalog.sources set refresh_set_at = refresh_set_at - interval '2 minutes' where id = $1)
       update catalog.runs set last_started_at = last_started_at - interval '2 minutes'
       where source_id = $1 and kind = 'refresh'`,
      [id],
    )
  await services.runScheduler()
  assert.deepEqual(await refreshes(), [])
  await makeDue()
  const other = await openServices(t, database, pipeline)
  await Promise.all([services, other, services, other].map((one) => one.runScheduler()))
  const [first, ...further] = await refreshes()
  assert.deepEqual([first?.keys.length, further], [20, []])
  // While it runs, another one does not start.
  await makeDue()
  await services.runScheduler()
  assert.equal((await refreshes()).length, 1)
  services.startWorkers()
  assert.equal((await services.waitForEnd(first?.id ?? 0)).state, 'succeeded')
  await makeDue()
  await services.runScheduler()
  const [, second] = await refreshes()
  assert.equal((await services.waitForEnd(second?.id ?? 0)).state, 'succeeded')
  // 30 products: the second one has the last ten, and ten of the first again.
  assert.equal(new Set([...(first?.keys ?? []), ...(second?.keys ?? [])]).size, 30)
})
