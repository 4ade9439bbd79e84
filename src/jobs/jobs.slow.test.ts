// Runs through the queue on a real Postgres produce the same result as one process.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { stopAfterPages } from '../../test/support/gate.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { openServices } from '../../test/support/services.ts'
import { listProducts, snapshotCatalogue } from '../../test/support/snapshot.ts'
import { discardDeadLetter, listDeadLetters, retryDeadLetter } from './dead-letters.ts'
import { AS_SCHEDULED, type RunsRequest } from './requests.ts'
import { cancelRequestedRun, requestRuns } from './request-runs.ts'

const database = await openTestDatabase()
const db = database.pool

test('a run through the queue produces the catalogue that one process produces, and a second request finds it', async (t) => {
  const alone = await openToy(t, { db, start: { products: 40 } })
  await alone.pipeline.sync()
  const { pipeline } = await openToy(t, { db, start: { products: 40 } })
  const services = await openServices(t, database, pipeline)
  const first = await services.requestRun()
  const second = await services.requestRun({ mode: 'full' })
  assert.deepEqual([first.started, second.started, second.run], [true, false, first.run])
  services.startWorkers()
  const { state, ledger } = await services.waitForEnd(first.run)
  assert.equal(state, 'succeeded')
  assert.deepEqual([ledger?.['created'], ledger?.['fetched']], [40, 40])
  assert.deepEqual(await snapshotCatalogue(pipeline), await snapshotCatalogue(alone.pipeline))
  assert.deepEqual(
    [await services.queues.fetch.count(), await services.queues.apply.count()],
    [0, 0],
  )
})

test('fetch-only leaves an archived run, and maintain-only resumes it', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  const fetched = await services.requestRun({ mode: 'fetch-only' })
  assert.equal((await services.waitForEnd(fetched.run)).state, 'fetched')
  assert.equal((await listProducts(pipeline)).size, 0)
  const applied = await services.requestRun({ mode: 'maintain-only' })
  assert.deepEqual([applied.run, applied.started], [fetched.run, true])
  const { state, ledger } = await services.waitForEnd(applied.run)
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 30])
  assert.equal(supplier.countLists(), 1)
  const ends = await pipeline.query(
    'select state, bytes > 0 as fetched from catalog.run_ends where run_id = $1 order by no',
    applied.run,
  )
  assert.deepEqual(ends, [
    { state: 'fetched', fetched: true },
    { state: 'succeeded', fetched: false },
  ])
})

test('fetch-only and full fetch from the supplier again, even when an archived artifact is not applied yet', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  for (const mode of ['fetch-only', 'fetch-only', 'full'] as const) {
    const { run, started } = await services.requestRun({ mode })
    assert.equal(started, true)
    await services.waitForEnd(run)
  }
  const runs = await pipeline.query<{ state: string }>(
    'select state from catalog.runs where source_id = $1 order by id',
    (await pipeline.source()).id,
  )
  assert.deepEqual(
    runs.map(({ state }) => state),
    ['superseded', 'superseded', 'succeeded'],
  )
  assert.equal(supplier.countLists(), 3)
})

test('on the command line a full sync fetches from the supplier again after a fetch-only run, and any other sync resumes that run', async (t) => {
  for (const mode of ['full', 'auto'] as const) {
    const { pipeline, supplier } = await openToy(t, { db })
    const services = await openServices(t, database, pipeline)
    const stop = services.startWorkers()
    const { run } = await services.requestRun({ mode: 'fetch-only' })
    await services.waitForEnd(run)
    await stop()
    const { state, resumed } = await pipeline.sync({ mode })
    assert.deepEqual(
      [state, resumed, supplier.countLists()],
      ['succeeded', mode === 'auto', mode === 'auto' ? 1 : 2],
    )
  }
})

