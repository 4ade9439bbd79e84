// A supplier that cuts, stalls, refuses or loses state: arrived data is kept, and missing data
// removes no product.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { MedipimFaultInput } from '../../simulators/medipim/faults.ts'
import { prerenderFeed } from '../../simulators/medipim/feed.ts'
import type { MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import type { Connector } from '../../src/core/connector.ts'
import type { Http } from '../../src/core/http.ts'
import { loadRunDetails } from '../../src/db/read/run-summaries.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { countOutcomes, type TestPipeline } from '../support/pipeline.ts'
import { listProducts } from '../support/snapshot.ts'

const { pool: db } = await openTestDatabase()
const STREAM = '/v4/products/stream'

async function statuses(pipeline: TestPipeline): Promise<string[]> {
  return [...(await listProducts(pipeline)).values()].map(({ id, status }) => `${id} ${status}`)
}

test('a feed truncated at any byte removes nothing, and the next complete run corrects the catalogue', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-feed-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'feed.ndjson')
  const cut = join(folder, 'cut.ndjson')
  await prerenderFeed({ products: 12 }, file)
  const feed = await readFile(file)
  const { pipeline, simulator } = await openMedipim(t, { db, supplier: { products: 12 } })
  simulator.setFeed(file)
  await pipeline.sync()
  const before = await statuses(pipeline)
  const secondLine = feed.indexOf(10) + 1
  const lastLine = feed.lastIndexOf(10, feed.length - 2) + 1
  simulator.setFeed(cut)
  for (const bytes of [
    0,
    1,
    40,
    secondLine - 1,
    secondLine,
    secondLine + 20,
    feed.length >> 1,
    lastLine - 1,
    lastLine,
    lastLine + 9,
    feed.length - 3,
  ]) {
    await writeFile(cut, feed.subarray(0, bytes))
    const report = await pipeline.sync()
    assert.equal(report.state, 'held', `cut after ${bytes} bytes`)
    assert.match(report.reason ?? '', /incomplete/)
    assert.deepEqual(await statuses(pipeline), before)
  }
  await writeFile(cut, feed.subarray(0, -1))
  assert.equal(
    (await pipeline.sync()).state,
    'succeeded',
    'without its last line feed the feed is still whole',
  )
  simulator.setFeed(file)
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 12 })
  assert.deepEqual(await statuses(pipeline), before)
})

const ERROR_LINE = '{"error":{"status":500,"code":"internal","message":"Something broke."}}'
/** First in the middle, then before the first line of every following response. */
const lasting = (
  fault: { kind: 'insert-line'; text: string } | { kind: 'cut'; afterBytes: number },
): MedipimFaultInput[] => {
  const middle = fault.kind === 'cut' ? { ...fault, afterLines: 13 } : { ...fault, at: 13 }
  const start = fault.kind === 'cut' ? fault : { ...fault, at: 0 }
  return [
    { ...middle, path: STREAM },
    { ...start, path: STREAM, skip: 1, times: null },
  ]
}

