// The metrics from the database, with a real Postgres and real runs, as Prometheus reads them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExposition, listSeries } from '../../../test/support/exposition.ts'
import { onNthPass, watchQueries } from '../../../test/faults/failpoints.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { approveAll } from '../../../test/support/decisions.ts'
import { openMedipim } from '../../../test/support/medipim.ts'
import type { TestPipeline } from '../../../test/support/pipeline.ts'
import { openToy } from '../../../test/support/toy/open.ts'
import { OUTCOMES } from '../../core/ledger.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import type { Metric } from '../../telemetry/metric.ts'
import { METRICS } from '../../telemetry/metrics-table.ts'
import { createMetricsReader } from './metrics.ts'
import { openPool } from '../pool.ts'
import { removeSource } from '../write/remove-source.ts'
import { listReviews } from './reviews.ts'
import { Calendar } from '../../sources/due.ts'
import { saveSource } from '../sources.ts'
import { readStorageMetrics } from './work-metrics.ts'

const { pool: db, url } = await openTestDatabase()

/** Returns the metrics of a new process. */
function showMetrics(): Promise<string> {
  const metrics = createMetrics()
  metrics.collect({ name: 'database', read: createMetricsReader(db) })
  return metrics.text()
}

/** Maps the other labels of one source's series to their values, without zeros. */
async function listOwnSeries(
  pipeline: TestPipeline,
  name: string,
  text?: string,
): Promise<Record<string, number>> {
  const own = `source="${pipeline.name}"`
  const series = Object.entries(listSeries(text ?? (await showMetrics()), name)).map(
    ([labels, value]) => [labels.split(','), value] as const,
  )
  const mine = series.filter(([labels, value]) => labels.includes(own) && value !== 0)
  return Object.fromEntries(
    mine.map(([labels, value]) => [labels.filter((label) => label !== own).join(), value]),
  )
}

test('records are counted by outcome over all settled runs, and each ledger balances', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  const ids = supplier.catalogue.ids()
  const first = await pipeline.sync()
  supplier.clock.advance(60_000)
  supplier.catalogue.update(ids.slice(0, 3))
  supplier.catalogue.setPrice(ids.slice(3, 4), { cents: 90_000 })
  supplier.misstate(ids.slice(9, 11), { price: 'much' })
  const second = await pipeline.sync()
  const expected = OUTCOMES.map(
    (outcome) => [`outcome="${outcome}"`, first.ledger[outcome] + second.ledger[outcome]] as const,
  )
  assert.deepEqual(
    await listOwnSeries(pipeline, 'shelfsync_records_total'),
    Object.fromEntries(expected.filter(([, count]) => count > 0)),
  )
  assert.deepEqual(
    listSeries(await showMetrics(), 'shelfsync_ledger_difference_records')[
      `source="${pipeline.name}"`
    ],
    0,
  )
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_open_reviews'), {
    '': (await listReviews(db, { source: pipeline.name, limit: 100 })).items.length,
  })
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_open_quarantine'), { '': 2 })
  const archived = Buffer.byteLength(
    (await pipeline.archived(first.run)) + (await pipeline.archived(second.run)),
  )
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_fetched_bytes_total'), { '': archived })
})

test('the difference of an unbalanced ledger is exported', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { run } = await pipeline.sync()
  await pipeline.query(
    `update catalog.runs set ledger = ledger || '{"created": 28}' where id = $1`,
    run,
  )
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_ledger_difference_records'), { '': 2 })
})

test('an active run exports its progress', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const own = await openPool(url, { applicationName: 'watched' })
  t.after(() => own.end())
  const seen: unknown[] = []
  watchQueries(
    own,
    onNthPass(
      'before settle_run',
      1,
      async () => void seen.push(await listOwnSeries(pipeline, 'shelfsync_active_run_records')),
    ),
  )
  await pipeline.sync({ tools: { db: own } })
  assert.deepEqual(seen, [{ 'stage="expected"': 30, 'stage="fetched"': 30, 'stage="applied"': 30 }])
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_active_run_records'), {})
})

test('runs are counted by their end, and a later decision lowers no counter', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  await pipeline.sync()
  supplier.catalogue.remove(supplier.catalogue.ids().slice(0, 20))
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  await pipeline.query('update catalog.run_ends set seconds = 90 where run_id = $1', held.run)
  const before = parseExposition(await showMetrics())
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_runs_total'), {
    'state="succeeded"': 1,
    'state="held"': 1,
  })
  const buckets = await listOwnSeries(pipeline, 'shelfsync_run_duration_seconds_bucket')
  assert.deepEqual(
    [
      buckets['le="60",state="held"'],
      buckets['le="300",state="held"'],
      buckets['le="+Inf",state="held"'],
    ],
    [undefined, 1, 1],
  )
  assert.equal(
    (await listOwnSeries(pipeline, 'shelfsync_run_duration_seconds_sum'))['state="held"'],
    90,
  )

  await approveAll(db, held.run)
  await pipeline.sync()
  const after = parseExposition(await showMetrics())
  for (const [series, value] of before) {
    if (/^shelfsync_\w+_(total|bucket|count|sum)\b/.test(series))
      assert.ok(
        (after.get(series) ?? -1) >= value,
        `${series} fell from ${value} to ${after.get(series)}`,
      )
  }
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_runs_total'), {
    'state="succeeded"': 2,
    'state="held"': 1,
  })
})

