// Lines that are hashed during the fetch have the same effect as lines that are read back from the
// store, and a run in which nothing changed reads nothing back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import type { ArtifactStore } from '../../src/artifacts/store.ts'
import type { Connector } from '../../src/core/connector.ts'
import { openPool } from '../../src/db/pool.ts'
import type { PipelineOptions } from '../../src/pipeline/options.ts'
import { onNthPass, watchQueries } from '../faults/failpoints.ts'
import { readContent } from '../support/content.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, type TestPipeline } from '../support/pipeline.ts'
import { openServices } from '../support/services.ts'
import { openToy } from '../support/toy/open.ts'
import { startToy, type ToySupplier } from '../support/toy/supplier.ts'

const { pool: db, url: databaseUrl } = await openTestDatabase()

/** Plausible times of changes, and times that cannot be trusted, in epoch milliseconds. */
const TIMES = [1_700_000_000_000, 1_700_000_000_001, 4_102_444_800_000, 0]

interface Line {
  readonly product: number
  readonly version: number
  readonly time: number
}

const anyLine = fc.record({
  product: fc.nat({ max: 9 }),
  version: fc.constantFrom(0, 0, 0, 1),
  time: fc.constantFrom(0, 0, 0, 1, 2, 3),
})
/** A line without a record, or a mark, before line `at` of the list. */
const anyOddity = fc.record({
  at: fc.nat({ max: 24 }),
  what: fc.constantFrom('blank', 'spaces', 'mark', 'long', 'broken'),
})
const anyOddities = fc.array(anyOddity, { maxLength: 3 })
/** A feed, and the lines that differ in each later one. */
const anyFeeds = fc.record({
  lines: fc.array(anyLine, { minLength: 1, maxLength: 25 }),
  oddities: anyOddities,
  later: fc.array(
    fc.record({
      edits: fc.array(fc.record({ at: fc.nat({ max: 24 }), line: anyLine }), { maxLength: 4 }),
      oddities: anyOddities,
    }),
    { minLength: 1, maxLength: 2 },
  ),
})
interface Feed {
  readonly lines: readonly Line[]
  readonly oddities: readonly { readonly at: number; readonly what: keyof typeof TEXTS | 'mark' }[]
}

function listFeeds({
  lines,
  oddities,
  later,
}: typeof anyFeeds extends fc.Arbitrary<infer T> ? T : never): Feed[] {
  const feeds: Feed[] = [{ lines, oddities }]
  for (const { edits, ...rest } of later) {
    const next = [...(feeds.at(-1)?.lines ?? [])]
    for (const { at, line } of edits) next[Math.min(at, next.length)] = line
    feeds.push({ ...rest, lines: next })
  }
  return feeds
}

const TEXTS = { blank: '', spaces: '  \t', broken: '{"n":1,"record":{"id":', long: 'x'.repeat(900) }

/** The memory for hashed lines: some or all parts fit into it, wholly or up to some line. */
const anyMemory = fc.constantFrom(700, 3000, 5000, 10_000, 1 << 20)
const anyPartSize = fc.constantFrom(1, 1000, 1 << 20)

function show(supplier: ToySupplier, { lines, oddities }: Feed): void {
  supplier.heal()
  supplier.setRecords(
    lines.map(({ product, version, time }, seen) => ({
      seen,
      updated_at: TIMES[time] ?? 0,
      id: `P${product}`,
      name: `Version ${version}`,
      price: 1000 + version,
      tags: [],
      text: 'x'.repeat(product * 40),
    })),
  )
  for (const { what, at } of oddities)
    supplier.setFaults(
      what === 'mark'
        ? { kind: 'mark', at, times: null }
        : { kind: 'insert-line', at, text: TEXTS[what], times: null },
    )
}

