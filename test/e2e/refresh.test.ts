// Refreshes of due products, on the simulated Creators API.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { RESPONSES } from '../../simulators/amazon/faults.ts'
import { toAsin } from '../../simulators/amazon/product.ts'
import { listSourceSummaries, surveySources } from '../../src/db/read/source-summaries.ts'
import { listRefreshKeys, saveSource } from '../../src/db/sources.ts'
import { markHot, measureFreshness } from '../../src/db/write/refreshes.ts'
import type { RunReport } from '../../src/pipeline/run-in-process.ts'
import { Calendar } from '../../src/sources/due.ts'
import { limitRefresh } from '../../src/sources/limit-refresh.ts'
import { openAmazonPipeline, type AmazonPipeline } from '../support/amazon-pipeline.ts'
import { GET_ITEMS } from '../support/amazon.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes } from '../support/pipeline.ts'

const { pool: db } = await openTestDatabase()
const KEYS = Array.from({ length: 25 }, (_, at) => toAsin(at))
const [FIRST = ''] = KEYS

interface Opened extends AmazonPipeline {
  readonly id: number
}

/** A source with 25 imported items. */
async function open(t: TestContext): Promise<Opened> {
  const { simulator, pipeline } = await openAmazonPipeline(t, {
    db,
    options: { partBytesMax: 1024 * 1024, batchRecordsMax: 100 },
  })
  const imported = await pipeline.syncKeys(KEYS)
  assert.deepEqual(countOutcomes(imported), { created: 25 })
  simulator.stats.reset()
  return { simulator, pipeline, id: (await pipeline.source()).id }
}

/** Moves the last read of these products, or of all, into the past. */
async function age({ pipeline, id }: Opened, hours: number, keys = KEYS): Promise<void> {
  await pipeline.query(
    `update catalog.product_reads set read_at = read_at - make_interval(hours => $3),
       due_at = read_at - make_interval(hours => $3) + interval '20 hours'
     where source_id = $1 and external_id = any ($2)`,
    id,
    keys,
    hours,
  )
}

async function listDue({ pipeline, id }: Opened): Promise<string[]> {
  const { schedule } = await pipeline.source()
  assert.ok(schedule.refresh)
  const atMost = await limitRefresh(db, new Calendar(), { id, schedule }, new Date())
  return listRefreshKeys(db, id, { ...schedule.refresh, atMost }, '')
}

/** Refreshes what is due, as the scheduler does. */
async function refresh(opened: Opened): Promise<RunReport> {
  return opened.pipeline.syncKeys(await listDue(opened))
}

interface Job {
  readonly product: string
  readonly status: string
  readonly retries: number
  readonly code: string | null
  readonly message: string | null
  readonly breaker: string | null
  readonly timed: boolean
}

function listJobs({ pipeline }: Opened, run: number): Promise<Job[]> {
  return pipeline.query<Job>(
    `select product_external_id as product, status, retry_count as retries, error_code as code,
       error_message as message, circuit_breaker_state as breaker,
       scheduled_at <= started_at and started_at <= completed_at as timed
     from api.refresh_jobs where source = $1 and run = $2 order by product_external_id`,
    pipeline.name,
    run,
  )
}

/** `{ 'success 0': 25 }`: the jobs of a run by their status and number of retries. */
async function countJobs(opened: Opened, run: number): Promise<Record<string, number>> {
  const jobs = await listJobs(opened, run)
  const groups = Object.groupBy(jobs, ({ status, retries }) => `${status} ${retries}`)
  return Object.fromEntries(Object.entries(groups).map(([name, list]) => [name, list?.length ?? 0]))
}

async function findItem({ pipeline, id }: Opened, asin: string) {
  const [row] = await pipeline.query<{
    status: string
    availableAt: Date | null
    amount: string | null
    availability: string | null
  }>(
    `select p.status, p.last_available_at as "availableAt", r.amount_minor as amount, v.availability
     from catalog.products p
     left join catalog.prices r on r.source_id = p.source_id
       and r.product_external_id = p.external_id and r.state = 'current'
     left join catalog.variants v on v.source_id = p.source_id
       and v.product_external_id = p.external_id and v.removed_at is null
     where p.source_id = $1 and p.external_id = $2`,
    id,
    asin,
  )
  assert.ok(row)
  return row
}

