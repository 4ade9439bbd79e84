// Hostile responses through the whole pipeline into a real Postgres: any value in any member of
// many records at once, very long lists, and any value around the records. No response causes an
// internal error, and valid records arrive.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Connector } from '../../src/core/connector.ts'
import { SyncError } from '../../src/core/errors.ts'
import { defaultRules } from '../../src/core/limits.ts'
import type { Db } from '../../src/db/pool.ts'
import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'
import type { RunReport } from '../../src/pipeline/run-in-process.ts'
import { openPipeline, type TestPipeline } from '../support/pipeline.ts'
import { openFuzzProxy, type Change, type FuzzProxy } from './fuzz-proxy.ts'
import { EXTREMES, LARGE, listLike, pathsOf, valueAt, withValue, type Path } from './hostile.ts'
import { valuesOf, type Subject } from './rig.ts'

/** Environment variable that runs these tests in place of the suite. */
export const FUZZ = 'SHELFSYNC_FUZZ'
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 4)
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const DOCUMENTS = 60
/** One of this many records stays unchanged. */
const SOUND = 8
/** Memory limits: per byte of the longest record, and for any run. */
const MEMORY = { perByte: 60, free: 128 * 1024 * 1024 }

let sources = 0

interface Bench {
  readonly subject: Subject
  readonly pipeline: TestPipeline
  readonly proxy: FuzzProxy
  readonly sync: () => Promise<RunReport>
  readonly ids: readonly string[]
  readonly records: ReadonlyMap<string, unknown>
}

/** Declares the tests. `openDatabase` is called in their description. */
export function fuzzConnector(subject: Subject, openDatabase: () => () => Db): void {
  describe(`${subject.connector.name} under hostile responses`, { concurrency: 1 }, () => {
    const db = openDatabase()
    test('any value in any member of a record causes no internal error and affects no other record', (t) =>
      fuzzRecords(t, subject, db()))
    test('very long lists cause no internal error, and memory grows linearly', (t) =>
      fuzzLists(t, subject, db()))
    test('any value around the records and in headers causes no internal error, and the next valid run succeeds', (t) =>
      fuzzDocuments(t, subject, db()))
  })
}

async function openBench(t: TestContext, subject: Subject, db: Db): Promise<Bench> {
  const connector = withoutBreaker(subject.connector)
  const supplier = await subject.start(subject.size)
  t.after(supplier.close)
  const proxy = await openFuzzProxy(connector, supplier.origin, subject.sentMember)
  t.after(proxy.close)
  const settings = JSON.parse(JSON.stringify(subject.settings(proxy.origin)))
  const policy = { quarantineShare: 1, priceShiftShare: 1, removalShare: 1 }
  const name = `fuzz-${process.pid}-${++sources}`
  const pipeline = await openPipeline(t, {
    db,
    connector,
    settings,
    name,
    credentials: valuesOf(subject, name),
    policy,
    options: { ...DEFAULT_OPTIONS, attemptsMax: 1, wait: () => Promise.resolve() },
  })
  const records = new Map<string, unknown>()
  const ids = subject.keys?.(subject.size)
  const sync = () => (ids === undefined ? pipeline.sync() : pipeline.syncKeys(ids))
  const first = await sync()
  assert.notEqual(first.state, 'failed', first.reason ?? '')
  for (const text of (await pipeline.archived(first.run)).split('\n').slice(0, -1)) {
    const record = connector.unwrap(JSON.parse(text))
    records.set(connector.identify(record) ?? '', record)
  }
  return { subject, pipeline, proxy, sync, ids: [...records.keys()], records }
}

/** Many failures in a row must not keep the next request from the supplier. */
function withoutBreaker(connector: Connector): Connector {
  const rules: Connector['rules'] = (request) => ({
    ...(connector.rules?.(request) ?? defaultRules(request.url)),
    breaker: null,
  })
  return { ...connector, rules }
}

async function fuzzRecords(t: TestContext, subject: Subject, db: Db): Promise<void> {
  const bench = await openBench(t, subject, db)
  const { ids, proxy } = bench
  const sound = ids.filter((_, index) => index % SOUND === 0)
  const rounds = spread(
    bench,
    ids.filter((_, index) => index % SOUND !== 0),
  )
  for (const [round, changes] of rounds.entries()) {
    proxy.records = changes
    const report = await bench.sync()
    const tried = [...changes].map(
      ([id, { path, json }]) => `${id}: ${path.join('.')} = ${json.slice(0, 60)}`,
    )
    assert.notEqual(report.state, 'failed', `round ${round}: ${report.reason}\n${tried.join('\n')}`)
    assert.equal(report.ledger.fetched, ids.length)
    await assertThere(bench, sound)
  }
  t.diagnostic(
    `${rounds.reduce((sum, changes) => sum + changes.size, 0)} values in ${rounds.length} runs, seed ${SEED}`,
  )
}

/**
 * Assigns every value and place, in random order, to the record that has the place and the fewest
 * values. Values without such a record are not tested.
 */
function spread({ records }: Bench, ids: readonly string[]): ReadonlyMap<string, Change>[] {
  const rounds = Array.from({ length: ROUNDS }, () => new Map<string, Change>())
  const load = new Map(ids.map((id) => [id, 0]))
  const random = randomFrom(SEED)
  const cases = pathsOf(records.values()).flatMap((path) =>
    [...EXTREMES, ...LARGE].map(([, json]) => ({ path, json, place: random() })),
  )
  for (const { path, json } of cases.sort((a, b) => a.place - b.place)) {
    const having = ids.filter(
      (id) => valueAt(records.get(id), path) !== undefined && (load.get(id) ?? 0) < ROUNDS,
    )
    const id = having.reduce<string | null>(
      (best, one) => (best === null || (load.get(one) ?? 0) < (load.get(best) ?? 0) ? one : best),
      null,
    )
    if (id === null) continue
    rounds[load.get(id) ?? 0]?.set(id, { path, json })
    load.set(id, (load.get(id) ?? 0) + 1)
  }
  return rounds
}

