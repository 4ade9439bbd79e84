// Alerts with a real Postgres, and with Slack and Sentry as HTTP servers on loopback that refuse,
// break and delay requests.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { ignore, startStandIn } from '../../test/support/stand-in.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { openToy } from '../../test/support/toy/open.ts'
import {
  decideAlert,
  listAlertChannels,
  listAlerts,
  saveAlerts,
  beatAlerts,
  type Signals,
} from '../db/alerts.ts'
import { listActions } from '../db/read/actions.ts'
import { removeSource } from '../db/write/remove-source.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import { Calendar } from '../sources/due.ts'
import { ErrorReports } from '../telemetry/error-reports.ts'
import { createLog } from '../telemetry/log.ts'
import { createRedactor } from '../telemetry/redact.ts'
import type { Channel } from './channel.ts'
import { createReportSender, sendLastReports } from './send-reports.ts'
import { openErrorSender, openSentry } from './sentry.ts'
import { openSlack } from './slack.ts'
import { watchOnce, type AlertTools } from './watch.ts'

const { pool: db } = await openTestDatabase()
const SECRET = 'T0PLANTED-b0-hook-s3cret'
const { signal } = new AbortController()

const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'test' })
const redact = createRedactor([SECRET])

function openTools(
  channels: readonly Channel[],
  {
    process = 'one',
    signals = { waits: {}, wrongKeys: 0 },
  }: { process?: string; signals?: Signals } = {},
): AlertTools & { readonly failures: string[]; readonly logged: string[] } {
  const failures: string[] = []
  const logged: string[] = []
  return {
    db,
    log: createLog({
      level: 'info',
      secrets: [SECRET],
      destination: { write: (line: string) => logged.push(line) },
    }),
    calendar: new Calendar(),
    channels,
    process,
    webUrl: 'https://sync.example',
    signals: () => signals,
    onSendFailure: (channel) => failures.push(channel),
    failures,
    logged,
  }
}

/** Begins without alerts, channels or processes. */
async function reset(): Promise<void> {
  await db.query(
    'truncate catalog.alerts, catalog.alert_notices, catalog.alert_channels, catalog.alert_processes, catalog.alert_lease',
  )
}

/** Lets everything that waits for a moment be due. */
async function pass(minutes: number): Promise<void> {
  const ago = `interval '${minutes} minutes'`
  await db.query(
    `update catalog.alerts set since = since - ${ago}, opened_at = opened_at - ${ago}, closed_at = closed_at - ${ago}, absent_since = absent_since - ${ago}`,
  )
  await db.query(
    `update catalog.alert_channels set last_sent_at = last_sent_at - ${ago}, retry_at = retry_at - ${ago}`,
  )
}

async function openLate(
  t: TestContext,
): Promise<{ name: string; id: number; recover(): Promise<void> }> {
  const { pipeline } = await openToy(t, { db })
  const { id } = await pipeline.source()
  const setSince = (ago: string) =>
    db.query(
      `update catalog.sources set schedule = '{"cron": "0 * * * *", "zone": "UTC", "fullOn": "every"}',
         schedule_set_at = now() - $2::interval where id = $1`,
      [id, ago],
    )
  await setSince('5 hours')
  t.after(() => removeSource(db, pipeline.name).catch(() => undefined))
  return { name: pipeline.name, id, recover: async () => void (await setSince('0 hours')) }
}

test('a late source is announced once, also by a process that starts again, and its recovery once', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  const channel = openSlack({ http, url: `${slack.url}/services/${SECRET}`, redact })
  const source = await openLate(t)
  await watchOnce(openTools([channel]), signal)
  assert.equal(slack.bodies.length, 0)
  await pass(1)
  await watchOnce(openTools([channel]), signal)
  await pass(10)
  await watchOnce(openTools([channel]), signal)
  assert.equal(slack.bodies.length, 1)
  assert.match(
    slack.bodies[0] ?? '',
    new RegExp(`<https://sync.example/sources/${source.name}\\|Open>`),
  )
  await source.recover()
  await watchOnce(openTools([channel]), signal)
  await pass(10)
  await watchOnce(openTools([channel]), signal)
  await watchOnce(openTools([channel]), signal)
  assert.equal(slack.bodies.length, 2)
  assert.match(slack.bodies[1] ?? '', /1 recovered/)
})

test('only the process with the lease sends; when it dies, another one does, and a fenced one changes nothing', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  const channel = openSlack({ http, url: slack.url, redact })
  await openLate(t)
  const [one, two] = [openTools([channel]), openTools([channel], { process: 'two' })]
  assert.equal(await watchOnce(one, signal), true)
  const token = await beatAlerts(db, {
    process: 'one',
    channels: ['slack'],
    signals: one.signals(),
    leaseSeconds: 60,
  })
  await pass(1)
  assert.equal(await watchOnce(two, signal), false)
  assert.equal(slack.bodies.length, 0)
  await db.query('update catalog.alert_lease set expires_at = now()')
  assert.equal(await watchOnce(two, signal), true)
  assert.equal(slack.bodies.length, 1)
  assert.ok(token)
  assert.equal(await saveAlerts(db, token, []), false)
})

