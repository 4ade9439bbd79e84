// Each kind of process with a separate login that has only its role, created by the statements of
// docs/services.md.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { UnrecoverableError } from 'bullmq'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openPool, type Db } from '../../src/db/pool.ts'
import { createOrchestratorApp } from '../../src/http/control/servers.ts'
import { listDeadLetters, retryDeadLetter } from '../../src/jobs/dead-letters.ts'
import { AS_SCHEDULED } from '../../src/jobs/requests.ts'
import { cancelRequestedRun, requestRuns } from '../../src/jobs/request-runs.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA } from '../../src/jobs/queues.ts'
import { repairQueue } from '../../src/jobs/scheduler.ts'
import { executeQueuedTask } from '../../src/jobs/queued-task.ts'
import { requireRights } from '../../src/app/rights.ts'
import { ALL_ROLES, ROLES, type Role } from '../../src/core/roles.ts'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import { listSeries } from '../support/exposition.ts'
import { KEY, startServer } from '../support/http-server.ts'
import { openMedipim } from '../support/medipim.ts'
import { openServices } from '../support/services.ts'
import { waitUntil } from '../support/wait-until.ts'
import { openFleet, type Machine, type Fleet } from './fleet.ts'
import { openShelfsync } from './shelfsync.ts'

const KINDS = ['fetcher', 'maintainer', 'orchestrator', 'web', 'images', 'deliver'] as const
type Kind = (typeof KINDS)[number]
/** The role for images does not start without a place for them. */
const IMAGES = { IMAGES: 'imagekit:shop', IMAGEKIT_PRIVATE_KEY: 'private_key' }
const DENIED = { code: '42501' }

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const database = await openTestDatabase({ after: (end) => ends.defer(end) })
const logins = await makeLogins()

/**
 * The name and the password of each login in the page. Roles belong to a whole server, so the names
 * get a suffix.
 */
async function makeLogins(): Promise<
  Record<Kind, { readonly name: string; readonly password: string }>
> {
  const page = readFileSync(new URL('../../docs/services.md', import.meta.url), 'utf8')
  const [, statements = ''] = /^```sql\n(create role [^`]*)^```$/m.exec(page) ?? []
  const tail = randomUUID().slice(0, 8)
  const own = statements.replaceAll(/(?<=^create role )\w+/gm, (name) => `${name}_${tail}`)
  const made = [
    ...own.matchAll(/^create role (\w+) login password '(.*)' in role shelfsync_(\w+);$/gm),
  ]
  assert.deepEqual(
    made.map(([, , , kind]) => kind),
    KINDS,
  )
  await database.pool.query(own)
  ends.defer(
    async () =>
      void (await database.pool.query(made.map(([, name]) => `drop role ${name};`).join('\n'))),
  )
  const [fetcher, maintainer, orchestrator, web, images, deliver] = made.map(
    ([, name = '', password = '']) => ({
      name,
      password,
    }),
  )
  assert.ok(fetcher && maintainer && orchestrator && web && images && deliver)
  return { fetcher, maintainer, orchestrator, web, images, deliver }
}

function urlOf(kind: Kind, databaseUrl: string): string {
  const { name, password } = logins[kind]
  return Object.assign(new URL(databaseUrl), { username: name, password }).href
}

async function createLogin(t: Lifetime, kind: Kind): Promise<Db> {
  const pool = await openPool(urlOf(kind, database.url), {
    applicationName: 'roles',
    searchPath: QUEUE_SCHEMA,
  })
  t.after(() => pool.end())
  return pool
}

interface Said {
  readonly run: number
  readonly state: string
  readonly broken: readonly string[]
  readonly sources: readonly unknown[]
}

/** Three processes, each logged in with its own role. Only the fetcher has the supplier's key. */
async function openCompany(t: Lifetime, fleet: Fleet) {
  const machines: Partial<Record<Kind, Machine>> = {}
  const sendRequest = async (kind: Kind, path: string, method = 'GET') => {
    const headers = { 'X-ADMIN-KEY': fleet.env['ADMIN_KEY'] ?? '' }
    const response = await fetch(`http://127.0.0.1:${machines[kind]?.ports[kind]}${path}`, {
      method,
      headers,
    })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return text
  }
  return {
    async start(kind: Kind): Promise<Machine> {
      const { MEDIPIM_API_KEY = '' } = fleet.env
      return (machines[kind] = await fleet.serve([kind], {
        DATABASE_URL: urlOf(kind, fleet.database.url),
        MEDIPIM_API_KEY: kind === 'fetcher' ? MEDIPIM_API_KEY : '',
        ARTIFACTS_KEEP: '1',
        ARTIFACTS_LATEST: 'true',
        LOG_LEVEL: 'debug',
      }))
    },
    json: async (kind: Kind, path: string, method?: string) =>
      JSON.parse(await sendRequest(kind, path, method)) as Said,
    metrics: (kind: Kind) => sendRequest(kind, '/metrics'),
    /** Stops all processes and returns their output. */
    async stop(): Promise<string> {
      const all = Object.values(machines)
      for (const { process } of all) process.kill('SIGTERM')
      for (const { process } of all)
        assert.deepEqual(await process.exited, { code: 0, signal: null }, process.output())
      return all.map(({ process }) => process.output()).join('')
    },
  }
}

