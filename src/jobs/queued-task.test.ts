import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { onNthPass, watchQueries } from '../../test/faults/failpoints.ts'
import { listSeries } from '../../test/support/exposition.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { openServices } from '../../test/support/services.ts'
import type { TaskName } from '../db/write/leases.ts'
import { getOwnerName } from '../node/process-owner.ts'
import type { Task } from './queues.ts'
import { executeQueuedTask } from './queued-task.ts'

/** A run whose fetch waits in the queue; `begin` executes it as its last attempt. */
async function openFetchTask(t: TestContext) {
  const database = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: database.pool })
  const services = await openServices(t, database, pipeline)
  await services.requestRun()
  const [job] = await services.queues.fetch.getJobs()
  assert.ok(job)
  const begin = () =>
    executeQueuedTask(
      services.tools,
      { name: 'fetch', task: job.data, isLastAttempt: true },
      new AbortController().signal,
    )
  return { database, pipeline, services, run: job.data.run, begin }
}

test('a task that cannot start because Postgres is read-only is delayed, and the log and the metrics report it', async (t) => {
  const { database, pipeline, services, run, begin } = await openFetchTask(t)
  // Supabase does this to a database whose disk is full. It does not affect existing sessions, so
  // they are ended.
  const setReadOnly = async (value: 'on' | 'off'): Promise<void> => {
    await database.pool.query(
      `do $$ begin execute format('alter database %I set default_transaction_read_only = ${value}', current_database()); end $$`,
    )
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name <> 'test'`,
    )
    while (services.tools.db.totalCount > 0) await turn()
  }
  await setReadOnly('on')
  assert.equal(await begin(), 'busy')
  assert.deepEqual(
    services.pauses.map(({ code }) => code),
    ['db/read-only'],
  )
  const waited = listSeries(await services.metrics.text(), 'shelfsync_backpressure_seconds_total')[
    'reason="database_slow"'
  ]
  const [{ waitMs, triedMs } = { waitMs: NaN, triedMs: NaN }] = services.pauses
  assert.ok(triedMs > 0)
  assert.equal(waited, (triedMs + waitMs) / 1000)
  const entries = pipeline.logged
    .map((text): Record<string, unknown> => JSON.parse(text))
    .filter(({ code }) => code === 'db/read-only')
  assert.deepEqual(
    entries.map(({ level, outage, task, run: id, source }) => [level, outage, task, id, source]),
    [
      ['warn', 'database', undefined, undefined, undefined],
      ['debug', undefined, 'fetch', run, pipeline.name],
    ],
  )
  assert.match(String(entries[0]?.['message']), /^The database is read-only: .*A run waits for it/)
  await setReadOnly('off')
  assert.equal(await begin(), 'done')
  assert.match(pipeline.logged.join(''), /The database accepts writes again after \d/)
})

test('a task that another worker took over stops and counts as a lost lease', async (t) => {
  const { database, services, begin } = await openFetchTask(t)
  watchQueries(
    services.tools.db,
    onNthPass('before add_part', 1, async () => {
      await database.pool.query(
        `update catalog.leases set token = nextval('catalog.tokens'), owner = 'elsewhere/1/x', expires_at = now() + interval '1 minute'`,
      )
    }),
  )
  assert.equal(await begin(), 'busy')
  assert.deepEqual(listSeries(await services.metrics.text(), 'shelfsync_leases_lost_total'), {
    '': 1,
  })
})

test('a task of a dead worker is taken over, and the log reports it', async (t) => {
  const { database, pipeline, run, begin } = await openFetchTask(t)
  await database.pool.query(
    `insert into catalog.leases (source_id, run_id, task, token, owner, expires_at)
     select source_id, id, 'fetch', nextval('catalog.tokens'), 'elsewhere/1/x', now() - interval '1 s' from catalog.runs where id = $1`,
    [run],
  )
  assert.equal(await begin(), 'done')
  assert.ok(
    pipeline.logged.some((text) => /"previousOwner":"elsewhere\/1\/x".*taken over/.test(text)),
  )
})

test('a task of a worker that died on this machine is taken over before its lease expires', async (t) => {
  const { database, run, begin } = await openFetchTask(t)
  const setOwner = (owner: string) =>
    database.pool.query(
      `insert into catalog.leases (source_id, run_id, task, token, owner, expires_at)
       select source_id, id, 'fetch', nextval('catalog.tokens'), $2, now() + interval '1 hour' from catalog.runs where id = $1
       on conflict (source_id, run_id, task) do update set owner = excluded.owner`,
      [run, owner],
    )
  await setOwner(getOwnerName())
  assert.equal(await begin(), 'busy')
  // The pid belongs to a process that started later.
  await setOwner(getOwnerName().replace(/\d+$/, '1'))
  assert.equal(await begin(), 'done')
})

test('a run with debug logs every committed batch', async (t) => {
  const database = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: database.pool })
  const services = await openServices(t, database, pipeline)
  const { run } = await services.requestRun({ debug: true })
  services.startWorkers()
  await services.waitForEnd(run)
  const entries = pipeline.logged
    .map((text): Record<string, unknown> => JSON.parse(text))
    .filter(({ message }) => message === 'batch committed')
  assert.ok(
    entries.length > 5 &&
      entries.every(
        (batch) =>
          batch['level'] === 'debug' && batch['run'] === run && batch['source'] === pipeline.name,
      ),
  )
  assert.equal(
    entries.reduce((sum, { created }) => sum + Number(created), 0),
    30,
  )
})

test('a run whose tasks together exceed the quarantine limit stops, and its artifact can be replayed', async (t) => {
  const database = await openTestDatabase(t)
  const options = { partBytesMax: 24 * 1024, batchRecordsMax: 5000, batchBytesMax: 1 << 20 }
  const { pipeline, supplier } = await openToy(t, { db: database.pool, options })
  const text = Array.from({ length: 7500 }, () => '[]').join('\n')
  supplier.setFaults(...[3, 7, 11, 15].map((at) => ({ kind: 'insert-line', at, text }) as const))
  const services = await openServices(t, database, pipeline)
  const { run } = await services.requestRun()
  const [fetching] = await services.queues.fetch.getJobs()
  assert.ok(fetching)
  const begin = (name: TaskName, task: Task) =>
    executeQueuedTask(
      services.tools,
      { name, task, isLastAttempt: true },
      new AbortController().signal,
    )
  await begin('fetch', fetching.data)
  const parts = await database.pool.query<{ no: number; lines: number }>(
    'select no, line_count as lines from catalog.parts where run_id = $1 order by no',
    [run],
  )
  assert.ok(
    parts.rows.length >= 3 && parts.rows.every(({ lines }) => lines < 10_000),
    'no part alone is over the limit',
  )
  // The state during a fetch.
  await database.pool.query(
    `update catalog.artifacts set state = 'open', complete = false where run_id = $1`,
    [run],
  )
  await begin('part 1', { ...fetching.data, part: 1 })
  await assert.rejects(begin('part 2', { ...fetching.data, part: 2 }), {
    code: 'run/too-many-quarantined',
  })
  const [ended] = await pipeline.query(
    'select state, error_code from catalog.runs where id = $1',
    run,
  )
  assert.deepEqual(ended, { state: 'failed', error_code: 'run/too-many-quarantined' })
  const replay = await pipeline.replay(run)
  assert.match(
    replay.reason ?? '',
    /^\d+ of the first \d+ records of .+ are in quarantine/,
    'the replay applies it again with the same result',
  )
})
