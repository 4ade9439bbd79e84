// One correlation id, from the header of a request to the rows: the log of the orchestrator, the run, the log
// of the worker with every request to Amazon, the changes, and the refreshes.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { toAsin } from '../../simulators/amazon/product.ts'
import { addSource } from '../../src/db/sources.ts'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { CREDENTIAL_VARIABLES, openAmazon, settingsOf } from '../support/amazon.ts'
import { openTestDatabase } from '../support/database.ts'
import { cleanEnv, FREE_PORTS, startProcess, type Process } from '../support/processes.ts'
import { waitUntil } from '../support/wait-until.ts'

const program = fileURLToPath(new URL('../../bin/shelfsync', import.meta.url))
const ADMIN_KEY = 'a-key-for-tests-only-0123456789'
const KEYS = Array.from({ length: 12 }, (_, at) => toAsin(at))

type Line = Readonly<Record<string, unknown>>

/** The lines of the log with this correlation id. */
function linesOf(process: Process, cid: string): Line[] {
  return process
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line['cid'] === cid)
}

/** A source of Amazon, an orchestrator, and a worker in another process. */
async function openServices(t: TestContext) {
  const database = await openTestDatabase(t)
  await migrateQueue(database.pool)
  const simulator = await openAmazon(t)
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-correlation-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const settings = { ...settingsOf(simulator), requestsPerSecond: 10 }
  const schedule = { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' } as const
  await addSource(database.pool, { name: 'amazon', connector: 'amazon', settings, schedule })
  const env = cleanEnv({
    DATABASE_URL: database.url,
    SHELFSYNC_HOME: home,
    ADMIN_KEY,
    ...CREDENTIAL_VARIABLES,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
  })
  const orchestrator = await startProcess(t, program, ['serve', 'orchestrator', '--json'], { env })
  const roles = ['serve', 'fetcher', 'maintainer', '--json']
  const worker = await startProcess(t, program, roles, { env })
  const [line] = await orchestrator.waitForLine(/^\{"serving".*$/)
  const { servers } = JSON.parse(line) as { servers: { name: string; port: number }[] }
  const port = servers.find(({ name }) => name === 'orchestrator')?.port
  const post = async (path: string, cid: string, body: object): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: {
        'X-ADMIN-KEY': ADMIN_KEY,
        'X-Correlation-Id': cid,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    })
  const query = async <Row>(sql: string, ...values: readonly unknown[]): Promise<Row[]> =>
    (await database.pool.query(sql, [...values])).rows as Row[]
  const findRun = async (cid: string): Promise<number> => {
    const sql = 'select id, state from catalog.runs where correlation_id = $1'
    let run = 0
    await waitUntil(async () => {
      const [row] = await query<{ id: number; state: string }>(sql, cid)
      run = Number(row?.id)
      return row?.state === 'succeeded'
    })
    return run
  }
  return { orchestrator, worker, post, query, findRun }
}

test('a correlation id leads from the HTTP request through the logs of all processes to the rows', async (t) => {
  const { orchestrator, worker, post, query, findRun } = await openServices(t)
  const imported = await post('/import', 'order-1', { source: 'amazon', items: KEYS })
  assert.deepEqual([imported.status, imported.headers.get('x-correlation-id')], [202, 'order-1'])
  const run = await findRun('order-1')
  await worker.waitForLine(/"cid":"order-1".*run settled/)

  assert.deepEqual(
    linesOf(orchestrator, 'order-1').map(({ message, route }) => [message, route]),
    [
      ['import requested', undefined],
      ['request', '/import'],
    ],
  )
  const lines = linesOf(worker, 'order-1')
  for (const { run: logged, source } of lines)
    assert.deepEqual([logged, source], [run, 'amazon'], 'a line of another run')
  const requests = lines.filter(({ message }) => message === 'supplier request')
  assert.deepEqual(
    requests.map(({ level, operation, items, status, attempt }) => [
      level,
      operation,
      items,
      status,
      attempt,
    ]),
    [
      ['info', 'token', undefined, 200, 1],
      ['info', 'getItems', 10, 200, 1],
      ['info', 'getItems', 2, 200, 1],
    ],
  )
  for (const { responseMs } of requests) assert.ok(Number.isInteger(responseMs))
  const last = lines.at(-1)
  assert.partialDeepStrictEqual(last, {
    message: 'run settled',
    recordSuccessRate: 1,
    requests: 3,
    failedRequests: 0,
    requestSuccessRate: 1,
  })
  const changes = await query<object>(
    'select from catalog.changes c join catalog.runs r on r.id = c.run_id where r.correlation_id = $1',
    'order-1',
  )
  assert.equal(changes.length, 12)

  const refreshed = await post('/sync', 'order-2', { source: 'amazon', keys: KEYS })
  assert.equal(refreshed.status, 202)
  await findRun('order-2')
  const jobs = await query<{ status: string }>(
    `select j.status from catalog.refresh_jobs j join catalog.runs r on r.id = j.run_id
     where r.correlation_id = $1`,
    'order-2',
  )
  assert.deepEqual(
    jobs.map(({ status }) => status),
    KEYS.map(() => 'success'),
  )
})