test('a process that can send takes over from one that cannot', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  assert.equal(await watchOnce(openTools([], { process: 'mute' }), signal), true)
  const channel = openSlack({ http, url: slack.url, redact })
  assert.equal(await watchOnce(openTools([channel]), signal), true)
  assert.equal(await watchOnce(openTools([], { process: 'mute' }), signal), false)
})

test('a message that Slack does not accept is sent again later, and its failure is visible without the address', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  const channel = openSlack({ http, url: `${slack.url}/services/${SECRET}`, redact })
  const tools = openTools([channel])
  await openLate(t)
  await watchOnce(tools, signal)
  slack.faults.push(
    (response) => response.writeHead(429, { 'retry-after': '1800' }).end(`slow down ${SECRET}`),
    (response) => response.writeHead(500).end('rollup_error'),
    (response) => response.socket?.destroy(),
  )
  const state = async () => (await listAlertChannels(db))[0]
  await pass(1)
  await watchOnce(tools, signal)
  const limited = await state()
  assert.equal(limited?.failures, 1)
  assert.match(limited?.error ?? '', /429/)
  const waitMs = (limited?.retryAt?.getTime() ?? 0) - Date.now()
  assert.ok(waitMs > 1_700_000, String(waitMs))
  await watchOnce(tools, signal)
  assert.equal(slack.bodies.length, 1)
  for (const pattern of [/500: rollup_error/, /could not be reached/]) {
    await pass(61)
    await watchOnce(tools, signal)
    assert.match((await state())?.error ?? '', pattern)
  }
  await pass(61)
  await watchOnce(tools, signal)
  assert.deepEqual([(await state())?.failures, (await state())?.error], [0, null])
  assert.equal(slack.bodies.length, 4)
  assert.equal(new Set(slack.bodies).size, 1)
  assert.equal(tools.failures.length, 3)
  const { rows } = await db.query('select * from catalog.alert_channels')
  assert.ok(!JSON.stringify([limited, rows, tools.logged, slack.bodies]).includes(SECRET))
})

test('Slack has failed when it redirects, which is not followed, or does not respond', async (t) => {
  await reset()
  const [slack, elsewhere] = [await startStandIn(t), await startStandIn(t)]
  await openLate(t)
  const channel = openSlack({ http, url: `${slack.url}/${SECRET}`, redact, timeoutMs: 300 })
  const tools = openTools([channel])
  await watchOnce(tools, signal)
  slack.faults.push(
    (response) => response.writeHead(307, { location: elsewhere.url }).end(),
    ignore,
  )
  const readError = async () => (await listAlertChannels(db))[0]?.error
  await pass(1)
  await watchOnce(tools, signal)
  assert.equal(await readError(), 'Slack responded with 307')
  assert.deepEqual(elsewhere.bodies, [])
  await pass(61)
  await watchOnce(tools, signal)
  assert.equal(await readError(), 'Slack could not be reached: no response within 0.3 s')
  await pass(61)
  await watchOnce(tools, signal)
  assert.deepEqual([slack.bodies.length, await readError()], [3, null])
})

test('each decision is in the log of actions, with who and why', async (t) => {
  await reset()
  const source = await openLate(t)
  await watchOnce(openTools([]), signal)
  const id = (await listAlerts(db, 0)).find(({ subject }) => subject === source.name)?.id ?? 0
  const until = new Date('2099-01-01T00:00:00Z')
  await decideAlert(db, id, { decision: 'acknowledge', by: 'ann' })
  await decideAlert(db, id, { decision: 'mute', by: 'ben', until, reason: ' the shop moves ' })
  await decideAlert(db, id, { decision: 'unmute', by: 'cleo' })
  const list = () => listActions(db, { source: source.name, limit: 10 })
  const { items } = await list()
  assert.deepEqual(
    items.map(({ action, actor, subject, reason }) => [action, actor, subject, reason]),
    [
      ['alert.unmute', 'cleo', `alert ${id}`, null],
      ['alert.mute', 'ben', `alert ${id}`, 'the shop moves'],
      ['alert.acknowledge', 'ann', `alert ${id}`, null],
    ],
  )
  assert.deepEqual(items[1]?.detail, {
    kind: 'late',
    of: source.name,
    until: '2099-01-01T00:00:00+00:00',
  })
  await assert.rejects(decideAlert(db, 0, { decision: 'unmute', by: 'ann' }))
  assert.equal((await list()).items.length, 3)
})

