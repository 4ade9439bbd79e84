// An outage of Amazon: the failures that open its circuit breaker, and the runs that meet it.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AmazonFaultInput } from '../../../simulators/amazon/faults.ts'
import { toAsin } from '../../../simulators/amazon/product.ts'
import { DEFAULTS, type AmazonSwitches } from '../../../simulators/amazon/switches.ts'
import { openAmazonPipeline, type AmazonPipeline } from '../../../test/support/amazon-pipeline.ts'
import { GET_ITEMS } from '../../../test/support/amazon.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { openServices } from '../../../test/support/services.ts'
import { countOutcomes } from '../../../test/support/pipeline.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import { listLimits } from '../../db/read/limits.ts'
import { loadArtifact } from '../../db/read/artifacts.ts'
import { createAmazon } from './connector.ts'
import { AmazonSettings } from './settings.ts'

const database = await openTestDatabase()
const { pool: db } = database
const KEYS = Array.from({ length: 20 }, (_, at) => toAsin(at))
const MANY_KEYS = Array.from({ length: 40 }, (_, at) => toAsin(at))
const OUTAGE: AmazonFaultInput = { kind: 'status', status: 500, path: '/getItems*', times: null }

interface Opened extends AmazonPipeline {
  /** Requests for items so far. */
  count(): number
}

async function open(t: TestContext): Promise<Opened> {
  const { simulator, pipeline } = await openAmazonPipeline(t, {
    db,
    settings: { requestsPerSecond: 1 },
    options: { attemptsMax: 8 },
  })
  const count = (): number => simulator.stats.snapshot().requests[GET_ITEMS] ?? 0
  return { simulator, pipeline, count }
}

async function findBreaker({ simulator }: Opened, suffix = '/NA') {
  const key = new URL(simulator.url).host + suffix
  return (await listLimits(db)).find((one) => one.scope === 'amazon' && one.key === key)
}

/** The cooldown has passed. */
async function endCooldown({ simulator }: Opened): Promise<void> {
  const { rowCount } = await db.query(
    `update catalog.circuit_breakers set retry_at = clock_timestamp() where key = $1`,
    [`${new URL(simulator.url).host}/NA`],
  )
  assert.equal(rowCount, 1)
}

async function countJobs({ pipeline }: Opened, run: number): Promise<Record<string, number>> {
  const rows = await pipeline.query<{ status: string; count: string }>(
    'select status, count(*) from catalog.refresh_jobs where run_id = $1 group by status',
    run,
  )
  return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]))
}

interface Line {
  readonly message: string
  readonly level: string
  readonly time: string
  readonly run?: number
  readonly until?: string
  readonly [fact: string]: unknown
}

const listLines = ({ pipeline }: Opened): Line[] => pipeline.logged.map((line) => JSON.parse(line))

test('while the breaker is open, a refresh fails at once, sends nothing, and its products are skipped', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline, count } = opened
  await pipeline.syncKeys(KEYS)
  simulator.faults.set(OUTAGE)
  const before = count()
  const first = await pipeline.syncKeys(KEYS)
  assert.deepEqual([first.state, Object(first.error).code], ['failed', 'source/circuit-open'])
  assert.equal(count() - before, 5)
  const waits = pipeline.waits.length
  const second = await pipeline.syncKeys(KEYS)
  assert.equal(pipeline.waits.length, waits)
  const [run] = await pipeline.query<object>(
    'select state, error_code from catalog.runs where id = $1',
    second.run,
  )
  assert.deepEqual(run, { state: 'failed', error_code: 'source/circuit-open' })
  assert.match(
    String(second.reason),
    /\/NA has failed 5 times and gets no request for the next \d+ s/,
  )
  assert.equal(count() - before, 5)
  assert.deepEqual(await countJobs(opened, second.run), { skipped: 20 })
  // The stored products stay readable, and the breaker alone paces the requests.
  const [stored] = await pipeline.query<{ products: string; failures: number }>(
    `select count(*) as products, max(s.failures) as failures
     from catalog.products p join catalog.sources s on s.id = p.source_id
     where s.name = $1 and p.title is not null`,
    pipeline.name,
  )
  assert.deepEqual([Number(stored?.products), stored?.failures], [20, 0])
})

test('a worker of the queue ends such a refresh for good, without another attempt or a dead letter', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline, count } = opened
  await pipeline.syncKeys(KEYS)
  simulator.faults.set(OUTAGE)
  await pipeline.syncKeys(KEYS)
  const before = count()
  const services = await openServices(t, database, pipeline)
  services.startWorkers()
  const { run } = await services.requestRun({ source: pipeline.name, keys: KEYS.slice(0, 10) })
  assert.equal((await services.waitForEnd(run)).state, 'failed')
  assert.deepEqual(await countJobs(opened, run), { skipped: 10 })
  assert.equal(count(), before)
  // The run ends first, its job a moment later.
  const countTasks = () => services.queues.fetch.getJobCounts('active', 'failed', 'delayed')
  await waitUntil(async () => (await countTasks())['active'] === 0)
  assert.partialDeepStrictEqual(await countTasks(), { failed: 0, delayed: 0 })
})