test('each end of a run is read once, and a long-running process exports the same values as a new one', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { id } = await pipeline.source()
  const ledger = JSON.stringify({
    fetched: 2,
    ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, outcome === 'unchanged' ? 2 : 0])),
  })
  const addEnds = (count: number, state: string, settled: string | null) =>
    pipeline.query(
      `with added as (
       insert into catalog.runs (source_id, kind, state, correlation_id, artifact_run, normaliser_version, first_load, finished_at, ledger)
       select $1, 'full', $2, 'test', 0, 1, false, now(), $3 from generate_series(1, $4) returning source_id, id)
     insert into catalog.run_ends (source_id, run_id, state, seconds, bytes) select source_id, id, $2, 10, 7 from added`,
      id,
      state,
      settled,
      count,
    )
  const metrics = createMetrics()
  metrics.collect({ name: 'database', everyMs: 0, read: createMetricsReader(db) })
  await addEnds(5001, 'succeeded', ledger)
  await metrics.text()
  await pipeline.query('update catalog.runs set ledger = null where source_id = $1', id)
  await addEnds(2, 'held', ledger)
  await addEnds(1, 'superseded', null)
  await addEnds(1, 'failed', null)
  const text = await metrics.text()
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_records_total', text), {
    'outcome="unchanged"': 10_006,
  })
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_runs_total', text), {
    'state="succeeded"': 5001,
    'state="held"': 2,
    'state="superseded"': 1,
    'state="failed"': 1,
  })
  assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_fetched_bytes_total', text), {
    '': 5005 * 7,
  })
  assert.equal(
    (await listOwnSeries(pipeline, 'shelfsync_run_duration_seconds_bucket', text))[
      'le="15",state="succeeded"'
    ],
    5001,
  )
  await pipeline.query(
    `update catalog.runs set ledger = $2 where source_id = $1 and state = 'succeeded'`,
    id,
    ledger,
  )
  for (const name of [
    'records_total',
    'runs_total',
    'run_duration_seconds_sum',
    'fetched_bytes_total',
  ]) {
    assert.deepEqual(
      await listOwnSeries(pipeline, `shelfsync_${name}`),
      await listOwnSeries(pipeline, `shelfsync_${name}`, text),
    )
  }
})

test('a run that failed and was resumed counts twice, in old and new processes', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const metrics = createMetrics()
  metrics.collect({ name: 'database', everyMs: 0, read: createMetricsReader(db) })
  supplier.setFaults({ kind: 'status', status: 401, times: 1 })
  const { run, state } = await pipeline.sync()
  assert.equal(state, 'failed')
  const failed = { 'state="failed"': 1 }
  assert.deepEqual(
    await listOwnSeries(pipeline, 'shelfsync_runs_total', await metrics.text()),
    failed,
  )
  assert.deepEqual(await pipeline.query('select catalog.reopen_run($1) as reopened', run), [
    { reopened: true },
  ])
  await pipeline.query(
    `update catalog.runs set state = 'interrupted', queued = false where id = $1`,
    run,
  )
  assert.equal((await pipeline.sync()).run, run)
  for (const text of [await metrics.text(), await showMetrics()]) {
    assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_runs_total', text), {
      ...failed,
      'state="succeeded"': 1,
    })
    assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_records_total', text), {
      'outcome="created"': 30,
    })
    assert.deepEqual(await listOwnSeries(pipeline, 'shelfsync_fetched_bytes_total', text), {
      '': Buffer.byteLength(await pipeline.archived(run)),
    })
  }
})

test('the series of a removed source disappear', async (t) => {
  const { pipeline } = await openToy(t, { db })
  await pipeline.sync()
  const read = createMetricsReader(db)
  const about = async () =>
    (await read()).filter(({ labels }) => 'source' in labels && labels.source === pipeline.name)
      .length
  assert.ok((await about()) > 0)
  await removeSource(db, pipeline.name)
  assert.equal(await about(), 0)
})