/** Two sources that read the same supplier: one reads every part back, the other only some. */
async function openBoth(
  t: { after(end: () => Promise<void>): void },
  options: Partial<PipelineOptions>,
): Promise<{ supplier: ToySupplier; reading: TestPipeline; hashing: TestPipeline }> {
  const supplier = await startToy({ products: 1, pageSize: 5 })
  t.after(supplier.close)
  const open = async (hashedBytesMax: number): Promise<TestPipeline> => {
    const { pipeline } = await openToy(t, {
      db,
      supplier,
      policy: { quarantineShare: 1, priceShiftShare: 1 },
      options: { lanes: 1, recordBytesMax: 800, ...options, hashedBytesMax },
    })
    return pipeline
  }
  return {
    supplier,
    reading: await open(0),
    hashing: await open(options.hashedBytesMax ?? 1 << 20),
  }
}

/** The store, and the keys that were read. */
function watchStore(store: ArtifactStore): { store: ArtifactStore; reads: string[] } {
  const reads: string[] = []
  const watched = new Proxy(store, {
    get(target, name: keyof ArtifactStore) {
      const member = target[name]
      if (typeof member !== 'function') return member
      const method = member.bind(target) as (...all: unknown[]) => unknown
      return (...all: unknown[]) => {
        if (name === 'get') reads.push(String(all[0]))
        return method(...all)
      }
    },
  })
  return { store: watched, reads }
}

test('any feed leaves the same rows, whether its lines were hashed during the fetch or read back', async (t) => {
  const numRuns = 8
  const reads = { reading: 0, hashing: 0 }
  await fc.assert(
    fc.asyncProperty(
      anyFeeds,
      anyMemory,
      anyPartSize,
      async (feeds, hashedBytesMax, partBytesMax) => {
        const ended = new AsyncDisposableStack()
        try {
          const scope = { after: (end: () => Promise<void>) => ended.defer(end) }
          const both = await openBoth(scope, { hashedBytesMax, partBytesMax })
          const stores = {
            reading: watchStore(both.reading.tools.store),
            hashing: watchStore(both.hashing.tools.store),
          }
          const sync = (which: 'reading' | 'hashing') =>
            both[which].sync({ tools: { store: stores[which].store } })
          for (const feed of listFeeds(feeds)) {
            show(both.supplier, feed)
            const [read, hashed] = [await sync('reading'), await sync('hashing')]
            assert.deepEqual(hashed.ledger, read.ledger)
            assert.equal(hashed.state, read.state)
          }
          assert.deepEqual(await readContent(both.hashing), await readContent(both.reading))
          reads.reading += stores.reading.reads.length
          reads.hashing += stores.hashing.reads.length
        } finally {
          await ended.disposeAsync()
        }
      },
    ),
    { numRuns, seed: 20_261_128, endOnFailure: true },
  )
  t.diagnostic(`${numRuns} sequences of feeds; reads of a part: ${JSON.stringify(reads)}`)
  assert.ok(reads.hashing < reads.reading)
})

/** Ten products of two batches, and changes of some. */
function showTen(supplier: ToySupplier, changed: readonly number[]): void {
  const lines = Array.from({ length: 10 }, (_, product) => ({
    product,
    version: changed.includes(product) ? 1 : 0,
    time: 0,
  }))
  show(supplier, { lines, oddities: [] })
}

test('a run reads no part back when nothing changed, and few changes are read from memory', async (t) => {
  const { supplier, reading, hashing } = await openBoth(t, { partBytesMax: 1000 })
  const watched = watchStore(hashing.tools.store)
  const tools = { store: watched.store }
  showTen(supplier, [])
  await reading.sync()
  await hashing.sync({ tools })
  watched.reads.length = 0
  assert.deepEqual(countOutcomes(await hashing.sync({ tools })), { unchanged: 10 })
  showTen(supplier, [2, 7])
  assert.deepEqual(countOutcomes(await hashing.sync({ tools })), { unchanged: 8, updated: 2 })
  assert.deepEqual(watched.reads, [])

  const other = watchStore(reading.tools.store)
  await reading.sync({ tools: { store: other.store } })
  assert.ok(other.reads.length > 1, 'without memory each part is read back')
})

