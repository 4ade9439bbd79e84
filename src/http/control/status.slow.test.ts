import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onNthPass, watchQueries, watchStore } from '../../../test/faults/failpoints.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { startServer } from '../../../test/support/http-server.ts'
import { openToy } from '../../../test/support/toy/open.ts'
import { SyncError } from '../../core/errors.ts'
import { ERRORS } from '../../core/error-table.ts'
import { openPool, type Db } from '../../db/pool.ts'
import type { FullOn } from '../../core/schedule.ts'
import { saveSource } from '../../db/sources.ts'
import type { RunSummary } from '../../db/read/run-summaries.ts'
import { listSourceSummaries, loadStatus } from '../../db/read/source-summaries.ts'
import { dueAt } from '../../sources/due.ts'
import { createOrchestratorApp } from './servers.ts'
import { toRunProgress } from './run-progress.ts'
import type { Status } from './status.ts'
import { createStatusCache } from './status-cache.ts'

const MEMBERS = [
  'state',
  'source',
  'run',
  'startedAt',
  'progress',
  'errors',
  'sources',
  'next',
  'breakers',
]
const EVERY = { source: null, limit: 100 } as const
const PROGRESS = [
  'phase',
  'fetched',
  'applied',
  'total',
  'percent',
  'perSecond',
  'etaSeconds',
  'inserted',
  'updated',
  'skipped',
  'quarantined',
  'held',
  'removed',
]

async function startOrchestrator(t: Parameters<typeof startServer>[0], db: Db) {
  const server = await startServer(t, (options) => createOrchestratorApp({ ...options, db }))
  /** Moves the clock past the age at which a cached response is refreshed. */
  const status = async (query = ''): Promise<Status> => {
    server.recorded.nowMs += 1000
    const response = await server.sendRequest(`/status${query}`)
    assert.equal(response.status, 200)
    return (await response.json()) as Status
  }
  return { ...server, status }
}

/** Omits the members that depend on the clock. */
function steady({
  progress: { perSecond: _, etaSeconds: __, ...progress },
}: Pick<Status, 'progress'>): object {
  return progress
}

test('before the first run the status is idle, in the same shape', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { status } = await startOrchestrator(t, pool)
  const idle = await status()
  assert.deepEqual(Object.keys(idle), MEMBERS)
  assert.deepEqual(Object.keys(idle.progress), PROGRESS)
  assert.deepEqual(
    [idle.state, idle.run, idle.progress.phase, idle.errors, idle.sources],
    ['idle', null, null, [], []],
  )
})

test('the status follows a run from its first line to its last', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: pool })
  const { status } = await startOrchestrator(t, pool)
  const seen: Status[] = []
  const look = async (): Promise<void> => void seen.push(await status())
  await pipeline.sync({
    tools: {
      store: watchStore(pipeline.tools.store, (place) =>
        place === 'before put' ? look() : undefined,
      ),
    },
  })
  for (const { state, source, progress, errors } of seen) {
    assert.deepEqual([state, source, errors], ['running', pipeline.name, []])
    assert.ok(progress.applied <= progress.fetched && (progress.percent ?? 0) <= 100)
  }
  // The manifest is stored last, when every line is applied.
  assert.deepEqual(
    [...new Set(seen.map(({ progress }) => progress.phase))],
    ['start', 'fetch', 'settle'],
  )
  assert.deepEqual(
    seen.map(({ progress }) => progress.fetched),
    seen.map(({ progress }) => progress.fetched).toSorted((a, b) => a - b),
  )
  const end = await status()
  assert.deepEqual(Object.keys(end), MEMBERS)
  assert.deepEqual(Object.keys(end.progress), PROGRESS)
  assert.equal(end.state, 'succeeded')
  assert.deepEqual(steady(end), {
    phase: 'done',
    fetched: 30,
    applied: 30,
    total: 30,
    percent: 100,
    inserted: 30,
    updated: 0,
    skipped: 0,
    quarantined: 0,
    held: 0,
    removed: 0,
  })
  assert.equal(end.progress.etaSeconds, null)
  assert.ok((end.progress.perSecond ?? 0) > 0)
})

test('fetched lines that are not applied are in phase apply with the counts of the checkpoints, also after a restart', async (t) => {
  const { pool, url } = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: pool })
  const watched = await openPool(url, { applicationName: 'watched' })
  t.after(() => watched.end())
  const failure = new SyncError('source/malformed', 'planted')
  watchQueries(
    watched,
    onNthPass('before settle_run', 1, () => {
      throw failure
    }),
  )
  await pipeline.sync({ tools: { db: watched } })
  const { status } = await startOrchestrator(t, pool)
  const failed = await status()
  assert.deepEqual(
    [failed.state, failed.progress.phase, failed.progress.applied, failed.progress.inserted],
    ['failed', 'settle', 30, 30],
  )
  const { hint } = ERRORS['source/malformed']
  assert.deepEqual(failed.errors, [{ code: 'source/malformed', message: 'planted', hint }])
  const { rowCount: parts } = await pool.query(
    `update catalog.checkpoints set counts = '{"created": 1, "unchanged": 2, "unreadable": 1}'`,
  )
  const { phase, applied, inserted, skipped } = (await status()).progress
  assert.deepEqual(
    [phase, applied, inserted, skipped],
    ['apply', 3 * (parts ?? 0), parts, 2 * (parts ?? 0)],
  )
})