const FAILURES: readonly [
  what: string,
  state: 'held' | 'failed',
  reason: RegExp,
  faults: (simulator: MedipimSimulator) => MedipimFaultInput[],
][] = [
  [
    'a stream that is cut inside a record',
    'held',
    /: The stream of MediPim ended before its first line, inside a line \(/,
    () => lasting({ kind: 'cut', afterBytes: 50 }),
  ],
  [
    'a stream that is cut between two records',
    'held',
    /: The stream of MediPim ended before its first line \(/,
    () => lasting({ kind: 'cut', afterBytes: 0 }),
  ],
  [
    'an error instead of a record',
    'failed',
    /^MediPim ended its stream with an error .*: internal: Something broke\. \(/,
    () => lasting({ kind: 'insert-line', text: ERROR_LINE }),
  ],
  [
    'an empty response',
    'held',
    /: The stream of MediPim ended before its first line \(.*nothing at all/,
    () => [{ kind: 'empty', path: STREAM, times: null }],
  ],
  [
    'a web page instead of a stream',
    'failed',
    /^The stream has 2 lines without meta\.total and meta\.index \(/,
    () => [{ kind: 'status', status: 200, body: '<html>\n</html>\n', path: STREAM, times: null }],
  ],
]

for (const [what, state, reason, faults] of FAILURES) {
  test(`${what} is reported with its place: source, run, part, line and byte`, async (t) => {
    const { pipeline, simulator } = await openMedipim(t, { db })
    simulator.faults.set(...faults(simulator))
    const report = await pipeline.sync()
    assert.equal(report.state, state)
    assert.match(report.reason ?? '', reason)
    const [, source, run, part, lineNo, byte] =
      /\((\S+), run (\d+), part (\d+), line (\d+), byte (\d+)\)/.exec(report.reason ?? '') ?? []
    assert.deepEqual([source, Number(run)], [pipeline.name, report.run])
    const parts = await pipeline.query<{ lines: number; bytes: number }>(
      'select line_count as lines, raw_bytes as bytes from catalog.parts where run_id = $1 and no = $2',
      run,
      part,
    )
    assert.deepEqual(
      parts[0] ?? { lines: 0, bytes: 0 },
      { lines: Number(lineNo) - 1, bytes: Number(byte) },
      'it is where the archive ends',
    )
    const shown = await loadRunDetails(db, report.run)
    assert.equal(shown.reason, report.reason)
    if (state === 'held')
      assert.ok(report.reason?.includes(shown.artifact?.warnings.at(-1) ?? 'no warning'))
  })
}

test('the reason of an incomplete fetch is reported, however many warnings there are', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const chatty: Connector = {
    ...pipeline.connector,
    fetch(request, signal) {
      for (let n = 0; n < 150; n++) request.warn(`oddity ${n}`)
      return pipeline.connector.fetch(request, signal)
    },
  }
  simulator.faults.set({ kind: 'cut', path: STREAM, times: null })
  const report = await pipeline.sync({ connector: chatty })
  assert.match(report.reason ?? '', /The stream of MediPim ended/)
})

test('a stream that is cut after every few products never causes more than 90 requests a minute', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    supplier: { products: 300 },
    options: { partBytesMax: 2 ** 25, batchRecordsMax: 500, batchBytesMax: 2 ** 22 },
  })
  simulator.faults.set({ kind: 'cut', path: STREAM, afterLines: 4, times: null })
  const askedAtMs: number[] = []
  let nowMs = 0
  const http: Http = (request, signal) => (
    askedAtMs.push(nowMs),
    pipeline.tools.http(request, signal)
  )
  const wait = async (ms: number): Promise<void> => void (nowMs += ms)
  const report = await pipeline.sync({
    tools: { http, options: { ...pipeline.tools.options, wait } },
  })
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.ok(askedAtMs.length > 95, `only ${askedAtMs.length} requests: too few to tell`)
  const busiest = Math.max(
    ...askedAtMs.map((from) => askedAtMs.filter((at) => at >= from && at < from + 60_000).length),
  )
  assert.ok(busiest <= 90, `${busiest} requests in a minute`)
})

test('a request for the list of fields that must wait delays the stream for as long', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  simulator.faults.set({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '40' },
    path: '/v4/products/get-fields',
  })
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  // No time passes in a test, so later requests wait for the rest of the 40 s.
  assert.equal(pipeline.waits.filter((ms) => ms >= 40_000).length, 1, pipeline.waits.join())
  assert.deepEqual(simulator.stats.snapshot().requests, {
    '/v4/products/get-fields': 2,
    [STREAM]: 1,
  })
})

test('a stream that is cut repeatedly is read to its end by resuming', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  simulator.faults.set({ kind: 'cut', path: STREAM, afterLines: 9, afterBytes: 100, times: null })
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.equal((await listProducts(pipeline)).size, 30)
  assert.ok(pipeline.waits.length >= 3, 'it waited before each new attempt')
})

test('a cut in an unordered stream starts again, and repeated records are not written twice', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  simulator.faults.set(
    { kind: 'unsorted', path: STREAM, times: null },
    { kind: 'reset', path: STREAM, afterLines: 20 },
  )
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.equal(report.ledger.created, 30)
  assert.ok(report.ledger.fetched >= 45)
})

test('an empty response never succeeds, and a feed without products removes nothing', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  await pipeline.sync()
  const before = await statuses(pipeline)
  simulator.faults.set({ kind: 'empty', path: STREAM, times: null })
  for (let night = 0; night < 3; night++) {
    const report = await pipeline.sync()
    assert.equal(report.state, 'held')
    assert.match(report.reason ?? '', /nothing proves that this is all.*nothing at all/)
  }
  simulator.faults.clear()
  assert.deepEqual(await statuses(pipeline), before)
})

test('a 204 response succeeds for an incremental run and is held for a full one', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  await pipeline.sync()
  const before = await statuses(pipeline)
  simulator.faults.set({ kind: 'status', status: 204, body: '', path: STREAM, times: null })
  const incremental = await pipeline.sync({ mode: 'incremental' })
  assert.deepEqual(
    [incremental.state, incremental.kind, incremental.ledger.fetched],
    ['succeeded', 'incremental', 0],
  )
  const full = await pipeline.sync()
  assert.equal(full.state, 'held')
  assert.match(full.reason ?? '', /nothing at all/)
  assert.deepEqual(await statuses(pipeline), before)
})