test('workers of one process read no part back when nothing changed', async (t) => {
  const database = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: database.pool })
  await pipeline.sync()
  const { store, reads } = watchStore(pipeline.tools.store)
  const services = await openServices(t, database, {
    ...pipeline,
    tools: { ...pipeline.tools, store },
  })
  services.startWorkers()
  const { run } = await services.requestRun({ mode: 'full' })
  const { state, ledger } = await services.runSchedulerUntilEnd(run)
  assert.equal(state, 'succeeded')
  assert.equal(ledger?.['unchanged'], 30)
  assert.deepEqual(reads, [])
})

test('a supplier whose clock is ahead by 4 to 6 minutes leaves the same rows either way', async (t) => {
  const { supplier, reading, hashing } = await openBoth(t, { partBytesMax: 1000 })
  const minutesAhead = [-1, 4, 4.99, 5, 5.5, 6]
  const syncAhead = async (pipeline: TestPipeline, version: number, isAhead: boolean) => {
    const { connector } = pipeline
    const fetch: Connector['fetch'] = async function* (request, signal) {
      // Later than the start of the run: a time 5 minutes ahead of this instant can be trusted only
      // when the part arrives.
      const startedMs = Date.now()
      while (Date.now() < startedMs + 3) await turn()
      const nowMs = Date.now()
      supplier.setRecords(
        minutesAhead.map((minutes) => ({
          seen: nowMs,
          updated_at: isAhead ? nowMs + minutes * 60_000 : (TIMES[0] ?? 0),
          id: `${minutes} minutes`,
          name: `Version ${version}`,
          price: 1000,
          tags: [],
          text: '',
        })),
      )
      yield* connector.fetch(request, signal)
    }
    return countOutcomes(await pipeline.sync({ connector: { ...connector, fetch } }))
  }
  for (const [version, isAhead] of [
    [0, false],
    [0, true],
    [0, true],
    [1, true],
    [1, false],
  ] as const)
    assert.deepEqual(
      await syncAhead(hashing, version, isAhead),
      await syncAhead(reading, version, isAhead),
    )
  const read = async (pipeline: TestPipeline): Promise<unknown> =>
    JSON.parse(
      JSON.stringify(await readContent(pipeline)).replaceAll(/\d{13}/g, (time) =>
        Number(time) > 1_750_000_000_000 ? 'now' : time,
      ),
    )
  assert.deepEqual(await read(hashing), await read(reading))
})

test('a part that breaks in the middle continues from its last batch, in the same run or in a resumed one', async (t) => {
  for (const isLasting of [false, true]) {
    const { supplier, reading, hashing } = await openBoth(t, { partBytesMax: 1 << 20 })
    for (const pipeline of [reading, hashing]) {
      showTen(supplier, [])
      await pipeline.sync()
      showTen(supplier, [1, 2, 3, 5, 6, 7, 8])
      const own = await openPool(databaseUrl, { applicationName: 'breaking' })
      let isBroken = false
      const strike = onNthPass('after apply_batch', 2, () => void (isBroken = true))
      watchQueries(own, async (place) => {
        await strike(place)
        if (!isBroken) return
        isBroken = isLasting
        throw new Error('Connection terminated')
      })
      let report = await pipeline.sync({ tools: { db: own } })
      await own.end()
      if (isLasting) {
        assert.equal(report.state, 'failed')
        await pipeline.expireLease()
        report = await pipeline.sync({ mode: 'auto' })
      }
      assert.equal(report.resumed, isLasting)
      assert.deepEqual(countOutcomes(report), { unchanged: 3, updated: 7 })
    }
    assert.deepEqual(await readContent(hashing), await readContent(reading))
  }
})