async function fuzzLists(t: TestContext, subject: Subject, db: Db): Promise<void> {
  const bench = await openBench(t, subject, db)
  const { ids, records, proxy } = bench
  const lists = pathsOf(records.values()).filter(
    (path) => !path.includes(0) && ids.some((id) => Array.isArray(valueAt(records.get(id), path))),
  )
  const memoryBefore = process.resourceUsage().maxRSS * 1024
  for (const path of lists) {
    const id =
      ids.find(
        (one) => Array.isArray(valueAt(records.get(one), path)) && ids.indexOf(one) % SOUND !== 0,
      ) ?? ''
    const element: unknown = valueAt(records.get(id), [...path, 0]) ?? {
      id: 1,
      name: 'x',
      url: 'https://x.example/',
    }
    for (const count of [20_000, 100_000]) {
      proxy.records = new Map([[id, { path, json: listLike(element, count) }]])
      const { state, reason } = await bench.sync()
      assert.notEqual(state, 'failed', `${count} elements of ${path.join('.')}: ${reason}`)
      await assertThere(bench, ids.filter((one) => one !== id).slice(0, 50))
    }
  }
  const grownBytes = process.resourceUsage().maxRSS * 1024 - memoryBefore
  assert.ok(
    grownBytes < proxy.longest * MEMORY.perByte + MEMORY.free,
    `${grownBytes} bytes more memory for records of ${proxy.longest}`,
  )
  t.diagnostic(
    `${lists.length} lists; the longest record of ${proxy.longest} bytes took ${Math.round(grownBytes / 1024 ** 2)} MB`,
  )
}

async function fuzzDocuments(t: TestContext, subject: Subject, db: Db): Promise<void> {
  const bench = await openBench(t, subject, db)
  const { proxy, ids } = bench
  const answers = new Map<string, string>()
  proxy.document = ({ asked, text }) => (answers.set(asked, text), null)
  await bench.sync()
  const cases = [...answers].flatMap(([asked, text]) =>
    outerPaths(subject, text).flatMap((path) =>
      [...EXTREMES, ...LARGE].map(([, json]) => ({ asked, path, json })),
    ),
  )
  const random = randomFrom(SEED)
  const chosen = Array.from({ length: DOCUMENTS }, () => cases[Math.floor(random() * cases.length)])
  for (const one of chosen) {
    if (one === undefined) continue
    proxy.document = ({ asked, text }) => (asked === one.asked ? changeOuter(text, one) : null)
    assertNamed(
      await bench.sync(),
      `${one.json.slice(0, 60)} in ${one.path.join('.')} of ${one.asked}`,
    )
  }
  proxy.document = () => null
  for (const status of [null, 429, 503, 999]) {
    for (const value of [
      '9'.repeat(300),
      '-1',
      '1e999',
      'Fri, 31 Dec 9999 23:59:59 GMT',
      'soon',
      '\u00ff',
    ]) {
      Object.assign(proxy, { status, headers: { 'retry-after': value, date: value, age: value } })
      assertNamed(await bench.sync(), `${value.slice(0, 40)} in the headers of ${status}`)
    }
  }
  Object.assign(proxy, { status: null, headers: {} })
  const report = await bench.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  await assertThere(bench, ids)
}

/**
 * Returns the paths around the records: the whole of a document without records, otherwise what
 * encloses them. For lines, the second one represents all.
 */
function outerPaths({ connector }: Subject, text: string): Path[] {
  const [first = '', second] = text.split('\n')
  const line = second === undefined || second === '' ? first : second
  // A web page and robots.txt have no JSON around records.
  if (!/^\s*[[{]/.test(line)) return []
  const document: unknown = JSON.parse(line)
  return pathsOf([document]).filter((path) => {
    const inside = path.some(
      (_, length) => connector.identify(valueAt(document, path.slice(0, length + 1))) !== null,
    )
    return !inside && connector.identify(valueAt(document, path)) === null
  })
}

function changeOuter(text: string, { path, json }: Change): string {
  const lines = text.split('\n')
  const at = lines.length > 2 ? 1 : 0
  return lines.with(at, withValue(JSON.parse(lines[at] ?? ''), path, json) ?? '').join('\n')
}

function assertNamed({ state, reason, error }: RunReport, what: string): void {
  assert.ok(state !== 'failed' || error instanceof SyncError, `${what}: ${reason}`)
}

/** The products that equal their valid records, as the connector reads them. */
async function assertThere(
  { subject: { connector }, pipeline, records }: Bench,
  ids: readonly string[],
): Promise<void> {
  const settings = connector.settings.parse((await pipeline.source()).settings)
  const rows = await pipeline.query<{ id: string; title: string | null }>(
    `select external_id as id, title from catalog.products where source_id = $1 and status <> 'removed' and external_id = any ($2)`,
    (await pipeline.source()).id,
    ids,
  )
  const titles = new Map(rows.map(({ id, title }) => [id, title]))
  const lost = ids.filter(
    (id) => titles.get(id) !== connector.normalise(records.get(id), settings).title,
  )
  assert.deepEqual(lost, [], 'sound products did not arrive')
}

/** Park and Miller's random number generator, which returns the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}