test('the age counts from the last successful run, otherwise from the creation of the source; a paused source has none', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const { id } = await pipeline.source()
  const age = async (): Promise<number | undefined> =>
    (await listOwnSeries(pipeline, 'shelfsync_run_age_seconds'))['']
  await pipeline.query(
    `update catalog.sources set created_at = now() - interval '3 days' where id = $1`,
    id,
  )
  assert.ok(((await age()) ?? 0) >= 3 * 86_400)
  const { run } = await pipeline.sync()
  await pipeline.query(
    `update catalog.runs set started_at = started_at - interval '2 hours' where id = $1`,
    run,
  )
  supplier.setFaults({ kind: 'status', status: 401 })
  await pipeline.sync().catch(() => undefined)
  const late = (await age()) ?? 0
  assert.ok(late >= 7200 && late < 86_400, `${late} s`)
  await saveSource(db, id, { state: 'paused' })
  assert.equal(await age(), undefined)
})

test('a source is late by its own schedule, and a paused one never', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { id } = await pipeline.source()
  const calendar = new Calendar()
  const late = async (): Promise<number | undefined> => {
    const read = createMetricsReader(db, (source) => calendar.dueOf(source, new Date()).late)
    const own = (await read()).find(
      ({ name, labels }) =>
        name === 'shelfsync_source_late' && 'source' in labels && labels.source === pipeline.name,
    )
    return own === undefined ? undefined : Number(own.value)
  }
  const setSchedule = (cron: string, ago: string) =>
    pipeline.query(
      `update catalog.sources set schedule = jsonb_build_object('cron', $2::text, 'zone', 'UTC', 'fullOn', 'every'),
         schedule_set_at = now() - $3::interval where id = $1`,
      id,
      cron,
      ago,
    )
  await setSchedule('0 * * * *', '3 hours')
  assert.equal(await late(), 1)
  await setSchedule('0 3 1 1 *', '3 hours')
  assert.equal(await late(), 0)
  await setSchedule('0 * * * *', '3 hours')
  await saveSource(db, id, { state: 'paused' })
  assert.equal(await late(), undefined)
})

test('the failed runs of a week use up the error budget, without those of the host itself', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { id } = await pipeline.source()
  const addRuns = (
    count: number,
    state: string,
    code: string | null,
    days: number,
    kind = 'full',
  ) =>
    pipeline.query(
      `insert into catalog.runs (source_id, kind, state, error_code, correlation_id, artifact_run,
           normaliser_version, first_load, started_at, finished_at)
         select $1, $5, $2, $3, 'test', 0, 1, false, now() - $4 * interval '1 day', now()
         from generate_series(1, $6)`,
      id,
      state,
      code,
      days,
      kind,
      count,
    )
  await addRuns(97, 'succeeded', null, 1)
  await addRuns(3, 'failed', 'source/unavailable', 2)
  await addRuns(4, 'failed', 'source/gone', 2)
  await addRuns(5, 'failed', 'source/unavailable', 8)
  await addRuns(6, 'failed', 'source/unavailable', 1, 'replay')
  const show = (name: string) => listOwnSeries(pipeline, name)
  assert.deepEqual(await show('shelfsync_week_runs'), {
    'result="good"': 97,
    'result="failed"': 3,
    'result="excluded"': 4,
  })
  assert.deepEqual(await show('shelfsync_failed_runs_ratio'), { '': 0.03 })
  assert.deepEqual(await show('shelfsync_error_budget_left_ratio'), { '': -2 })
})

test('waiting work is counted with the age of the oldest', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { id } = await pipeline.source()
  const { run } = await pipeline.sync()
  await pipeline.query(
    `insert into catalog.reviews (source_id, kind, run_id, reason, opened_at) values
       ($1, 'record', $2, 'test', now() - interval '2 hours'), ($1, 'record', $2, 'test', now())`,
    id,
    run,
  )
  await pipeline.query(
    `insert into catalog.enrichment_work (source_id, product_external_id, content_hash, due_at, attempts) values
       ($1, 'a', '', now() - interval '1 hour', 0), ($1, 'b', '', now(), 2), ($1, 'c', '', null, 0)`,
    id,
  )
  await pipeline.query(
    `insert into catalog.circuit_breakers (scope, key, version, state, failed_at, failures, opened_at, retry_at,
         cooldown_ms, changed_at)
       values ('toy', 'a.example', 1, 'open', '{}', 5, now() - interval '3 hours', now(), 0, now()),
         ('toy', 'b.example', 1, 'half-open', '{}', 5, now(), now(), 0, now())`,
  )
  await pipeline.query(
    `insert into catalog.image_channels (channel, host, due_at, flagged_at) values
       ('a.example', 'a.example', now() - interval '4 hours', null),
       ('b.example', 'b.example', now() - interval '9 hours', now())`,
  )
  t.after(() => db.query(`delete from catalog.circuit_breakers where scope = 'toy'`))
  const text = await showMetrics()
  const values = (name: string) => listSeries(text, name)
  const hours = (seconds: number | undefined): number => Math.round((seconds ?? 0) / 3600)
  assert.equal(values('shelfsync_review_backlog')['kind="record"'], 2)
  assert.equal(hours(values('shelfsync_review_backlog_age_seconds')['kind="record"']), 2)
  assert.deepEqual(values('shelfsync_model_queue'), { 'state="waiting"': 1, 'state="retried"': 1 })
  assert.equal(hours(values('shelfsync_model_queue_age_seconds')['']), 1)
  assert.deepEqual(values('shelfsync_open_circuit_breakers'), {
    'scope="host",state="open"': 0,
    'scope="host",state="half-open"': 0,
    'scope="toy",state="open"': 1,
    'scope="toy",state="half-open"': 1,
  })
  assert.equal(hours(values('shelfsync_circuit_breaker_open_seconds')['scope="toy"']), 3)
  assert.equal(hours(values('shelfsync_image_queue_age_seconds')['']), 4)
})