test('an outage in the middle of a refresh settles what had arrived, and the rest is skipped', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline, count } = opened
  await pipeline.syncKeys(MANY_KEYS)
  simulator.update(KEYS[0] ?? '', { title: 'Another title' })
  simulator.faults.set({ ...OUTAGE, skip: 1 })
  const before = count()
  const refresh = await pipeline.syncKeys(MANY_KEYS)
  assert.deepEqual(
    [refresh.state, countOutcomes(refresh)],
    ['succeeded', { updated: 1, unchanged: 9 }],
  )
  // Four attempts at the second batch, and one at the third.
  assert.equal(count() - before, 6)
  assert.deepEqual(await countJobs(opened, refresh.run), { success: 10, failed: 10, skipped: 20 })
  const { warnings } = await loadArtifact(db, refresh.run)
  assert.match(warnings.join('\n'), /has failed 5 times: no request is sent to it/)
  const [row] = await pipeline.query<object>(
    'select error_code, requests, failed_requests from catalog.artifacts where run_id = $1',
    refresh.run,
  )
  assert.deepEqual(row, { error_code: 'source/circuit-open', requests: 6, failed_requests: 5 })
  assert.partialDeepStrictEqual(
    listLines(opened).find(({ run, message }) => run === refresh.run && message === 'run settled'),
    { recordSuccessRate: 1, requests: 6, failedRequests: 5, requestSuccessRate: 0.1667 },
  )
})

test('each transition is logged once, with the number of failures, the time and the run, and the run has it', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline } = opened
  simulator.faults.set(OUTAGE)
  const failed = await pipeline.syncKeys(KEYS)
  await endCooldown(opened)
  const again = await pipeline.syncKeys(KEYS)
  await endCooldown(opened)
  simulator.faults.clear()
  const green = await pipeline.syncKeys(KEYS)
  assert.equal(green.state, 'succeeded')
  const transitions = listLines(opened).filter(({ breaker }) => breaker !== undefined)
  assert.deepEqual(
    transitions.map(({ level, run, state, failures }) => [level, run, state, failures]),
    [
      ['warn', failed.run, 'open', 5],
      ['info', again.run, 'half-open', 5],
      ['warn', again.run, 'open', 6],
      ['info', green.run, 'half-open', 6],
      ['warn', green.run, 'closed', 6],
    ],
  )
  const minutes = transitions.map(({ time, until }) =>
    until === undefined ? null : Math.round((Date.parse(until) - Date.parse(time)) / 60_000),
  )
  assert.deepEqual(minutes, [5, 3, 10, 3, null])
  const { warnings } = await loadArtifact(db, green.run)
  assert.match(warnings.join(), /responds again after 6 failures/)
})

test('refusals, limits and partial failures never count as an outage', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline } = opened
  const cases: readonly (AmazonSwitches | AmazonFaultInput)[] = [
    { isEligible: false },
    { isRetired: true },
    { tags: [] },
    { marketplaces: [] },
    { refused: Object.fromEntries(KEYS.map((asin) => [asin, 'ItemNotAccessible'])) },
    { omitted: KEYS.slice(0, 5) },
    { kind: 'status', status: 429, path: '/getItems*', times: null },
    { kind: 'status', status: 401, path: '/getItems*', times: null },
    { kind: 'status', status: 404, path: '/getItems*', times: null },
  ]
  for (const one of cases) {
    if ('kind' in one) simulator.faults.set(one)
    else simulator.set(one)
    for (let run = 0; run < 3; run++) await pipeline.syncKeys(KEYS.slice(0, 2))
    simulator.faults.clear()
    simulator.set({ ...DEFAULTS, isShuffled: true })
    assert.deepEqual(
      (await findBreaker(opened))?.failures ?? 0,
      0,
      `${JSON.stringify(one)} counts as an outage`,
    )
  }
})

test('a response that breaks off counts as a failure, also that of the test', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline, count } = opened
  await pipeline.syncKeys(KEYS)
  const before = count()
  simulator.faults.set({ kind: 'reset', afterBytes: 200, path: '/getItems*', times: null })
  await pipeline.syncKeys(KEYS)
  assert.partialDeepStrictEqual(await findBreaker(opened), { state: 'open', failures: 5 })
  assert.equal(count() - before, 5)
  await endCooldown(opened)
  await pipeline.syncKeys(KEYS)
  assert.partialDeepStrictEqual(await findBreaker(opened), { state: 'open', failures: 6 })
  assert.equal(count() - before, 6)
})

test('an outage of one region group leaves the others alone, and one of the tokens is another one', () => {
  const { rules } = createAmazon()
  const keyOf = (marketplace: string, url: string): string =>
    rules?.({
      url: new URL(url),
      settings: AmazonSettings.parse({ marketplace }),
      credentials: null,
    }).breaker?.key ?? ''
  const api = 'https://creatorsapi.amazon/catalog/v1/getItems'
  assert.deepEqual(
    ['www.amazon.com', 'www.amazon.ca', 'www.amazon.de', 'www.amazon.co.jp'].map((code) =>
      keyOf(code, api),
    ),
    ['NA', 'NA', 'EU', 'FE'].map((group) => `creatorsapi.amazon/${group}`),
  )
  assert.equal(
    keyOf('www.amazon.de', 'https://api.amazon.co.uk/auth/o2/token'),
    'api.amazon.co.uk/token/EU',
  )
})
