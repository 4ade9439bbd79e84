// Alerts from several processes, and from processes that are killed: no message is lost, and a kill in the
// moment of sending repeats at most one.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '../../bin/launch.js'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { openTestDatabase } from '../support/database.ts'
import { cleanEnv, FREE_PORTS, startProcess, type Process } from '../support/processes.ts'
import { startStandIn, type StandIn } from '../support/stand-in.ts'
import { openToy } from '../support/toy/open.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { AlertProcess } from './alert-process.ts'

const database = await openTestDatabase()
const { pool: db } = database
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const PROGRAM = fileURLToPath(new URL('alert-process.ts', import.meta.url))

/** A source that is late, and whose alert was not sent. */
async function openLate(t: TestContext): Promise<string> {
  await db.query(
    'truncate catalog.alerts, catalog.alert_notices, catalog.alert_channels, catalog.alert_processes, catalog.alert_lease',
  )
  await db.query(`delete from catalog.sources where state = 'active'`)
  const { pipeline } = await openToy(t, { db })
  await db.query(
    `update catalog.sources set schedule = '{"cron": "0 * * * *", "zone": "UTC", "fullOn": "every"}',
       schedule_set_at = now() - interval '5 hours' where id = $1`,
    [(await pipeline.source()).id],
  )
  return pipeline.name
}

function start(t: TestContext, { url }: StandIn, name: string): Promise<Process> {
  const task: AlertProcess = { databaseUrl: database.url, slackUrl: url, process: name }
  return startProcess(t, process.execPath, [PROGRAM, JSON.stringify(task)])
}

/** Kills the process with the lease, and lets the lease end as after a minute. */
async function kill({ pid, exited }: Process): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await exited
  await db.query('update catalog.alert_lease set expires_at = now() where true')
}

async function waitForAlert(): Promise<void> {
  await waitUntil(async () => (await db.query('select from catalog.alerts')).rowCount === 1)
}

/** The moment in which other alerts may join has passed. */
async function makeDue(): Promise<void> {
  await db.query(`update catalog.alerts set opened_at = now() - interval '1 minute' where true`)
}

/** Waits until each process has had several turns after this moment. */
async function waitForTurns(names: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    const { rows } = await db.query<{ now: Date }>('select clock_timestamp() as now')
    await waitUntil(async () => {
      const beaten = await db.query(
        'select from catalog.alert_processes where process = any($1) and beat_at > $2',
        [names, rows[0]?.now],
      )
      return beaten.rowCount === names.length
    })
  }
}

async function countNotices(): Promise<number> {
  return (await db.query('select from catalog.alert_notices')).rowCount ?? 0
}

test('of three processes, one sends an alert, and only once', async (t) => {
  const name = await openLate(t)
  const slack = await startStandIn(t)
  const names = ['one', 'two', 'three']
  await Promise.all(names.map((process) => start(t, slack, process)))
  await waitForAlert()
  await makeDue()
  await waitUntil(() => slack.bodies.length > 0)
  await waitForTurns(names)
  assert.equal(slack.bodies.length, 1)
  assert.match(slack.bodies[0] ?? '', new RegExp(`${name}: no run has succeeded`))
})

test('a late source is announced while nothing but a web server lives', async (t) => {
  const name = await openLate(t)
  const slack = await startStandIn(t)
  await migrateQueue(db)
  const env = cleanEnv({
    DATABASE_URL: database.url,
    ADMIN_KEY: 'a-key-for-tests-only-0123456789',
    SLACK_WEBHOOK_URL: slack.url,
    WEB_URL: 'https://sync.example',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
  })
  await startProcess(t, process.execPath, [...NODE_FLAGS, MAIN, 'serve', 'web'], { env })
  await waitForAlert()
  await makeDue()
  await waitUntil(() => slack.bodies.length > 0)
  assert.match(slack.bodies[0] ?? '', new RegExp(`<https://sync.example/sources/${name}\\|Open>`))
})

test('a process that is killed before it sends leaves the message to another one', async (t) => {
  await openLate(t)
  const slack = await startStandIn(t)
  const first = await start(t, slack, 'killed')
  await waitForAlert()
  await kill(first)
  await makeDue()
  assert.equal(slack.bodies.length, 0)
  await start(t, slack, 'next')
  await waitUntil(async () => (await countNotices()) === 1)
  await waitForTurns(['next'])
  assert.equal(slack.bodies.length, 1)
})

test('a process that is killed after it has sent repeats the message once', async (t) => {
  await openLate(t)
  const slack = await startStandIn(t)
  const first = await start(t, slack, 'killed')
  await waitForAlert()
  const received = Promise.withResolvers<void>()
  slack.faults.push(() => received.resolve())
  await makeDue()
  // Slack has the message, and the process waits for its response.
  await received.promise
  await kill(first)
  await start(t, slack, 'next')
  await waitUntil(async () => (await countNotices()) === 1)
  await waitForTurns(['next'])
  assert.equal(slack.bodies.length, 2)
  assert.equal(new Set(slack.bodies).size, 1)
})
