// Without a database password: a pipeline that only calls the Data API writes the same as one with
// sessions, even when calls fail.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../../src/core/errors.ts'
import type { Draft } from '../../src/core/product.ts'
import { DataApi } from '../../src/db/data-api.ts'
import { listRunDiff, type DiffItem } from '../../src/db/read/run-diffs.ts'
import type { RunReport } from '../../src/pipeline/run-in-process.ts'
import { startDataApi, type TestDataApi, type Trouble } from '../support/data-api.ts'
import { statusOf } from '../support/data-api-sessions.ts'
import { openTestDatabase } from '../support/database.ts'
import { approveAll } from '../support/decisions.ts'
import { countOutcomes, type SyncOverrides, type TestPipeline } from '../support/pipeline.ts'
import { openToy, type ToySetup } from '../support/toy/open.ts'
import type { ToySupplier } from '../support/toy/supplier.ts'
import { canCheck } from '../support/safeupdate.ts'
import { listRowVersions, snapshotCatalogue } from '../support/snapshot.ts'
import { simulateNextDay } from '../faults/sync-kills.ts'
import { HERE, isBatch, testDataApiKills } from './data-api.ts'
import { openShelfsync } from './shelfsync.ts'

const database = await openTestDatabase()
const untouched = await openTestDatabase()
/** A database on a server whose Data API refuses statements without a condition. */
const strict = canCheck ? await openTestDatabase(undefined, { server: '15' }) : null
const { pool: db } = database
type Test = Parameters<typeof startDataApi>[0]

interface Both {
  readonly called: TestPipeline
  readonly copied: TestPipeline
  readonly supplier: ToySupplier
  readonly api: TestDataApi
  /** The option of a sync to work by calls. */
  readonly by: { readonly tools: { readonly db: DataApi } }
}

/** Opens two sources of one supplier: one works by calls, one by sessions. */
async function openBoth(t: Test, setup: Partial<ToySetup> = {}): Promise<Both> {
  const api = await startDataApi(t, database)
  const { pipeline: called, supplier } = await openToy(t, { db, ...setup })
  const { pipeline: copied } = await openToy(t, { db, ...setup, supplier })
  return {
    called,
    copied,
    supplier,
    api,
    by: { tools: { db: new DataApi({ url: api.url, secretKey: api.keys.secret }) } },
  }
}

testDataApiKills(database, 1_200)

test('a source is the same by calls and by sessions, day after day', async (t) => {
  const { called, copied, supplier, by } = await openBoth(t)
  const both = async (
    sync: (pipeline: TestPipeline, overrides: SyncOverrides) => Promise<RunReport>,
  ): Promise<RunReport> => {
    const [one, other] = [await sync(called, by), await sync(copied, {})]
    assert.deepEqual([one.state, one.reason, one.ledger], [other.state, other.reason, other.ledger])
    assert.deepEqual(await snapshotCatalogue(called), await snapshotCatalogue(copied))
    return one
  }
  const ids = supplier.catalogue.ids()
  supplier.misstate(ids.slice(0, 6), { updated_at: 4_102_444_800_000 })
  await both((pipeline, overrides) => pipeline.sync(overrides))
  supplier.heal()
  simulateNextDay(supplier, supplier.catalogue.ids())
  const second = await both((pipeline, overrides) =>
    pipeline.sync({ ...overrides, mode: 'incremental' }),
  )
  assert.ok(second.ledger.updated > 0 && second.ledger.held === 1 && second.ledger.created === 3)
  const full = [
    await both((pipeline, overrides) => pipeline.sync(overrides)),
    await both((pipeline, overrides) => pipeline.sync(overrides)),
  ]
  assert.deepEqual(
    full.map(({ ledger }) => [ledger.missing, ledger.removed]),
    [
      [1, 0],
      [0, 1],
    ],
  )
  await both(async (pipeline, overrides) => {
    const [first] = await pipeline.query<{ id: number }>(
      'select min(id) as id from catalog.runs where source_id = $1',
      (await pipeline.source()).id,
    )
    return pipeline.replay(first?.id ?? 0, overrides)
  })
})