test('a refresh updates price and availability, and records each product with its run', async (t) => {
  const opened = await open(t)
  const { simulator } = opened
  assert.deepEqual(await listDue(opened), [], 'nothing is due after an import')
  await age(opened, 21)
  simulator.update(FIRST, { priceMinor: 1_650 })
  const run = await refresh(opened)
  assert.deepEqual([run.kind, run.state], ['refresh', 'succeeded'])
  assert.deepEqual(countOutcomes(run), { updated: 1, unchanged: 24 })
  const item = await findItem(opened, FIRST)
  assert.deepEqual([item.status, Number(item.amount)], ['active', 1_650])
  assert.deepEqual(await countJobs(opened, run.run), { 'success 0': 25 })
  const [job] = await listJobs(opened, run.run)
  assert.deepEqual([job?.code, job?.breaker, job?.timed], [null, 'closed', true])
  assert.deepEqual(await listDue(opened), [], 'every product is due 20 hours later')
})

test('a refresh with a changed price records the old and the new one where history is allowed', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline, id } = opened
  await pipeline.query(
    `update catalog.sources set policy = policy || '{"keepPriceHistory": true}' where id = $1`,
    id,
  )
  const before = Number((await findItem(opened, FIRST)).amount)
  simulator.update(FIRST, { priceMinor: before + 100 })
  await age(opened, 21)
  await refresh(opened)
  const prices = await pipeline.query<{ amount: string; isCurrent: boolean }>(
    `select amount_minor as amount, is_current as "isCurrent" from api.price_history
     where source = $1 and product_external_id = $2 order by observed_at`,
    pipeline.name,
    FIRST,
  )
  assert.deepEqual(
    prices.map(({ amount, isCurrent }) => [Number(amount), isCurrent]),
    [
      [before, false],
      [before + 100, true],
    ],
  )
})

test('an unavailable product keeps the time at which it was available last, and is active when it returns', async (t) => {
  const opened = await open(t)
  const { simulator } = opened
  simulator.set({ refused: { [FIRST]: 'ItemNotAccessible' } })
  await age(opened, 21)
  const gone = await refresh(opened)
  assert.deepEqual(await countJobs(opened, gone.run), { 'success 0': 25 })
  const unavailable = await findItem(opened, FIRST)
  assert.deepEqual([unavailable.status, unavailable.amount], ['unavailable', null])
  assert.ok(unavailable.availableAt)
  simulator.set({ refused: {} })
  await age(opened, 21)
  assert.ok((await listDue(opened)).includes(FIRST), 'it is still refreshed')
  await refresh(opened)
  const returned = await findItem(opened, FIRST)
  assert.deepEqual([returned.status, returned.availableAt], ['active', null])
})

test('a failed request is retried after 1, 2 and 4 seconds, and its batch succeeds', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline } = opened
  simulator.faults.set({ ...RESPONSES.broken, path: '/getItems*', times: 3 })
  await age(opened, 21)
  const waited = pipeline.waits.length
  const run = await refresh(opened)
  assert.equal(run.state, 'succeeded')
  const waits = pipeline.waits.slice(waited).filter((ms) => ms >= 1_000)
  assert.equal(waits.length, 3)
  for (const [index, leastMs] of [1_000, 2_000, 4_000].entries()) {
    const ms = waits[index] ?? 0
    assert.ok(ms >= leastMs && ms <= leastMs * 1.25, `the wait ${index + 1} is ${ms} ms`)
  }
  assert.deepEqual(await countJobs(opened, run.run), { 'success 0': 15, 'success 2': 10 })
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], 6)
})

test('an outage that ends within a refresh has one warning when it begins and one when it is over', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline } = opened
  const { host } = new URL(simulator.url)
  simulator.faults.set({ ...RESPONSES.broken, path: '/getItems*', times: 3 })
  await age(opened, 21)
  assert.equal((await refresh(opened)).state, 'succeeded')
  const lines = pipeline.logged.filter((line) => line.includes(`"outage":"${host}"`))
  const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn')
  assert.equal(warnings.length, 2, lines.join('\n'))
  assert.match(warnings[0].message, /does not respond/)
  assert.match(warnings[1].message, /responds again after/)
})