test('inserted, updated and skipped count created, updated and unchanged products; each source reports its held prices and runs', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { pipeline, supplier } = await openToy(t, { db: pool })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.clock.advance(60_000)
  supplier.catalogue.setPrice(ids.slice(0, 1), { cents: 100_000 })
  supplier.catalogue.setPrice(ids.slice(1, 3), { cents: 1001 })
  const { run } = await pipeline.sync()
  const { status, sendRequest } = await startOrchestrator(t, pool)
  const now = await status()
  assert.deepEqual(steady(now), {
    phase: 'done',
    fetched: 30,
    applied: 30,
    total: 30,
    percent: 100,
    inserted: 0,
    updated: 2,
    skipped: 27,
    quarantined: 0,
    held: 1,
    removed: 0,
  })
  const [source] = now.sources
  const { rowCount: reviews } = await pool.query(`select from catalog.reviews where state = 'open'`)
  assert.ok((reviews ?? 0) > 0)
  assert.deepEqual(
    [source?.source, source?.connector, source?.state, source?.heldPrices, source?.heldRuns],
    [pipeline.name, 'toy', 'active', reviews, []],
  )
  assert.deepEqual(
    [source?.lastRun?.run, source?.lastRun?.state, source?.late],
    [run, 'succeeded', false],
  )
  assert.equal(source?.lastGoodAt, now.startedAt)

  const details = (await (await sendRequest(`/runs/${run}`)).json()) as Record<string, unknown>
  assert.deepEqual(Object.keys(details), [
    'id',
    'source',
    'kind',
    'keyCount',
    'state',
    'correlationId',
    'startedAt',
    'finishedAt',
    'removalsOff',
    'progress',
    'errors',
    'artifact',
    'changes',
    'openReviews',
    'heldPrices',
    'openQuarantine',
    'otherQuarantine',
    'diff',
    'imports',
  ])
  assert.deepEqual(
    [details.id, details.state, details.correlationId, details.progress],
    [run, 'succeeded', 'test', now.progress],
  )
  assert.deepEqual([details.startedAt, typeof details.finishedAt], [now.startedAt, 'string'])
  const unknown = await sendRequest('/runs/999999')
  assert.deepEqual(
    [unknown.status, ((await unknown.json()) as { error: { code: string } }).error.code],
    [404, 'run/unknown'],
  )
})

test('a held run reports the reason and is listed at its source', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { pipeline, supplier } = await openToy(t, { db: pool })
  await pipeline.sync()
  supplier.catalogue.remove(supplier.catalogue.ids().slice(0, 20))
  const { run, state, reason } = await pipeline.sync()
  assert.equal(state, 'held')
  const { status } = await startOrchestrator(t, pool)
  const held = await status()
  const hint = `Inspect it with \`shelfsync runs diff ${run}\`, then use \`shelfsync runs approve ${run}\` or \`reject\`.`
  assert.deepEqual(
    [held.state, held.errors, held.sources[0]?.heldRuns],
    ['held', [{ code: null, message: reason, hint }], [run]],
  )
})

test('a finished fetch-only run has no error', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: pool })
  const { run } = await pipeline.sync()
  await pool.query(
    `update catalog.runs set state = 'fetched', reason = 'fetched as asked', options = '{"stages": "fetch"}' where id = $1`,
    [run],
  )
  const { status } = await startOrchestrator(t, pool)
  const { state, errors, progress, sources } = await status()
  assert.deepEqual(
    [state, errors, progress.phase, sources[0]?.lastRun?.state],
    ['fetched', [], 'done', 'fetched'],
  )
})

test('an active run precedes a newer finished one, and a request can name one source', async (t) => {
  const { pool } = await openTestDatabase(t)
  const first = await openToy(t, { db: pool })
  const second = await openToy(t, { db: pool })
  await first.pipeline.sync()
  await second.pipeline.sync()
  const { status, sendRequest } = await startOrchestrator(t, pool)
  assert.equal((await status()).source, second.pipeline.name)
  await pool.query(
    `update catalog.runs set state = 'running', finished_at = null, ledger = null where source_id = $1`,
    [(await first.pipeline.source()).id],
  )
  const both = await status()
  assert.deepEqual(
    [both.source, both.state, both.sources.length],
    [first.pipeline.name, 'running', 2],
  )
  const one = await status(`?source=${second.pipeline.name}`)
  assert.deepEqual(
    [one.source, one.state, one.sources.map(({ source }) => source)],
    [second.pipeline.name, 'succeeded', [second.pipeline.name]],
  )
  assert.equal((await sendRequest('/status?source=nobody')).status, 404)
  assert.equal((await sendRequest('/status?sauce=x')).status, 400)
})