test(
  'a sync works where the Data API refuses statements without a condition',
  { skip: !strict && 'no Postgres 15, or no headers of it' },
  async (t) => {
    assert.ok(strict)
    const api = await startDataApi(t, strict)
    const { pipeline, supplier } = await openToy(t, { db: strict.pool })
    const by = { tools: { db: new DataApi({ url: api.url, secretKey: api.keys.secret }) } }
    await strict.pool.query(
      `create function pipeline.forget_all() returns void language sql security definer as 'delete from catalog.misses'`,
    )
    await assert.rejects(by.tools.db.call('forget_all', {}), {
      code: '21000',
      message: 'DELETE requires a WHERE clause',
    })

    assert.deepEqual(countOutcomes(await pipeline.sync(by)), { created: 30 })
    simulateNextDay(supplier, supplier.catalogue.ids())
    const { ledger } = await pipeline.sync(by)
    assert.ok(
      ledger.created === 3 && ledger.updated > 0 && ledger.held === 1 && ledger.quarantined === 0,
      JSON.stringify(ledger),
    )
  },
)

test('the stand-in returns the statuses of PostgREST', () => {
  const statuses = {
    '42501': 403,
    '23503': 409,
    '25006': 405,
    '40001': 500,
    '25001': 500,
    '58030': 500,
    '57P01': 503,
    '57014': 500,
    '53400': 500,
    '53300': 503,
    P0001: 400,
    P0002: 500,
    '21000': 500,
    '42883': 404,
    '42P01': 404,
    '22P02': 400,
    SHELF: 400,
  }
  assert.deepEqual(
    Object.keys(statuses).map((code) => statusOf(code, '', 'service_role')),
    Object.values(statuses),
  )
  assert.deepEqual(
    [
      statusOf('42501', '', 'anon'),
      statusOf('21000', 'DELETE requires a WHERE clause', 'service_role'),
    ],
    [401, 400],
  )
})

test('known records are sent as hashes only', async (t) => {
  const { called, api, by } = await openBoth(t)
  await called.sync(by)
  const before = api.calls.length
  const again = await called.sync(by)
  assert.deepEqual(countOutcomes(again), { unchanged: 30 })
  const batches = api.calls.slice(before).filter((call) => isBatch(call))
  assert.ok(
    batches.length > 0 &&
      batches.every(
        ({ body }) => (JSON.parse(body) as { p_records: string[] }).p_records.length === 0,
      ),
  )
})

test('a batch that is sent twice is written once, and both calls return the same result', async (t) => {
  const { called, api, by } = await openBoth(t)
  const report = await called.sync(by)
  const [first, second] = api.calls.filter((call) => isBatch(call)).map(({ body }) => body)
  // Its run has ended, so a write now would be wrong. It is reopened for this test.
  await called.query(`update catalog.runs set state = 'running' where id = $1`, report.run)
  await called.query('delete from catalog.checkpoints where run_id = $1', report.run)
  await called.query(
    'delete from catalog.products where source_id = $1',
    (await called.source()).id,
  )
  await called.query('delete from catalog.changes where source_id = $1', (await called.source()).id)
  const post = async (body = ''): Promise<unknown> => {
    const headers = {
      apikey: api.keys.legacy,
      authorization: `Bearer ${api.keys.legacy}`,
      'content-profile': 'pipeline',
    }
    return (
      await fetch(`${api.url}/rest/v1/rpc/write_batch`, { method: 'POST', headers, body })
    ).json()
  }
  const answered = (await post(first)) as [{ counts: { created: number }; seqs: string }]
  assert.ok(answered[0].counts.created > 0)
  const written = await listRowVersions(called)
  const again = (await post(first)) as typeof answered
  assert.deepEqual([again[0].counts, again[0].seqs], [answered[0].counts, answered[0].seqs])
  assert.deepEqual(await listRowVersions(called), written)
  // A batch that does not follow the checkpoint is refused: its sender must read the checkpoint
  // first.
  const { hint, message } = (await post(
    second?.replace(/"p_lines_before":\d+/, '"p_lines_before":99'),
  )) as { hint: string; message: string }
  assert.deepEqual([hint, /is at line \d+, not 99/.test(message)], ['db/busy', true])
})