test('fetch-only archives the whole catalogue, even where a sync would be incremental', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  await services.waitForEnd((await services.requestRun()).run)
  const { run } = await services.requestRun({ mode: 'fetch-only' })
  await services.waitForEnd(run)
  const [row] = await pipeline.query(
    'select r.kind, sum(p.line_count)::integer as lines from catalog.runs r join catalog.parts p on p.run_id = r.id where r.id = $1 group by r.kind',
    run,
  )
  assert.deepEqual(row, { kind: 'full', lines: 30 })
})

for (const mode of ['auto', 'maintain-only'] as const) {
  test(`a fetch-only run is applied too after a request for ${mode} during its fetch`, async (t) => {
    const { pipeline, supplier } = await openToy(t, { db, start: { products: 60 } })
    const gate = stopAfterPages(pipeline, 8)
    const services = await openServices(t, database, gate.pipeline)
    services.startWorkers()
    const { run } = await services.requestRun({ mode: 'fetch-only' })
    await gate.reached
    assert.deepEqual(await services.requestRun({ mode: 'fetch-only' }), {
      source: pipeline.name,
      run,
      started: false,
    })
    assert.deepEqual(await services.requestRun({ mode }), {
      source: pipeline.name,
      run,
      started: false,
    })
    gate.open()
    const { state, ledger } = await services.runSchedulerUntilEnd(run)
    assert.deepEqual([state, ledger?.['created']], ['succeeded', 60])
    assert.equal(supplier.countLists(), 1)
  })
}

test('an active run serves the requests that it fulfils and refuses all others', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  const stop = services.startWorkers()
  const first = (await services.requestRun()).run
  await services.waitForEnd(first)
  await stop()
  const slice = { mode: 'maintain-only', offset: 5, limit: 3 } as const
  const served = async (
    run: number,
    ...requests: readonly Partial<RunsRequest>[]
  ): Promise<void> => {
    for (const request of requests)
      assert.deepEqual(await services.requestRun(request), {
        source: pipeline.name,
        run,
        started: false,
      })
  }
  const refused = async (
    run: number,
    ...requests: readonly Partial<RunsRequest>[]
  ): Promise<void> => {
    const message = `${pipeline.name} is busy with run ${run}, which does not do what was requested`
    for (const request of requests)
      await assert.rejects(services.requestRun(request), { code: 'run/active', message })
  }
  const incremental = await services.requestRun()
  await served(incremental.run, { mode: 'auto' }, { mode: 'maintain-only' })
  await refused(incremental.run, { mode: 'full' }, { mode: 'fetch-only' }, slice)
  await cancelRequestedRun(services.tools, incremental.run)
  const some = await services.requestRun(slice)
  await served(some.run, slice)
  await refused(
    some.run,
    { ...slice, offset: 6 },
    { ...slice, limit: null },
    { mode: 'maintain-only' },
    { mode: 'auto' },
    { mode: 'full' },
  )
  await cancelRequestedRun(services.tools, some.run)
  const replay = await services.requestRun({ mode: 'maintain-only' })
  await served(replay.run, { mode: 'maintain-only' }, { mode: 'maintain-only', artifact: first })
  await refused(
    replay.run,
    slice,
    { mode: 'maintain-only', artifact: incremental.run },
    { mode: 'auto' },
    { mode: 'full' },
  )
  await cancelRequestedRun(services.tools, replay.run)
})

test('of simultaneous requests one starts the run and the others find it', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  const results = await Promise.all(Array.from({ length: 6 }, () => services.requestRun()))
  assert.equal(results.filter(({ started }) => started).length, 1)
  const [run, ...others] = new Set(results.map((result) => result.run))
  assert.deepEqual(others, [])
  await cancelRequestedRun(services.tools, run ?? 0)
})