test(
  'three processes with one role each execute runs, keep the schedule and report the status',
  { timeout: 120_000 },
  async (t) => {
    const simulator = await startMedipim({ products: 60, rateLimit: null })
    t.after(simulator.close)
    const fleet = await openFleet(t, {
      supplierUrl: simulator.url,
      queueUrl: null,
      smallParts: false,
    })
    const { pipeline } = fleet
    const processes = await openCompany(t, fleet)
    const stateOf = async (run: number) => (await fleet.waitForEnd(run)).state

    const orchestrator = await processes.start('orchestrator')
    const cancelled = await fleet.requestRun(orchestrator)
    assert.deepEqual(await processes.json('orchestrator', `/runs/${cancelled}/cancel`, 'POST'), {
      run: cancelled,
      state: 'cancelled',
    })

    await Promise.all([processes.start('fetcher'), processes.start('maintainer')])
    const requested = await fleet.requestRun(orchestrator)
    assert.equal(await stateOf(requested), 'succeeded')
    assert.equal((await processes.json('orchestrator', `/runs/${requested}`)).state, 'succeeded')
    const status = await processes.json('orchestrator', '/status')
    assert.deepEqual([status.run, status.sources.length], [requested, 1])
    assert.deepEqual((await processes.json('orchestrator', '/health')).broken, [])

    const { run: archived } = await processes.json('fetcher', '/run', 'POST')
    assert.equal(await stateOf(archived), 'fetched')
    assert.deepEqual((await pipeline.source()).copy, { run: archived, error: null })
    const { run: applied } = await processes.json('maintainer', '/run', 'POST')
    assert.deepEqual([applied, await stateOf(applied)], [archived, 'succeeded'])
    const { run: replayed } = await processes.json('maintainer', '/run', 'POST')
    assert.deepEqual([replayed > applied, await stateOf(replayed)], [true, 'succeeded'])

    // As if all of that had happened nights ago.
    await pipeline.query(
      `update catalog.runs set started_at = started_at - interval '3 days', last_started_at = last_started_at - interval '3 days'`,
    )
    await pipeline.query(
      `update catalog.sources set due_at = null, schedule_set_at = schedule_set_at - interval '3 days'`,
    )
    const scheduled = await waitUntil(
      async () =>
        (
          await pipeline.query<{ id: number }>(
            'select id from catalog.runs where id > $1',
            replayed,
          )
        )[0]?.id,
    )
    assert.equal(await stateOf(scheduled), 'succeeded')

    const metrics = await processes.metrics('orchestrator')
    const own = `source="${pipeline.name}"`
    assert.equal(listSeries(metrics, 'shelfsync_runs_total')[`${own},state="succeeded"`], 4)
    assert.equal(listSeries(metrics, 'shelfsync_ledger_difference_records')[own], 0)
    // Sessions report their counts when they have been idle for some seconds.
    await waitUntil(async () => {
      const series = await processes.metrics('orchestrator')
      const written = listSeries(series, 'shelfsync_database_rows_written_total')
      return (written['table="products"'] ?? 0) >= 60
    })
    assert.deepEqual(listSeries(metrics, 'shelfsync_collect_failures_total'), {
      'collector="database"': 0,
      'collector="queue"': 0,
      'collector="storage"': 0,
    })
    for (const kind of ['fetcher', 'maintainer'] as const)
      assert.match(await processes.metrics(kind), /^shelfsync_database_connections/m)

    const output = await processes.stop()
    assert.doesNotMatch(output, /permission denied|must be owner/i)
    assert.match(output, /old artifacts purged/)
  },
)