for (const trouble of ['before', 'after'] as const) {
  test(`a connection that breaks ${trouble} the work is done costs only time, at any call`, async (t) => {
    const { called, copied, supplier, api, by } = await openBoth(t)
    await called.sync(by)
    await copied.sync()
    supplier.clock.advance(60_000)
    supplier.catalogue.update(supplier.catalogue.ids().slice(0, 12))
    supplier.catalogue.add(4)
    const places = [
      'write_batch',
      'add_part',
      'update_artifact',
      'upsert_terms',
      'reserve_seqs',
      'find_checkpoint',
      'load_work_done',
      'list_known_records_page',
    ]
    const seen = new Set<string>()
    api.trouble = ({ name }) =>
      places.includes(name) && !seen.has(name) ? (seen.add(name), trouble) : null
    const expected = await copied.sync()
    const report = await called.sync(by)
    assert.deepEqual(
      [report.state, report.reason, report.ledger],
      [expected.state, expected.reason, expected.ledger],
    )
    assert.deepEqual(await snapshotCatalogue(called), await snapshotCatalogue(copied))
    assert.deepEqual([...seen].sort(), places.sort())
  })
}

const PASSING: readonly (readonly [what: string, trouble: Trouble])[] = [
  ['too many requests', { status: 429, headers: { 'retry-after': '7' }, body: 'slow down' }],
  [
    'a gateway without a server behind it',
    { status: 522, body: '<html>connection timed out</html>' },
  ],
  ['a web page with status 200', { status: 200, body: '<html>maintenance</html>' }],
  [
    'no free connection',
    {
      status: 504,
      headers: { 'content-type': 'application/json' },
      body: '{"code":"PGRST003","message":"Timed out acquiring connection"}',
    },
  ],
  [
    'a cancelled statement',
    {
      status: 500,
      headers: { 'content-type': 'application/json' },
      body: '{"code":"57014","message":"canceling statement due to statement timeout"}',
    },
  ],
]

for (const [what, trouble] of PASSING) {
  test(`${what} is retried until it ends`, async (t) => {
    const { called, api, by } = await openBoth(t)
    api.trouble = (call) => (isBatch(call, 2) || isBatch(call, 3) ? trouble : null)
    const report = await called.sync(by)
    assert.deepEqual(
      [report.state, countOutcomes(report)],
      ['succeeded', { created: 30 }],
      report.reason ?? '',
    )
    assert.ok(called.waits.length >= 2)
    if (what === 'too many requests') assert.ok(called.waits.every((ms) => ms >= 7000))
  })
}

test('a record that Postgres cannot store is quarantined as by sessions, and all other records are written', async (t) => {
  const { called, copied, supplier, by } = await openBoth(t, { policy: { quarantineShare: 0.5 } })
  const [first = '', second = '', third = ''] = supplier.catalogue.ids()
  const spoilt: Record<string, (draft: Draft) => Partial<Draft>> = {
    [first]: ({ prices }) => ({ prices: prices.map((price) => ({ ...price, currency: 'A$' })) }),
    [second]: ({ variants }) => ({
      variants: variants.map((variant) => ({ ...variant, availability: 'odd' as never })),
    }),
    // A value that jsonb cannot read.
    [third]: () => ({ attributes: { odd: 'a\0b' } }),
  }
  const careless = {
    ...called.connector,
    normalise: (record: unknown, settings: unknown) => {
      const draft = called.connector.normalise(record, settings)
      return { ...draft, ...spoilt[draft.externalId]?.(draft) }
    },
  }
  const [one, other] = [
    await called.sync({ ...by, connector: careless }),
    await copied.sync({ connector: careless }),
  ]
  assert.deepEqual(
    [one.state, countOutcomes(one)],
    ['succeeded', { created: 27, quarantined: 3 }],
    one.reason ?? '',
  )
  assert.deepEqual(countOutcomes(other), countOutcomes(one))
  // The supplier never sends the same bytes twice, so the quarantined bytes are compared with the
  // archive.
  const [{ quarantine: mine = [], ...rest }, { quarantine: theirs = [], ...expected }] = [
    await snapshotCatalogue(called),
    await snapshotCatalogue(copied),
  ]
  assert.deepEqual(rest, expected)
  assert.deepEqual([mine.length, theirs.length], [3, 3])
  const rows = await called.query<{ message: string; raw: Buffer }>(
    'select message, raw from catalog.quarantine where run_id = $1',
    one.run,
  )
  const lines = new Set((await called.archived(one.run)).split('\n'))
  for (const { message, raw } of rows)
    assert.ok(
      lines.has(raw.toString()) && /line \d+, byte \d+: Postgres cannot store it: /.test(message),
      message,
    )
})