test('Retry-After is the least wait, and a quota that is used up skips what is left', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline } = opened
  const headers = { 'retry-after': '30' }
  simulator.faults.set({ ...RESPONSES.throttled, headers, path: '/getItems*', times: 1 })
  await age(opened, 21)
  const waited = pipeline.waits.length
  await refresh(opened)
  assert.ok(Math.max(...pipeline.waits.slice(waited)) >= 30_000)
  await age(opened, 21)
  // As for the quota of the day, whose wait depends on the time of this test.
  const untilTomorrow = { headers: { 'retry-after': '3600' } }
  simulator.faults.set({
    ...RESPONSES.throttled,
    ...untilTomorrow,
    path: '/getItems*',
    skip: 1,
    times: 1,
  })
  await pipeline.query('select catalog.reset_limit(scope, key) from catalog.limits')
  const run = await refresh(opened)
  assert.equal(run.state, 'succeeded')
  assert.deepEqual(await countJobs(opened, run.run), { 'success 0': 10, 'skipped 0': 15 })
  const skipped = (await listJobs(opened, run.run)).filter(({ status }) => status === 'skipped')
  assert.deepEqual([...new Set(skipped.map(({ code }) => code))], ['source/rate-limited'])
  const products = skipped.map(({ product }) => product)
  assert.deepEqual((await listDue(opened)).toSorted(), products.toSorted())
  await pipeline.query('select catalog.reset_limit(scope, key) from catalog.limits')
})

test('a batch that fails does not stop the others, and its products are the first of the next run', async (t) => {
  const opened = await open(t)
  const { simulator } = opened
  await age(opened, 21)
  const [oldest = ''] = await listDue(opened)
  const keys = (await listDue(opened)).toSorted()
  const path = `/getItems?first=${keys[10]}`
  // Four attempts, and one at the end.
  simulator.faults.set({ ...RESPONSES.broken, path, times: 5 })
  const run = await refresh(opened)
  assert.equal(run.state, 'succeeded', run.reason ?? '')
  assert.deepEqual(await countJobs(opened, run.run), { 'success 0': 15, 'failed 4': 10 })
  const failed = (await listJobs(opened, run.run)).find(({ status }) => status === 'failed')
  assert.equal(failed?.code, 'source/unavailable')
  assert.match(failed.message ?? '', /responds 500 \(InternalServerException\)/)
  assert.ok(!(await listDue(opened)).includes(oldest))
  assert.deepEqual((await listDue(opened)).toSorted(), keys.slice(10, 20))
  await opened.pipeline.query(
    'select catalog.reset_limit(scope, key) from catalog.circuit_breakers',
  )
  assert.deepEqual(await countJobs(opened, (await refresh(opened)).run), { 'success 0': 10 })
})

test('an open circuit breaker skips the refresh, and the reason is logged', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline } = opened
  simulator.faults.set({ ...RESPONSES.broken, path: '/getItems*', times: null })
  await age(opened, 21)
  const opening = await refresh(opened)
  assert.equal(Object(opening.error).code, 'source/circuit-open')
  assert.deepEqual(await countJobs(opened, opening.run), {
    'failed 3': 10,
    'skipped 0': 5,
    'skipped 1': 10,
  })
  const sent = simulator.stats.snapshot().requests[GET_ITEMS]
  const due = await listDue(opened)
  const run = await pipeline.syncKeys(due.slice(0, 20))
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], sent, 'no request is sent')
  assert.deepEqual(await countJobs(opened, run.run), { 'skipped 0': 20 })
  const [job] = await listJobs(opened, run.run)
  assert.deepEqual([job?.code, job?.breaker], ['source/circuit-open', 'open'])
  const line = pipeline.logged.find((one) => one.includes('20') && one.includes('skipped'))
  assert.match(line ?? '', /source\/circuit-open/)
  assert.deepEqual((await listDue(opened)).toSorted(), due.toSorted(), 'they stay due')
})

test('failures with successes between them do not open the circuit breaker', async (t) => {
  const opened = await open(t)
  const { simulator, pipeline } = opened
  for (let round = 0; round < 3; round++) {
    simulator.faults.set({ ...RESPONSES.broken, path: '/getItems*', times: 3 })
    await age(opened, 21)
    assert.deepEqual(await countJobs(opened, (await refresh(opened)).run), {
      'success 0': 15,
      'success 2': 10,
    })
  }
  const breakers = await pipeline.query(
    'select from catalog.list_breakers() where key = $1',
    new URL(simulator.url).host,
  )
  assert.deepEqual(breakers, [])
})