test('the stored bytes of a source are those of its parts that are not purged', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { run } = await pipeline.sync()
  const stored = async (): Promise<unknown> =>
    (await readStorageMetrics(db)).find(
      ({ labels }) => 'source' in labels && labels.source === pipeline.name,
    )?.value
  const { rows } = await db.query<{ bytes: number }>(
    'select sum(stored_bytes)::float8 as bytes from catalog.parts where run_id = $1',
    [run],
  )
  assert.ok((rows[0]?.bytes ?? 0) > 0)
  assert.equal(await stored(), rows[0]?.bytes)
  await pipeline.query(`update catalog.artifacts set state = 'purged' where run_id = $1`, run)
  assert.equal(await stored(), 0)
})

test('the WAL and the rows written per table are counted', { timeout: 60_000 }, async (t) => {
  const own = await openPool(url, { applicationName: 'writer' })
  const { pipeline } = await openToy(t, { db })
  const before = await showMetrics()
  await pipeline.sync({ tools: { db: own } })
  // A session reports its counts at the latest when it ends.
  await own.end()
  const rise = (text: string, name: string, series: string) =>
    (listSeries(text, name)[series] ?? 0) - (listSeries(before, name)[series] ?? 0)
  let after = await showMetrics()
  while (rise(after, 'shelfsync_database_rows_written_total', 'table="products"') < 30)
    after = await showMetrics()
  assert.ok(rise(after, 'shelfsync_database_wal_bytes_total', '') > 30_000)
})

test('labels contain only values of the table and names of sources, webhooks, actions and tables, and no key', async (t) => {
  const key = { id: '42', secret: 'c4tnip-s3cret' }
  const { pipeline, simulator } = await openMedipim(t, { db, key, supplier: { keys: [key] } })
  assert.equal((await pipeline.sync()).state, 'succeeded')
  const text = await showMetrics()
  for (const secret of [
    key.secret,
    Buffer.from(`${key.id}:${key.secret}`).toString('base64'),
    simulator.url,
    url,
  ])
    assert.ok(!text.includes(secret))
  const { rows } = await db.query<{ name: string }>(
    `select name from catalog.sources union all select name from catalog.webhooks
    union all select action from catalog.actions
    union all select tablename from pg_tables where schemaname = 'catalog'`,
  )
  const names = new Set(['host', ...rows.map(({ name }) => name)])
  for (const series of parseExposition(text).keys()) {
    const [, name = '', labels = ''] = /^(\w+?)(?:_bucket|_sum|_count)?\{(.*)\}$/.exec(series) ?? []
    const metric = Object.entries<Metric>(METRICS).find(([known]) => known === name)?.[1]
    if (metric?.scope !== 'system') continue
    for (const [, label = '', word = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      const words = metric.labels[label]
      if (label !== 'le')
        assert.ok(words === 'name' ? names.has(word) : words?.includes(word), series)
    }
  }
})

test('while the database is unavailable, only its series are absent', async () => {
  const gone = await openPool(url, { applicationName: 'gone' })
  const metrics = createMetrics()
  metrics.collect({ name: 'database', read: createMetricsReader(gone) })
  await gone.end()
  const text = await metrics.text()
  assert.doesNotMatch(text, /shelfsync_run_age_seconds/)
  assert.deepEqual(listSeries(text, 'shelfsync_collect_failures_total'), {
    'collector="database"': 1,
  })
  assert.match(text, /process_resident_memory_bytes/)
})

test('a database without tables is reported as not migrated', async (t) => {
  const { pool } = await openTestDatabase(t, { migrations: [] })
  await assert.rejects(createMetricsReader(pool)(), { code: 'db/not-migrated' })
})