test('a run that begins by calls can continue by a session', async (t) => {
  const { called, copied, api, by } = await openBoth(t)
  api.trouble = ({ name, nth }) => (name === 'write_batch' && nth > 4 ? 'after' : null)
  const interrupted = await called.sync({
    tools: { ...by.tools, options: { ...called.tools.options, retryWithinMs: 0, lanes: 1 } },
  })
  assert.deepEqual([interrupted.state, interrupted.error instanceof Error], ['failed', true])
  const resumed = await called.sync({ mode: 'auto' })
  const expected = await copied.sync()
  assert.deepEqual(
    [resumed.state, resumed.resumed, resumed.ledger],
    ['succeeded', true, expected.ledger],
  )
  assert.deepEqual(await snapshotCatalogue(called), await snapshotCatalogue(copied))
})

test('a price in disagreement keeps the last good one by calls too, in a first load and after it', async (t) => {
  const { called, copied, supplier, by } = await openBoth(t)
  const [first = '', second = ''] = supplier.catalogue.ids()
  const claims = ['json-ld', 'microdata'].map((source, n) => ({
    source,
    quotation: `price ${n}`,
    amountMinor: 1200 + n,
  }))
  supplier.catalogue.update([first], { claims })
  assert.equal((await called.sync(by)).ledger.held, 1)
  await copied.sync()
  supplier.clock.advance(3_600_000)
  supplier.catalogue.update([second], { claims })
  assert.equal((await called.sync(by)).ledger.held, 1)
  await copied.sync()
  assert.deepEqual(await snapshotCatalogue(called), await snapshotCatalogue(copied))
  const { rows } = await db.query(
    `select product_external_id as product, kind from catalog.reviews r join catalog.sources s on s.id = r.source_id where s.name = $1 order by 1`,
    [called.name],
  )
  assert.deepEqual(
    rows,
    [first, second].map((product) => ({ product, kind: 'disagreement' })),
  )
})

test('a refresh by calls runs beside a full run and does not change misses', async (t) => {
  const { called, supplier, by } = await openBoth(t)
  await called.sync(by)
  supplier.clock.advance(3_600_000)
  const [gone = '', changed = '', ...others] = supplier.catalogue.ids()
  supplier.catalogue.remove([gone])
  supplier.catalogue.update([changed])
  const refreshed = await called.syncKeys([gone, changed, others[0] ?? ''], by)
  assert.deepEqual([refreshed.kind, refreshed.state], ['refresh', 'succeeded'])
  assert.deepEqual(countOutcomes(refreshed), { unchanged: 1, updated: 1 })
  const full = await called.sync(by)
  assert.deepEqual(countOutcomes(full), { unchanged: 29, missing: 1 })
})

test('a worker that lost its run writes nothing more by calls', async (t) => {
  const { called, api, by } = await openBoth(t)
  const expire = async (): Promise<Trouble> => {
    await called.expireLease()
    const second = await called.sync({ mode: 'auto' })
    assert.deepEqual([second.state, second.resumed], ['succeeded', true])
    rows = await listRowVersions(called)
    return 'continue'
  }
  let rows: string[] = []
  api.trouble = (call) => (isBatch(call, 3) ? expire() : null)
  const report = await called.sync({
    tools: { ...by.tools, options: { ...called.tools.options, lanes: 1 } },
  })
  assert.equal(report.error instanceof SyncError && report.error.code, 'run/fenced')
  assert.ok(rows.length > 30)
  assert.deepEqual(await listRowVersions(called), rows)
})