test('products that were imported together are due at different times of the first 20 hours', async (t) => {
  const { pipeline, id } = await open(t)
  const rows = await pipeline.query<{ hours: number }>(
    `select extract(epoch from due_at - read_at)::float / 3600 as hours
     from catalog.product_reads where source_id = $1 order by 1`,
    id,
  )
  const hours = rows.map((row) => row.hours)
  assert.ok((hours[0] ?? 0) >= 1 && (hours.at(-1) ?? 21) <= 20)
  for (const [from, to] of [
    [1, 7],
    [7, 13],
    [13, 20],
  ] as const) {
    const count = hours.filter((one) => one >= from && one < to).length
    assert.ok(count >= 3, `${count} of 25 products are due between ${from} and ${to} hours`)
  }
})

test('hot products are due each hour, and products of sources without such refreshes have no time', async (t) => {
  const opened = await open(t)
  const { pipeline, id } = opened
  assert.deepEqual(await markHot(db, id, [FIRST, 'B0UNKNOWN1'], true), [FIRST])
  await pipeline.query(
    `update catalog.product_reads set read_at = now() - interval '1 hour' where source_id = $1`,
    id,
  )
  await markHot(db, id, [FIRST], true)
  assert.ok((await listDue(opened)).includes(FIRST))
  await refresh(opened)
  const [hot] = await pipeline.query<{ minutes: number }>(
    `select extract(epoch from due_at - read_at)::float / 60 as minutes
     from catalog.product_reads where source_id = $1 and external_id = $2`,
    id,
    FIRST,
  )
  assert.equal(hot?.minutes, 50)
})

test('the quota of the credential decides how many products a run takes, and how many can stay fresh', async (t) => {
  const opened = await open(t)
  const { pipeline, id } = opened
  const source = await pipeline.source()
  await saveSource(db, id, { settings: { ...Object(source.settings), requestsPerDay: 100 } })
  await pipeline.syncKeys(KEYS.slice(0, 10))
  const [used] = await pipeline.query<{ today: number; day: string }>(
    `select l.used as today, l.day::text as day from catalog.limits l join catalog.source_quotas q
       on q.scope = l.scope and l.key = q.key || ' without the reserve' where q.source_id = $1`,
    id,
  )
  const at = (time: string) => `${used?.day}T${time}Z`
  const plan = async (time: string) => {
    const [row] = await pipeline.query<{ products: number }>(
      `select catalog.plan_refresh($1, interval '1 hour', 10000, $2) as products`,
      id,
      at(time),
    )
    return row?.products
  }
  const left = 80 - (used?.today ?? 0)
  assert.equal(await plan('23:30:00'), left * 10, 'the last run of a day takes what is left')
  assert.equal(await plan('04:00:00'), Math.floor(left / 20) * 10)
  const fresh = await measureFreshness(db, pipeline.name, 3_600_000)
  assert.deepEqual([fresh?.products, fresh?.perDay, fresh?.capacity], [25, 80, 600])
  const { schedule } = source
  assert.ok(schedule.refresh)
  const longer = { ...schedule, refresh: { ...schedule.refresh, ageMinutes: 40 * 60 } }
  await saveSource(db, id, { schedule: longer })
  assert.equal((await measureFreshness(db, pipeline.name, 3_600_000))?.capacity, 1_200)
  await saveSource(db, id, { schedule })
  await age(opened, 25, KEYS.slice(0, 2))
  assert.deepEqual((await measureFreshness(db, pipeline.name, 3_600_000))?.late, 2)
})

test('jobs are removed after seven days, and hold no content of the supplier', async (t) => {
  const opened = await open(t)
  const { pipeline, id } = opened
  const first = await pipeline.syncKeys(KEYS)
  await pipeline.query(
    `update catalog.refresh_jobs set created_at = created_at - interval '8 days' where source_id = $1`,
    id,
  )
  const second = await pipeline.syncKeys(KEYS)
  assert.deepEqual(await listJobs(opened, first.run), [])
  assert.equal((await listJobs(opened, second.run)).length, 25)
  const columns = await pipeline.query<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = 'catalog' and table_name = 'refresh_jobs'`,
  )
  assert.ok(columns.every(({ name }) => !/title|price|raw|image/.test(name)))
})

test('the survey of all sources counts them by the run that their summaries show', async (t) => {
  const opened = await open(t)
  await age(opened, 21)
  await refresh(opened)
  const states: Record<string, number> = {}
  for (const { lastRun } of await listSourceSummaries(db)) {
    const state = lastRun?.state ?? 'without a run'
    states[state] = (states[state] ?? 0) + 1
  }
  assert.ok(states['succeeded'])
  assert.deepEqual((await surveySources(db, null)).states, states)
})