test('the alerts of a source keep it company: a new name sends nothing again, and a removal leaves none', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  const tools = openTools([openSlack({ http, url: slack.url, redact })])
  const { id, name } = await openLate(t)
  await watchOnce(tools, signal)
  await pass(1)
  await watchOnce(tools, signal)
  const renamed = `${name}-new`
  await db.query('select catalog.rename_source($1, $2)', [id, renamed])
  await pass(10)
  await watchOnce(tools, signal)
  assert.equal(slack.bodies.length, 1)
  const subjects = async () => (await listAlerts(db, 10)).map(({ subject }) => subject)
  assert.deepEqual(await subjects(), [renamed])
  await removeSource(db, renamed)
  assert.deepEqual(await subjects(), [])
})

test('an acknowledged or muted alert is not announced, and a mute outlives its alert', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  const tools = openTools([openSlack({ http, url: slack.url, redact })])
  const source = await openLate(t)
  await watchOnce(tools, signal)
  const current = async () =>
    (await listAlerts(db, 0)).find(({ subject }) => subject === source.name)
  const id = (await current())?.id ?? 0
  const until = new Date(Date.now() + 3_600_000)
  await decideAlert(db, id, { decision: 'mute', by: 'ann', until, reason: 'the shop moves' })
  await pass(1)
  await watchOnce(tools, signal)
  await source.recover()
  await watchOnce(tools, signal)
  await db.query(
    `update catalog.sources set schedule_set_at = now() - interval '5 hours' where id = $1`,
    [source.id],
  )
  await watchOnce(tools, signal)
  const again = await current()
  assert.ok(again && again.id !== id)
  assert.deepEqual([again.mutedUntil, again.mutedBy], [until, 'ann'])
  await pass(1)
  await watchOnce(tools, signal)
  assert.equal(slack.bodies.length, 0)
  await decideAlert(db, again.id, { decision: 'unmute', by: 'ben' })
  await decideAlert(db, again.id, { decision: 'acknowledge', by: 'ben' })
  await watchOnce(tools, signal)
  assert.equal(slack.bodies.length, 0)
  await assert.rejects(decideAlert(db, id, { decision: 'unmute', by: 'ben' }), {
    code: 'alert/unknown',
  })
})

test('back-pressure and wrong keys of any process raise an alert, and text from outside is escaped', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  const channel = openSlack({ http, url: slack.url, redact })
  await db.query(
    `insert into catalog.circuit_breakers (scope, key, version, state, failed_at, failures, opened_at, retry_at, cooldown_ms, reason, changed_at)
       values ('host', 'down.example', 1, 'open', '{}', 5, now() - interval '1 hour', now(), 0, '<!channel> & co', now())`,
  )
  t.after(() => db.query('delete from catalog.circuit_breakers where true'))
  await watchOnce(openTools([channel]), signal)
  const busy = { waits: { database_slow: 600 }, wrongKeys: 30 }
  await watchOnce(openTools([channel], { process: 'busy', signals: busy }), signal)
  await watchOnce(openTools([channel]), signal)
  await pass(11)
  await watchOnce(openTools([channel]), signal)
  assert.equal(slack.bodies.length, 1)
  const [body = ''] = slack.bodies
  for (const text of [
    'the database is too slow',
    '30 sign-ins',
    'down.example: down since',
    '&lt;!channel&gt; &amp; co',
  ])
    assert.ok(body.includes(text), `${text}: ${body}`)
})

test('the weekly note is sent once, to Slack', async (t) => {
  await reset()
  const slack = await startStandIn(t)
  const tools = openTools([openSlack({ http, url: slack.url, redact })])
  await watchOnce(tools, signal)
  assert.equal(slack.bodies.length, 0)
  await db.query(`update catalog.alert_channels set weekly_at = now() - interval '8 days'`)
  await watchOnce(tools, signal)
  await watchOnce(tools, signal)
  assert.equal(slack.bodies.length, 1)
  assert.match(slack.bodies[0] ?? '', /all is well this week/)
})