test('only a secret key gives access, and no key is shown', async (t) => {
  const api = await startDataApi(t, database)
  const sendRequest = (secretKey: string): Promise<unknown> =>
    new DataApi({ url: api.url, secretKey }).call('list_sources', {})
  assert.ok(Array.isArray(await sendRequest(api.keys.secret)))
  assert.ok(Array.isArray(await sendRequest(api.keys.legacy)))
  for (const key of [api.keys.publishable, 'sb_secret_of-another-project']) {
    await assert.rejects(
      sendRequest(key),
      (error: SyncError) =>
        error.code === 'settings/invalid' &&
        !error.message.includes(key) &&
        !String(error.cause).includes(key),
    )
  }
  const { rows } = await db.query<{
    grantee: string
  }>(`select distinct grantee from information_schema.role_routine_grants
    where routine_schema in ('api', 'pipeline') and grantee not in (select current_user union all select 'service_role')`)
  assert.deepEqual(rows, [])
})

test('functions that were granted to everyone refuse every caller, and doctor reports it', async (t) => {
  const api = await startDataApi(t, database)
  await db.query('create role authenticated nologin').catch(() => undefined)
  // https://supabase.com/docs/guides/api/using-custom-schemas
  for (const schema of ['api', 'pipeline']) {
    for (const rights of [
      'usage on schema',
      'all on all tables in schema',
      'all on all routines in schema',
      'all on all sequences in schema',
    ]) {
      await db.query(`grant ${rights} ${schema} to anon, authenticated, service_role`)
    }
  }
  const { rows: functions } = await db.query<{
    call: string
  }>(`select format('%s(%s)', p.oid::regproc, (select string_agg('null', ', ') from unnest(p.proargtypes))) as call
    from pg_proc p where pronamespace in ('api'::regnamespace, 'pipeline'::regnamespace) and prosecdef`)
  assert.ok(functions.length >= 25)
  const session = await db.connect()
  t.after(() => session.release(true))
  for (const role of ['anon', 'authenticated']) {
    await session.query(`set role ${role}`)
    for (const { call } of functions)
      await assert.rejects(
        session.query(`select ${call}`),
        {
          code: '42501',
          message: new RegExp(`the role ${role} may not (do the pipeline's work|write|read)`),
        },
        call,
      )
  }
  await assert.rejects(
    new DataApi({ url: api.url, secretKey: api.keys.publishable }).call('begin_purge', {
      source: 1,
      run: 1,
    }),
    { code: 'settings/invalid' },
  )

  const { run } = await openShelfsync(t, {
    DATABASE_URL: '',
    SUPABASE_URL: api.url,
    SUPABASE_SECRET_KEY: api.keys.secret,
    ...HERE,
  })
  const doctor = await run('doctor')
  assert.equal(doctor.code, 1, doctor.stdout)
  assert.match(
    doctor.stdout,
    /^fail  grants .* anon may call functions of schema pipeline, authenticated may call functions of schema pipeline$/m,
  )
  const [, undo = ''] = /hint: As the owner: (.*)/.exec(doctor.stdout) ?? []
  await db.query(undo)
  assert.match((await run('doctor')).stdout, /^ok    grants /m)
})