test('status, doctor and sync report a login that lacks a right, with a code and a remedy', async (t) => {
  const loggedIn = (kind: Kind) =>
    openShelfsync(t, { DATABASE_URL: urlOf(kind, database.url), MEDIPIM_API_KEY: '42:secret' })
  const { pipeline } = await openMedipim(t, { db: database.pool })

  const status = await (await loggedIn('orchestrator')).run('status', '--json')
  const { error } = JSON.parse(status.stderr) as {
    error: { code: string; message: string; hint: string }
  }
  assert.deepEqual([status.code, error.code], [1, 'db/denied'])
  assert.match(error.message, /lacks a right: permission denied for function/)
  assert.match(error.hint, /docs\/services\.md/)

  const doctor = await (await loggedIn('fetcher')).run('doctor')
  assert.deepEqual([doctor.code, doctor.stderr], [1, ''])
  assert.match(
    doctor.stdout,
    /^fail  database .*permission denied.*\n +hint: .*docs\/services\.md/m,
  )
  assert.match(doctor.stdout, /^ok    private hosts/m, 'the other checks are made all the same')

  const sync = await (await loggedIn('maintainer')).run('sync', pipeline.name, '--json')
  assert.deepEqual(
    [sync.code, sync.json()['state'], sync.json()['code']],
    [1, 'failed', 'db/denied'],
  )
  const runs = await pipeline.query(
    `select state, error_code from catalog.runs where source_id = (select id from catalog.sources where name = $1)`,
    pipeline.name,
  )
  assert.deepEqual(runs, [{ state: 'failed', error_code: 'db/denied' }])
})

test('a task, a request and the run report the same code when their login lacks a right', async (t) => {
  const { pipeline } = await openMedipim(t, { db: database.pool })
  const services = await openServices(t, database, pipeline)
  const { run } = await services.requestRun()
  const job = (await services.queues.fetch.getJobs()).find(({ data }) => data.run === run)
  assert.ok(job)
  const tools = { ...services.tools, db: await createLogin(t, 'maintainer') }

  const { sendRequest } = await startServer(t, ({ operations, ...options }) =>
    createOrchestratorApp({
      ...options,
      db: tools.db,
      operations: { ...operations, cancelRun: (id) => cancelRequestedRun(tools, id) },
    }),
  )
  const response = await sendRequest(`/runs/${run}/cancel`, {
    method: 'POST',
    headers: { 'X-ADMIN-KEY': KEY },
  })
  const { error } = (await response.json()) as { error: { code: string } }
  assert.deepEqual([response.status, error.code], [500, 'db/denied'])

  await assert.rejects(
    executeQueuedTask(
      tools,
      { name: 'fetch', task: job.data, isLastAttempt: false },
      new AbortController().signal,
    ),
    {
      code: 'db/denied',
    },
  )
  const [ended] = await pipeline.query(
    'select state, error_code from catalog.runs where id = $1',
    run,
  )
  assert.deepEqual(ended, { state: 'failed', error_code: 'db/denied' })
})