test('a source that may be empty succeeds with nothing, but its products stay until a person approves', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, policy: { allowEmpty: true } })
  simulator.faults.set({ kind: 'status', status: 204, body: '', path: STREAM, times: null })
  assert.equal((await pipeline.sync()).state, 'succeeded')
  simulator.faults.clear()
  await pipeline.sync()
  const before = await statuses(pipeline)
  simulator.faults.set({ kind: 'status', status: 204, body: '', path: STREAM, times: null })
  for (let night = 0; night < 3; night++) assert.equal((await pipeline.sync()).state, 'held')
  assert.deepEqual(await statuses(pipeline), before)
})

test('a shrunken but well-formed feed is held', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  await pipeline.sync()
  const before = await statuses(pipeline)
  simulator.catalogue.remove(
    simulator.catalogue
      .visible()
      .slice(0, 20)
      .map((state) => simulator.catalogue.idOf(state)),
  )
  for (let night = 0; night < 3; night++) {
    const report = await pipeline.sync()
    assert.equal(report.state, 'held')
    assert.match(report.reason ?? '', /20 of 30 products are missing \(more than 15/)
  }
  assert.deepEqual(await statuses(pipeline), before)
  simulator.catalogue.restore('all')
  assert.equal((await pipeline.sync()).state, 'succeeded')
})

test('an unavailable supplier is requested again after the stated time, then the run waits for the next sync', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  simulator.faults.set({
    kind: 'status',
    status: 503,
    headers: { 'retry-after': '7' },
    path: STREAM,
    times: null,
  })
  const report = await pipeline.sync()
  assert.equal(report.state, 'failed')
  assert.match(report.reason ?? '', /503/)
  assert.equal(simulator.stats.snapshot().requests[STREAM], 3)
  assert.equal(pipeline.waits.filter((ms) => ms >= 7000).length, 2, pipeline.waits.join())
  simulator.faults.clear()
  const healed = await pipeline.sync({ mode: 'auto' })
  assert.deepEqual([healed.state, healed.resumed, healed.ledger.created], ['succeeded', true, 30])
})

test("an error in the middle of the stream is the supplier's, not a record", async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const text = '{"error":{"status":500,"code":"internal","message":"Something broke."}}'
  simulator.faults.set({ kind: 'insert-line', at: 12, text, path: STREAM, times: 1 })
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.equal(report.ledger.created, 30)
  assert.equal(report.ledger.quarantined, 0)
})

test('a wrong key stops the run at once and states the reason', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  simulator.setKey({ id: '42', secret: 'another' })
  const report = await pipeline.sync()
  assert.equal(report.state, 'failed')
  assert.match(report.reason ?? '', /401/)
  assert.equal(pipeline.waits.length, 0)
})

test('a changed list of fields is reported, and the run continues', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  simulator.fields.add('phaseOfTheMoon')
  const { run, state } = await pipeline.sync()
  assert.equal(state, 'succeeded')
  const [artifact] = await pipeline.query<{ warnings: string[] }>(
    'select warnings from catalog.artifacts where run_id = $1',
    run,
  )
  assert.match(artifact?.warnings.join() ?? '', /phaseOfTheMoon/)
})

test('a cancelled sync keeps the arrived data and resumes there', async (t) => {
  const { pipeline } = await openMedipim(t, { db })
  const cancelled = new AbortController()
  const store = {
    ...pipeline.tools.store,
    describe: () => '',
    get: pipeline.tools.store.get.bind(pipeline.tools.store),
    list: pipeline.tools.store.list.bind(pipeline.tools.store),
    put: async (key: string, bytes: Uint8Array) => (
      await pipeline.tools.store.put(key, bytes),
      cancelled.abort()
    ),
  }
  const stopped = await pipeline.sync({
    signal: cancelled.signal,
    tools: { store: { ...pipeline.tools.store, ...store } },
  })
  assert.equal(stopped.state, 'failed')
  assert.match(stopped.reason ?? '', /cancelled/)
  const resumed = await pipeline.sync({ mode: 'auto' })
  assert.deepEqual([resumed.state, resumed.resumed], ['succeeded', true])
  assert.equal((await listProducts(pipeline)).size, 30)
})

test('an invalid count or watermark is ignored, and the products are written', async (t) => {
  for (const number of [Number.NaN, Infinity, -1, 0.5, 1e300, 8.64e18]) {
    const { pipeline } = await openMedipim(t, { db, supplier: { products: 5 } })
    const fetch: Connector['fetch'] = async function* (request, signal) {
      for await (const page of pipeline.connector.fetch(request, signal))
        yield { ...page, expected: number, watermarkMs: number }
    }
    const report = await pipeline.sync({ connector: { ...pipeline.connector, fetch } })
    assert.deepEqual(
      [report.state, report.ledger.created, report.ledger.expected],
      ['succeeded', 5, null],
      `${number}: ${report.reason}`,
    )
    const { watermarkAt } = await pipeline.source()
    assert.ok(watermarkAt === null || watermarkAt.getTime() <= 1)
  }
})