test('every stray grant on tables and functions is found, and the printed statement revokes it', async (t) => {
  const stray = async () =>
    await new DataApi({ url: api.url, secretKey: api.keys.secret }).call<{
      grantee: string
      allows: string
      undo: string
    }>('list_unexpected_grants', {})
  const api = await startDataApi(t, database)
  assert.deepEqual(await stray(), [])
  await db.query(`select catalog.publish('anon')`)
  assert.deepEqual(await stray(), [], 'published rights are not stray')
  await db.query(
    `grant execute on function catalog.decide_run to public; grant insert on catalog.prices to service_role; grant select on catalog.sources to anon`,
  )
  const found = await stray()
  assert.deepEqual(
    found.map(({ grantee, allows }) => [grantee, allows]),
    [
      ['anon', 'read whole tables of schema catalog'],
      ['public', 'call functions of schema catalog'],
      ['service_role', 'write tables of schema catalog'],
    ],
  )
  for (const { undo } of found) await db.query(undo)
  assert.deepEqual(await stray(), [])
  const { rows } = await db.query(
    `select has_column_privilege('anon', 'catalog.products', 'title', 'select') as reads`,
  )
  assert.deepEqual(rows, [{ reads: true }])
  await db.query(`select catalog.unpublish('anon')`)
})

test('read rights can be revoked from the secret key without stopping its syncs', async (t) => {
  const { called, by } = await openBoth(t)
  await db.query(`select catalog.publish('service_role'); select catalog.unpublish('service_role')`)
  assert.equal((await called.sync(by)).state, 'succeeded')
})

test('a held run is shown and decided by calls as by sessions', async (t) => {
  const { called, copied, supplier, api } = await openBoth(t)
  const ids = supplier.catalogue.ids()
  for (const pipeline of [called, copied]) await pipeline.sync()
  supplier.catalogue.remove(ids.slice(0, 12))
  supplier.catalogue.setPrice(ids.slice(12, 14), { cents: 1500 })
  supplier.catalogue.setPrice(ids.slice(14, 15), { cents: 90_000 })
  const { run: byCalls } = await called.sync()
  const { run: bySession } = await copied.sync()
  const { run } = await openShelfsync(t, {
    DATABASE_URL: '',
    SUPABASE_URL: api.url,
    SUPABASE_SECRET_KEY: api.keys.secret,
    ...HERE,
  })
  const shown = await run('runs', 'show', String(byCalls))
  assert.match(
    shown.stdout,
    /approving +12 products removed · 2 changed prices of 2 products current/,
  )
  const { items, version } = (await run('runs', 'diff', String(byCalls), '--json')).json()
  const same = await listRunDiff(db, bySession, { limit: 100 })
  const named = (list: unknown) =>
    (list as DiffItem[]).map(({ kind, product, before, after }) => [kind, product, before, after])
  assert.deepEqual(named(items), named(same.items))
  const reviews = await run('reviews', '--run', String(byCalls))
  assert.match(reviews.stdout, /the whole run: 12 products removed/)
  const approve = [
    'runs',
    'approve',
    String(byCalls),
    '--by',
    'test',
    '--yes',
    '--seen',
    String(version),
  ]
  const approved = await run(...approve)
  assert.equal(approved.code, 0, approved.stderr)
  assert.match(approved.stdout, /is approved: 12 removals and 2 changed prices approved\.\n$/)
  await approveAll(db, bySession)
  assert.deepEqual(await snapshotCatalogue(called), await snapshotCatalogue(copied))
  const twice = await run(...approve)
  assert.equal(twice.code, 1)
  assert.match(twice.stderr, /is succeeded, not held: .* approved it at/)
})

test('an operation that needs a session reports that it needs one', async (t) => {
  const api = await startDataApi(t, untouched)
  const { run } = await openShelfsync(t, {
    DATABASE_URL: '',
    SUPABASE_URL: api.url,
    SUPABASE_SECRET_KEY: api.keys.secret,
    ...HERE,
  })
  for (const command of [['runs', 'list'], ['sources', 'list'], ['status'], ['doctor']]) {
    const { code, stderr, stdout } = await run(...command)
    assert.deepEqual([code, command], [0, command], stderr + stdout)
  }
  const jobs = await run('jobs')
  assert.equal(jobs.code, 1)
  assert.match(jobs.stderr, /set DATABASE_URL/)
  const migrate = await run('migrate')
  assert.equal(migrate.code, 1)
  assert.match(migrate.stderr, /supabase\/db\/init\.sql/)
})