test('a process whose login lacks rights of its role refuses to start and names the login, the role and the remedy', async (t) => {
  const fleet = await openFleet(t, {
    supplierUrl: 'http://127.0.0.1:1',
    queueUrl: null,
    smallParts: false,
  })
  const refused = async (kind: Kind, roles: readonly Role[], lacking: string): Promise<void> => {
    const { name } = logins[kind]
    const words = new RegExp(
      `"db/denied".*The login ${name} .*process with the role (.*): .*DATABASE_URL, or .*grant (.*) to ${name}".*docs/services.md`,
    )
    await assert.rejects(
      fleet.serve(roles, { ...IMAGES, DATABASE_URL: urlOf(kind, fleet.database.url) }),
      ({ message }: Error) => {
        assert.deepEqual(
          words.exec(message)?.slice(1),
          [roles.filter((role) => role !== kind).join(', '), lacking],
          message,
        )
        return true
      },
    )
  }
  await refused('orchestrator', ['fetcher'], 'shelfsync_fetcher')
  await refused('fetcher', ['maintainer'], 'shelfsync_maintainer')
  await refused('maintainer', ['scheduler'], 'shelfsync_orchestrator')
  await refused(
    'maintainer',
    ALL_ROLES,
    'shelfsync_fetcher, shelfsync_orchestrator, shelfsync_web, shelfsync_deliver',
  )
  await refused('orchestrator', ['web'], 'shelfsync_web')
  await refused('fetcher', ['images'], 'shelfsync_images')
  await refused('images', ['deliver'], 'shelfsync_deliver')
  await requireRights(await createLogin(t, 'orchestrator'), ['scheduler'])
  await requireRights(database.pool, ROLES)
})

test('the orchestrator ends a run that a dead letter blocks, and resumes it on request', async (t) => {
  const { pipeline } = await openMedipim(t, { db: database.pool })
  await migrateQueue(database.pool)
  const db = await createLogin(t, 'orchestrator')
  const queues = await openQueues(db, null, { onError: () => undefined })
  t.after(() => queues.close())
  const tools = {
    db,
    queues,
    connectors: new Map([[pipeline.connector.name, pipeline.connector]]),
    log: pipeline.tools.log,
    outages: pipeline.tools.outages,
  }
  const [requested] = await requestRuns(tools, { ...AS_SCHEDULED, source: pipeline.name }, 'test')
  assert.ok(requested && 'run' in requested)
  const { run } = requested
  const stateNow = async () =>
    (
      await pipeline.query<{ state: string }>('select state from catalog.runs where id = $1', run)
    )[0]?.state
  // Other tests of this database have left their rows.
  const letters = async () => (await listDeadLetters(queues)).filter((one) => one.run === run)
  const failing = queues.work('fetch', 1, () =>
    Promise.reject(new UnrecoverableError('as if ten workers had died of it')),
  )
  const letter = await waitUntil(async () => (await letters())[0])
  await failing.close()
  await repairQueue(tools)
  assert.equal(await stateNow(), 'interrupted')
  await retryDeadLetter(db, queues, letter.id)
  assert.deepEqual([await stateNow(), await letters()], ['running', []])
})

const ORDERING = ['start_run', 'extend_run', 'record_action']
const TASKS = ['claim_task', 'end_run', 'record_copy', 'release_task', 'renew_lease']
/** All functions that write or read products, by the roles that may call them. */
/** Any process may judge alerts and send their messages. */
const ALERTING = ['beat_alerts', 'leave_alerts', 'save_alerts', 'record_notices'] as const

