// The schedule of the edge function refresh-worker. Postgres of the tests has neither pg_cron,
// pg_net nor the Vault: the message about them is the real one, and the rest is tested with
// stand-ins of the same names and signatures, which record what they receive.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inSession } from '../../src/db/catalog.ts'
import { openTestDatabase } from '../support/database.ts'
import { SUPABASE_EXTENSIONS } from '../support/supabase-extensions.ts'
import { listBlocks } from '../support/terminal-folder.ts'

const { pool: db } = await openTestDatabase()
const catalog = inSession(db)

const URL = 'https://project.supabase.co'
const schedule = (url = URL, more = '') =>
  db.query(`select * from catalog.schedule_refresh($1${more})`, [url])
const loadSchedule = async () =>
  (await catalog.call<Record<string, unknown>>('load_refresh_schedule', {}))[0]
const respond = (id: number, columns: string, ...values: unknown[]) =>
  db.query(
    `insert into net._http_response (id, ${columns}) values ($1, ${values.map((_, n) => `$${n + 2}`).join(', ')})`,
    [id, ...values],
  )
const request = async (): Promise<number> => {
  const { rows } = await db.query('select catalog.request_refresh(250) as id')
  return Number(rows[0].id)
}

test('without the extensions, the schedule names those that are missing and how to create them', async () => {
  await assert.rejects(schedule(), {
    hint: 'db/unsuitable',
    message:
      /^The database lacks pg_cron and pg_net and supabase_vault\. In a Supabase project, enable them under Database, Extensions, or execute: create extension pg_cron; create extension pg_net; create extension supabase_vault;\. Elsewhere, run `shelfsync serve`/,
  })
  await assert.rejects(db.query('select catalog.request_refresh(1)'), { hint: 'db/unsuitable' })
  const { rows } = await db.query('select catalog.unschedule_refresh()')
  assert.deepEqual(rows, [])
  assert.deepEqual(await loadSchedule(), {
    scheduled: false,
    requested_at: null,
    responded_at: null,
    status_code: null,
    error: null,
  })
})

test('the schedule is two jobs, and the token of the Vault stays when it is set again', async () => {
  await db.query(SUPABASE_EXTENSIONS)
  await assert.rejects(schedule('project.supabase.co'), { hint: 'usage/invalid' })
  await assert.rejects(schedule(`${URL}/functions`), { hint: 'usage/invalid' })
  const { rows } = await schedule()
  assert.deepEqual(rows, [
    {
      job: 'shelfsync-refresh',
      schedule: '7 * * * *',
      url: `${URL}/functions/v1/refresh-worker`,
      token_is_new: true,
    },
  ])
  const token = async () =>
    (await db.query(`select secret from vault.secrets where name = 'shelfsync_cron_token'`)).rows[0]
      .secret
  const first = await token()
  assert.match(first, /^[0-9a-f]{64}$/)
  const again = await schedule(URL, `, '*/20 * * * *', 50`)
  assert.deepEqual([again.rows[0].token_is_new, await token()], [false, first])
  const jobs = await db.query('select jobname, schedule, command from cron.job order by jobname')
  assert.deepEqual(jobs.rows, [
    {
      jobname: 'shelfsync-refresh',
      schedule: '*/20 * * * *',
      command: 'select catalog.request_refresh(50)',
    },
    {
      jobname: 'shelfsync-refresh-responses',
      schedule: '*/10 * * * *',
      command: 'select catalog.harvest_refresh_responses()',
    },
  ])
})

test('the statements of the page work in their order', async () => {
  const page = 'docs/deploy/supabase.md'
  const heading = '## Edge functions'
  const statements = await listBlocks(page, { language: 'sql', heading })
  assert.equal(statements.length, 2)
  for (const code of statements) await db.query(code)
  assert.equal((await loadSchedule())?.['scheduled'], false)
  await schedule()
})

test('a call sends the token in its own header and a body without content', async () => {
  await request()
  const { rows } = await db.query('select * from net.sent order by id desc limit 1')
  const { url, body, headers, timeout_milliseconds: timeoutMs } = rows[0]
  assert.deepEqual(
    [url, body, timeoutMs],
    [`${URL}/functions/v1/refresh-worker`, { limit: 250 }, 150_000],
  )
  assert.deepEqual(Object.keys(headers).sort(), [
    'content-type',
    'x-correlation-id',
    'x-cron-token',
  ])
})

test('a dispatched call counts only when its response was read: a failure and a timeout are shown', async () => {
  const [failed, late, fine] = [await request(), await request(), await request()]
  assert.equal((await loadSchedule())?.['responded_at'], null)
  await respond(failed, 'status_code, content', 401, '{"error":{"code":"request/unauthorized"}}')
  assert.match(String((await loadSchedule())?.['error']), /unauthorized/)
  await respond(late, 'timed_out, created', true, new Date())
  const shown = await loadSchedule()
  assert.deepEqual(
    [shown?.['scheduled'], shown?.['status_code'], shown?.['error']],
    [true, null, 'timeout'],
  )
  await respond(fine, 'status_code, content', 200, '{}')
  assert.deepEqual(await loadSchedule().then((one) => [one?.['status_code'], one?.['error']]), [
    200,
    null,
  ])
})

test('a request without a response after six hours is recorded as lost', async () => {
  const id = await request()
  await db.query(
    `update catalog.refresh_requests set requested_at = now() - interval '7 hours' where id = $1`,
    [id],
  )
  await db.query('select catalog.harvest_refresh_responses()')
  const { rows } = await db.query('select error from catalog.refresh_requests where id = $1', [id])
  assert.match(rows[0].error, /no response within six hours/)
})

test('the schedule ends, and its token stays for the next one', async () => {
  const ended = await db.query('select catalog.unschedule_refresh() as job')
  assert.deepEqual(
    ended.rows.map(({ job }) => job),
    ['shelfsync-refresh', 'shelfsync-refresh-responses'],
  )
  assert.equal((await loadSchedule())?.['scheduled'], false)
  assert.equal((await schedule()).rows[0].token_is_new, false)
})