test('a source is late an hour after its due time, and never while it is paused', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: pool })
  await pool.query(
    `update catalog.sources set schedule_set_at = '2026-01-01T00:00:00Z', schedule = '{"cron": "0 3 * * *", "zone": "UTC", "fullOn": "none"}'`,
  )
  const { status, recorded } = await startOrchestrator(t, pool)
  recorded.nowMs = Date.parse('2026-01-01T03:59:00Z')
  const sources = [(await status()).sources[0]]
  recorded.nowMs = Date.parse('2026-01-01T04:01:00Z')
  sources.push((await status()).sources[0])
  await pool.query(`update catalog.sources set schedule = schedule || '{"zone": "Mars/Olympus"}'`)
  sources.push((await status()).sources[0])
  await pool.query(`update catalog.sources set state = 'paused'`)
  sources.push((await status()).sources[0])
  assert.deepEqual(
    sources.map((source) => [source?.source, source?.dueAt, source?.late]),
    [
      [pipeline.name, '2026-01-01T03:00:00.000Z', false],
      [pipeline.name, '2026-01-01T03:00:00.000Z', true],
      [pipeline.name, null, true],
      [pipeline.name, null, false],
    ],
  )
})

test('a new schedule is due and late from then on, never for a time before it was set', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: pool })
  const { id, schedule } = await pipeline.source()
  await pipeline.sync()
  const { status } = await startOrchestrator(t, pool)
  const due = async () => {
    const [source] = (await status()).sources
    const [listed] = await listSourceSummaries(pool)
    assert.equal(
      dueAt(
        { ...schedule, cron: '30 12 * * *', zone: 'UTC' },
        listed?.dueSinceAt ?? new Date(0),
        new Date(),
      ).at?.toJSON(),
      source?.dueAt,
    )
    return source?.dueAt
  }
  const set = (fullOn: FullOn) =>
    saveSource(pool, id, { schedule: { cron: '30 12 * * *', zone: 'UTC', fullOn } })
  const moveBack = () =>
    pool.query(
      `update catalog.sources set schedule_set_at = '2026-01-01T00:00:00Z'; update catalog.runs set started_at = '2026-01-02T13:00:00Z'`,
    )
  await moveBack()
  const {
    rows: [before],
  } = await pool.query<{ at: Date }>('select clock_timestamp() as at')
  await set('none')
  assert.ok(new Date((await due()) ?? 0) > (before?.at ?? new Date()))
  await moveBack()
  // The day of the full run changes no due time.
  await set('sunday')
  assert.equal(await due(), '2026-01-03T12:30:00.000Z')
  await pool.query(`update catalog.sources set schedule_set_at = '2026-01-05T13:00:00Z'`)
  assert.equal(await due(), '2026-01-06T12:30:00.000Z')
})

test('a thousand requests within half a second cost one query, and later ones do not wait for the next query', async (t) => {
  const { pool } = await openTestDatabase(t)
  let queries = 0
  let held: Promise<unknown> = Promise.resolve()
  const db = new Proxy(pool, {
    get: (target, name) =>
      name === 'query'
        ? (...query: [string]) => (queries++, held.then(() => target.query(...query)))
        : Reflect.get(target, name),
  })
  let nowMs = 1_000_000
  const cache = createStatusCache({ db, redact: (text) => text, nowMs: () => nowMs })
  await Promise.all(Array.from({ length: 1000 }, () => cache.read(EVERY)))
  nowMs += 499
  await cache.read(EVERY)
  assert.equal(queries, 1)
  nowMs += 1
  const { promise, resolve: letGo } = Promise.withResolvers<void>()
  held = promise
  await cache.read(EVERY)
  await cache.read(EVERY)
  assert.equal(queries, 2)
  nowMs += 500
  const [late, later] = [cache.read(EVERY), cache.read(EVERY)]
  letGo()
  await late
  await later
  assert.equal(queries, 2)
  await assert.rejects(cache.read({ ...EVERY, source: 'nobody' }), /Source nobody does not exist/)
  await assert.rejects(cache.read({ ...EVERY, source: 'nobody' }), /Source nobody does not exist/)
  assert.equal(queries, 4)
})