const MAY_CALL: Readonly<Record<Kind, readonly string[]>> = {
  fetcher: [
    ...ALERTING,
    ...ORDERING,
    ...TASKS,
    'add_part',
    'admit_request',
    'delay_limit',
    'hold_limit',
    'leave_limit',
    'record_quota',
    'record_retries',
    'save_breaker',
    'update_artifact',
  ],
  maintainer: [
    ...ALERTING,
    ...ORDERING,
    ...TASKS,
    'apply_batch',
    'admit_request',
    'begin_purge',
    'claim_enrichment',
    'clear_staging',
    'delay_limit',
    'finish_enrichment',
    'hold_limit',
    'leave_limit',
    'propose_value',
    'queue_enrichments',
    'save_breaker',
    'save_model_response',
    'withdraw_proposals',
    'list_known_records',
    'list_missing',
    'mark_purged',
    'purge_expired',
    'remove_old_changes',
    'list_product_ids',
    'open_plan',
    'open_staging',
    'plan_batch',
    'quarantine_records',
    'reserve_seqs',
    'save_checkpoint',
    'list_newer_seen',
    'settle_run',
    'upsert_terms',
  ],
  orchestrator: [
    ...ALERTING,
    ...ORDERING,
    'cancel_run',
    'interrupt_run',
    'reopen_run',
    'save_due_times',
  ],
  web: [
    ...ALERTING,
    ...ORDERING,
    'add_review_rule',
    'add_rule',
    'add_webhook',
    'cancel_run',
    'change_hot',
    'change_source',
    'count_products',
    'decide_alert',
    'decide_review',
    'decide_run',
    'edit_review',
    'end_session',
    'explain_product',
    'load_record',
    'open_session',
    'pause_webhook',
    'queue_test',
    'remove_review_rule',
    'remove_rule',
    'remove_webhook',
    'reopen_run',
    'replay_deliveries',
    'reset_limit',
    'resume_webhook',
    'search_products',
    'set_source_state',
    'switch_rule',
  ],
  images: [
    ...ALERTING,
    'admit_request',
    'begin_blob_removal',
    'claim_images',
    'delay_limit',
    'end_blob_removal',
    'fail_image',
    'hold_limit',
    'leave_limit',
    'link_images',
    'mark_unused_images',
    'release_images',
    'renew_images',
    'save_breaker',
    'store_image',
  ],
  deliver: [
    ...ALERTING,
    'admit_request',
    'claim_deliveries',
    'delay_limit',
    'finish_delivery',
    'hold_limit',
    'leave_limit',
    'queue_deliveries',
    'remove_old_deliveries',
    'save_breaker',
  ],
}
const TELLING = [
  'list_known_records',
  'list_known_records_page',
  'list_product_ids',
  'list_missing',
  'count_products',
  'list_newer_seen',
  'explain_product',
  'load_record',
  'search_products',
]

test('no role may use a table, or call a function of another role', async (t) => {
  for (const kind of KINDS) {
    const db = await createLogin(t, kind)
    const { rows: tables } = await db.query(`select oid::regclass from pg_class
      where relnamespace in ('catalog'::regnamespace, 'api'::regnamespace, 'pipeline'::regnamespace) and relkind in ('r', 'p', 'v')
        and (has_any_column_privilege(oid, 'select, insert, update, references') or has_table_privilege(oid, 'delete, truncate, trigger'))`)
    assert.deepEqual(tables, [], kind)
    const { rows: functions } = await db.query<{ name: string }>(
      `select distinct proname as name from pg_proc
      where pronamespace in ('catalog'::regnamespace, 'api'::regnamespace, 'pipeline'::regnamespace) and (provolatile = 'v' or proname = any ($1))
        and has_function_privilege(oid, 'execute')`,
      [TELLING],
    )
    assert.deepEqual(
      functions.map(({ name }) => name).toSorted(),
      [...MAY_CALL[kind]].toSorted(),
      kind,
    )
    await assert.rejects(db.query('select * from catalog.products'), DENIED)
    if (kind !== 'maintainer')
      await assert.rejects(
        db.query(`select catalog.apply_batch(1, 1, 1, 1, 1, 1, 1, '{}', 10, '', false)`),
        DENIED,
      )
    if (kind !== 'fetcher')
      await assert.rejects(
        db.query(`select catalog.add_part(1, 1, 1, 1, 'k', 'zstd', '', 1, 1, 1, null, null)`),
        DENIED,
      )
  }
})