test('an error of one source does not stop the others, and a request fails only when no source has a run', async (t) => {
  const own = await openTestDatabase(t)
  const [{ pipeline }, empty, lost] = [
    await openToy(t, { db: own.pool }),
    await openToy(t, { db: own.pool }),
    await openToy(t, { db: own.pool }),
  ]
  const services = await openServices(t, own, pipeline)
  const stop = services.startWorkers()
  await services.waitForEnd((await services.requestRun({ mode: 'fetch-only' })).run)
  await stop()
  await own.pool.query(
    `update catalog.sources set connector = 'of-another-version' where name = $1`,
    [lost.pipeline.name],
  )
  const everySource = { ...AS_SCHEDULED, source: null, mode: 'maintain-only' as const }
  const [requested, ...refused] = await requestRuns(services.tools, everySource, 'test')
  assert.ok(requested && 'run' in requested)
  assert.deepEqual([requested.source, requested.started], [pipeline.name, true])
  const codes = Object.fromEntries(
    refused.map((one) => [one.source, 'error' in one && one.error.code]),
  )
  assert.deepEqual(codes, {
    [empty.pipeline.name]: 'run/no-artifact',
    [lost.pipeline.name]: 'source/no-connector',
  })
  await own.pool.query(`update catalog.sources set state = 'paused' where name = $1`, [
    pipeline.name,
  ])
  await assert.rejects(requestRuns(services.tools, everySource, 'test'), { name: 'SyncError' })
  await own.pool.query(`update catalog.sources set state = 'paused'`)
  await assert.rejects(requestRuns(services.tools, everySource, 'test'), {
    code: 'source/paused',
    message: 'Every source is paused',
  })
})

test('a partial run applies the requested lines and does not settle', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  await services.waitForEnd((await services.requestRun({ mode: 'fetch-only' })).run)
  const { run } = await services.requestRun({
    mode: 'maintain-only',
    offset: 5,
    limit: 12,
    chunkSize: 2,
  })
  const { state, reason } = await services.waitForEnd(run)
  assert.deepEqual([state, (await listProducts(pipeline)).size], ['partial', 12])
  assert.match(reason ?? '', /12 lines after line 5 of artifact/)
  const [{ watermark } = { watermark: 'unread' }] = await pipeline.query<{ watermark: unknown }>(
    'select watermark from catalog.sources where name = $1',
    pipeline.name,
  )
  assert.equal(watermark, null)
})

test('maintain-only applies the named artifact; it refuses lines of an unnamed delta and lines that do not exist', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  const full = (await services.requestRun()).run
  await services.waitForEnd(full)
  supplier.clock.advance(3_600_000)
  supplier.catalogue.update(supplier.catalogue.ids().slice(0, 2))
  const delta = (await services.requestRun()).run
  const { state, ledger } = await services.waitForEnd(delta)
  assert.deepEqual([state, ledger?.['updated']], ['succeeded', 2])

  const lines = ledger?.['fetched'] ?? 0
  await assert.rejects(services.requestRun({ mode: 'maintain-only', offset: 0, limit: 1 }), {
    code: 'request/invalid',
    message:
      `The newest artifact of ${pipeline.name} is a delta: run ${delta} fetched only the ${lines} records that had changed. ` +
      `To apply some of its lines, set \`artifact\` to ${full} (the newest complete artifact) or ${delta}`,
  })
  await assert.rejects(
    services.requestRun({ mode: 'maintain-only', artifact: delta, offset: lines }),
    {
      code: 'request/invalid',
      message: `The artifact of run ${delta} (incremental) has ${lines} lines; offset ${lines} skips all of them`,
    },
  )
  await assert.rejects(services.requestRun({ mode: 'maintain-only', artifact: 999_999 }), {
    code: 'run/unknown',
  })
  await assert.rejects(services.requestRun({ mode: 'auto', artifact: full }), {
    code: 'usage/invalid',
  })

  const endOf = async (request: Partial<RunsRequest>) =>
    services.waitForEnd((await services.requestRun({ mode: 'maintain-only', ...request })).run)
  assert.match(
    (await endOf({ artifact: full, offset: 25 })).reason ?? '',
    new RegExp(`^5 lines after line 25 of artifact ${full} were applied`),
  )
  assert.match(
    (await endOf({ artifact: delta, limit: 1 })).reason ?? '',
    new RegExp(`^1 lines after line 0 of artifact ${delta} were applied`),
  )
  // The run identifies its source.
  const [requested] = await requestRuns(
    services.tools,
    { ...AS_SCHEDULED, source: null, mode: 'maintain-only', artifact: full },
    'test',
  )
  assert.ok(requested && 'run' in requested)
  const replay = await services.waitForEnd(requested.run)
  assert.deepEqual(
    [requested.source, replay.state, replay.ledger?.['fetched']],
    [pipeline.name, 'succeeded', 30],
  )
})