test('a query that hangs times out, and the next request does not wait for it', async (t) => {
  const { pool } = await openTestDatabase(t)
  let hangs = true
  const db = new Proxy(pool, {
    get: (target, name) =>
      name === 'query' && hangs ? () => new Promise(() => undefined) : Reflect.get(target, name),
  })
  const cache = createStatusCache({ db, redact: (text) => text, nowMs: () => 0, responseMs: 1000 })
  await assert.rejects(Promise.all([cache.read(EVERY), cache.read(EVERY)]), {
    code: 'db/unreachable',
  })
  hangs = false
  assert.match(await cache.read(EVERY), /"state":"idle"/)
})

test('secrets in reasons and names are redacted from the status', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: pool })
  await pipeline.sync()
  await pool.query(
    `update catalog.runs set state = 'failed', reason = 'postgres://u:planted@h/ refused planted-key-0123456789', error_code = 'db/unreachable'`,
  )
  const server = await startServer(
    t,
    (options) => createOrchestratorApp({ ...options, db: pool }),
    {
      keys: ['planted-key-0123456789'],
    },
  )
  for (const path of ['/status', '/runs/1']) {
    const text = await (await server.sendRequest(path)).text()
    assert.match(text, /postgres:\/\/\[redacted\]@h\/ refused \[redacted\]/)
    assert.doesNotMatch(text, /planted/)
  }
})

test('a database without tables is reported as not migrated', async (t) => {
  const { pool } = await openTestDatabase(t, { migrations: [] })
  const { sendRequest } = await startOrchestrator(t, pool)
  const response = await sendRequest('/status')
  assert.deepEqual(
    [response.status, ((await response.json()) as { error: { code: string } }).error.code],
    [500, 'db/not-migrated'],
  )
})

const RUNNING: RunSummary = {
  id: 1,
  source: 'one',
  kind: 'full',
  state: 'running',
  reason: null,
  errorCode: null,
  correlationId: 'x',
  options: {},
  startedAt: new Date(0),
  finishedAt: null,
  measuredAt: new Date(100_000),
  seconds: 100,
  sinceAt: null,
  keyCount: null,
  artifactRun: 1,
  ledger: null,
  fetchedAll: false,
  expected: 1000,
  fetched: 500,
  removed: 0,
  removalsOff: null,
  outcomes: {
    created: 100,
    updated: 50,
    unchanged: 200,
    older: 1,
    duplicate: 2,
    blank: 3,
    quarantined: 4,
    held: 40,
  },
}

test('throughput and remaining time use the last measurement, otherwise the average of the run', () => {
  const { applied, total, percent, perSecond, etaSeconds } = toRunProgress(RUNNING, null)
  assert.deepEqual(
    { applied, total, percent, perSecond, etaSeconds },
    { applied: 400, total: 1000, percent: 40, perSecond: 4, etaSeconds: 150 },
  )
  assert.deepEqual(
    [toRunProgress(RUNNING, 60).etaSeconds, toRunProgress(RUNNING, 0).etaSeconds],
    [10, null],
  )
  assert.equal(
    toRunProgress({ ...RUNNING, state: 'interrupted', finishedAt: new Date(50_000) }, null)
      .etaSeconds,
    null,
  )
})

test("the total is the supplier's count until the fetch ends, null without one, and limited by offset and limit", () => {
  const totalOf = (changes: Partial<RunSummary>) =>
    toRunProgress({ ...RUNNING, ...changes }, null).total
  assert.equal(totalOf({ expected: 400 }), 500)
  assert.equal(totalOf({ fetchedAll: true }), 500)
  assert.equal(totalOf({ expected: null }), null)
  assert.equal(toRunProgress({ ...RUNNING, expected: null }, null).percent, null)
  assert.equal(totalOf({ fetchedAll: true, options: { offset: 450, limit: 100 } }), 50)
  assert.equal(totalOf({ fetchedAll: true, options: { limit: 100 } }), 100)
})

test('a fetch-only run is measured by its archived lines', () => {
  const { phase, percent, applied } = toRunProgress(
    { ...RUNNING, options: { stages: 'fetch' } },
    null,
  )
  assert.deepEqual([phase, percent, applied], ['fetch', 50, 400])
})

test('workers may read the status, the public may not', async (t) => {
  const { pool } = await openTestDatabase(t)
  await assert.doesNotReject(loadStatus(pool, EVERY, 5000))
  const { rows } = await pool.query<{
    role: string
    may: boolean
  }>(`select role, bool_and(has_function_privilege(role, f, 'execute')) as may
    from unnest(array['public', 'shelfsync_fetcher', 'shelfsync_maintainer']) role,
      unnest(array['catalog.summarize_runs(bigint[])', 'catalog.load_status(text,text,integer)']) f group by role order by role`)
  assert.deepEqual(
    rows.map(({ role, may }) => [role, may]),
    [
      ['public', false],
      ['shelfsync_fetcher', true],
      ['shelfsync_maintainer', true],
    ],
  )
})