test('Sentry gets alerts, failed runs with their correlation id, and check-ins, but no secret and nothing about the machine', async (t) => {
  await reset()
  const standIn = await startStandIn(t)
  const dsn = standIn.url.replace('http://', 'http://publickey@') + '/42'
  const channel = await openSentry({ http, dsn, redact })
  const tools = openTools([channel])
  const { name } = await openLate(t)
  const { pipeline, supplier } = await openToy(t, { db })
  await watchOnce(tools, signal)
  await pipeline.sync()
  supplier.setFaults({ kind: 'status', status: 401, times: 1 })
  const { run } = await pipeline.sync()
  await db.query(`update catalog.runs set reason = $2 where id = $1`, [run, `refused ${SECRET}`])
  standIn.faults.push((response) => response.writeHead(429, { 'retry-after': '1800' }).end())
  await pass(1)
  await watchOnce(tools, signal)
  const limited = (await listAlertChannels(db))[0]
  assert.equal(limited?.error, 'Sentry responded with 429')
  assert.ok((limited.retryAt?.getTime() ?? 0) - Date.now() > 1_700_000)
  await pass(120)
  await watchOnce(tools, signal)
  const items = standIn.bodies.flatMap((body) =>
    body
      .split('\n')
      .filter(Boolean)
      .map((line): unknown => JSON.parse(line)),
  )
  const text = JSON.stringify(items)
  assert.ok(text.includes(`late: ${name}`))
  const { rows } = await db.query<{ cid: string }>(
    'select correlation_id as cid from catalog.runs where id = $1',
    [run],
  )
  assert.ok(text.includes(`"correlation_id":"${rows[0]?.cid}"`), text)
  assert.ok(text.includes('source/unauthorized'))
  assert.ok(text.includes(`"monitor_slug":"shelfsync-${pipeline.name}"`))
  assert.ok(text.includes('"status":"ok"') && text.includes('"status":"error"'))
  assert.ok(text.includes('"schedule":{"type":"crontab"'))
  assert.ok(!text.includes(SECRET))
  for (const word of [
    'server_name',
    'hostname',
    'ip_address',
    '"user"',
    '"request"',
    'breadcrumbs',
  ])
    assert.ok(!text.includes(word), word)
})

test('Sentry gets the end of every run, however many there are', async (t) => {
  await reset()
  const standIn = await startStandIn(t)
  const dsn = standIn.url.replace('http://', 'http://publickey@') + '/42'
  const tools = openTools([await openSentry({ http, dsn, redact })])
  const { pipeline } = await openToy(t, { db })
  await watchOnce(tools, signal)
  const { run } = await pipeline.sync()
  await db.query(
    `insert into catalog.run_ends (source_id, run_id, state, seconds, bytes)
       select source_id, run_id, 'failed', 1, 0 from catalog.run_ends, generate_series(1, 119)
       where run_id = $1`,
    [run],
  )
  await watchOnce(tools, signal)
  // A turn that failed is sent again as a whole.
  standIn.faults.push(
    ...Array.from({ length: 9 }, () => (response: ServerResponse) => response.end('{}')),
    (response) => response.writeHead(503).end(),
  )
  await watchOnce(tools, signal)
  await pass(61)
  for (let turns = 0; turns < 3; turns++) await watchOnce(tools, signal)
  const checkIns = standIn.bodies.filter((body) => body.includes('"check_in_id"')).length
  assert.ok(checkIns >= 120 && checkIns <= 170, String(checkIns))
})

test('a process stops at once while Sentry does not respond, and the message is sent by the next one', async (t) => {
  await reset()
  const standIn = await startStandIn(t)
  await openLate(t)
  const dsn = standIn.url.replace('http://', 'http://publickey@') + '/42'
  const open = async () => openTools([await openSentry({ http, dsn, redact })])
  await watchOnce(await open(), signal)
  await pass(1)
  standIn.faults.push(ignore)
  const stopping = new AbortController()
  const stopped = watchOnce(await open(), stopping.signal)
  await waitUntil(() => Promise.resolve(standIn.bodies.length === 1 || null))
  stopping.abort()
  await stopped
  await watchOnce(await open(), signal)
  assert.equal(standIn.bodies.length, 2)
})

test('an error that Sentry refuses is sent again, and two calls at once send it once', async (t) => {
  const standIn = await startStandIn(t)
  const reports = new ErrorReports()
  const log = createLog({
    level: 'error',
    secrets: [SECRET],
    destination: { write: () => true },
    onError: (line) => reports.add(line),
  })
  log.error({ err: new TypeError('broken'), cid: 'abc-1' }, 'internal error')
  const dsn = standIn.url.replace('http://', 'http://publickey@') + '/42'
  const sendReports = createReportSender({
    reports,
    send: await openErrorSender({ http, dsn, redact }),
  })
  standIn.faults.push((response) => response.writeHead(503).end())
  await assert.rejects(sendReports(signal), /Sentry responded with 503/)
  await Promise.all([sendReports(signal), sendReports(signal)])
  await sendLastReports(sendReports)
  assert.equal(standIn.bodies.length, 2)
  for (const body of standIn.bodies) assert.match(body, /"correlation_id":"abc-1"/)
  log.error({ err: new TypeError('broken again') }, 'internal error')
  standIn.faults.push(ignore)
  await sendLastReports(sendReports)
  assert.equal(reports.first?.exception?.value, 'broken again')
})