test('a task that fails permanently becomes a dead letter; retried after its cause is gone, its run succeeds', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  supplier.setFaults({ kind: 'status', status: 401, times: null })
  const { run } = await services.requestRun()
  assert.equal((await services.waitForEnd(run)).state, 'failed')
  const letter = await services.waitForDeadLetter(run)
  assert.deepEqual([letter.run, letter.source, letter.queue], [run, pipeline.name, 'fetch'])
  supplier.heal()
  await retryDeadLetter(db, services.queues, letter.id)
  const { state, ledger } = await services.waitForEnd(run)
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 30])
  assert.deepEqual(await listDeadLetters(services.queues), [])
})

test('discarding a dead letter deletes it, and its run does not change', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  supplier.setFaults({ kind: 'status', status: 401, times: null })
  const { run } = await services.requestRun()
  const { id } = await services.waitForDeadLetter(run)
  assert.equal((await discardDeadLetter(services.queues, id)).run, run)
  assert.deepEqual(await listDeadLetters(services.queues), [])
  assert.equal((await services.waitForEnd(run)).state, 'failed')
  await assert.rejects(discardDeadLetter(services.queues, id), { code: 'job/unknown' })
})

test('a task with a retryable error is tried again later, and its run succeeds', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  supplier.setFaults({ kind: 'status', status: 503, times: null })
  const { run } = await services.requestRun()
  const delayed = await services.waitForDelayedJob(`${run}-fetch`)
  assert.equal(delayed.attemptsMade, 1)
  supplier.heal()
  await delayed.promote()
  const { state, ledger } = await services.waitForEnd(run)
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 30])
})

test('after the fifth attempt the task is a dead letter, and the run can be resumed', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  supplier.setFaults({ kind: 'status', status: 503, times: null })
  const { run } = await services.requestRun()
  for (let attempts = 1; attempts < 5; attempts++) {
    const delayed = await services.waitForDelayedJob(`${run}-fetch`)
    assert.equal(delayed.attemptsMade, attempts)
    await delayed.promote()
  }
  const { attempts, reason } = await services.waitForDeadLetter(run)
  assert.equal(attempts, 5)
  assert.match(reason, /503/)
  assert.equal((await services.waitForEnd(run)).state, 'interrupted')
})

test('an emptied queue is filled again from the rows, and the run continues', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  const { run } = await services.requestRun()
  await services.queues.fetch.obliterate({ force: true })
  await services.queues.apply.obliterate({ force: true })
  services.startWorkers()
  await services.runScheduler()
  const { state, ledger } = await services.waitForEnd(run)
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 30])
})

test('among many queued runs the database reads only the requested one', async (t) => {
  const [one, other] = [(await openToy(t, { db })).pipeline, (await openToy(t, { db })).pipeline]
  const { run } = await (await openServices(t, database, one)).requestRun()
  await (await openServices(t, database, other)).requestRun()
  assert.deepEqual(
    await one.query('select run_id, source from catalog.list_queued_runs($1)', run),
    [{ run_id: run, source: one.name }],
  )
})

test('a cancelled run does not change, and its workers write nothing more', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const services = await openServices(t, database, pipeline)
  const { run } = await services.requestRun()
  await db.query('select catalog.cancel_run($1)', [run])
  services.startWorkers()
  const next = await services.requestRun({ mode: 'full' })
  assert.notEqual(next.run, run)
  assert.equal((await services.waitForEnd(next.run)).state, 'succeeded')
  assert.equal((await services.waitForEnd(run)).state, 'cancelled')
})
