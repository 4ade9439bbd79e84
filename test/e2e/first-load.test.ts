// The first load of a source skips the comparison with the catalogue. It ends with the same rows as a
// load that compares every record.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { countOutcomes } from '../support/pipeline.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()

const T = 1_700_000_000_000
/** A product that no other record names. The second source already has it. */
const ANCHOR = { seen: 0, id: 'Z', name: 'Z', price: 1000, updated_at: T, tags: [], text: '' }

/** Stands for a time that is a little ahead when the records are sent. */
const AHEAD = -1

const RECORD = fc.record({
  id: fc.constantFrom('A', 'B', 'C', 'D'),
  name: fc.constantFrom('one', 'two'),
  price: fc.constantFrom<Json>(0, 1000, 1100, 90_000),
  updated_at: fc.constantFrom<Json>(T, T + 1, null, AHEAD, 4_102_444_800_000),
  tags: fc.constantFrom<Json>([], ['x']),
  text: fc.constant(''),
})

const startedMs = Date.now()

/** A time that is slightly ahead becomes the time of arrival. */
function withoutArrival(tables: Record<string, string[]>): Record<string, string[]> {
  const hide = (all: string, time: string): string =>
    Date.parse(time) >= startedMs ? '"arrived": true' : all
  return Object.fromEntries(
    Object.entries(tables).map(([table, rows]) => [
      table,
      rows.map((row) => row.replace(/"source_updated_at": "([^"]+)"/, hide)),
    ]),
  )
}

const SIZES = fc.constantFrom(
  { partBytesMax: 1, batchRecordsMax: 3, lanes: 2 },
  { partBytesMax: 1, batchRecordsMax: 3, lanes: 1 },
  { partBytesMax: 1_000_000, batchRecordsMax: 2, lanes: 1 },
  { partBytesMax: 1_000_000, batchRecordsMax: 100, lanes: 1 },
)

test('a first load ends with the rows and counts of a load that compares every record', async (t) => {
  const cases = fc.array(RECORD, { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(cases, SIZES, async (records, options) => {
      const soon = Date.now() + 120_000
      const lines = [
        ANCHOR,
        ...records.map((record, index) => ({
          seen: index + 1,
          ...record,
          updated_at: record.updated_at === AHEAD ? soon : record.updated_at,
        })),
      ]
      const load = async (before: readonly (typeof lines)[]) => {
        const start = { pageSize: options.partBytesMax === 1 ? 1 : 40 }
        const { pipeline, supplier } = await openToy(t, { db, start, options })
        for (const feed of before) {
          supplier.setRecords(feed)
          await pipeline.sync()
        }
        supplier.setRecords(lines)
        const report = await pipeline.sync()
        assert.equal(report.state, 'succeeded', report.reason ?? '')
        // A first load publishes its products as a whole.
        const { changes: _, ...tables } = await snapshotCatalogue(pipeline)
        return { tables: withoutArrival(tables), report }
      }
      const first = await load([])
      const compared = await load([[ANCHOR]])
      if (options.lanes > 1) {
        // The counts and the history of prices depend on which lane is first.
        for (const table of ['products', 'variants', 'images'])
          assert.deepEqual(first.tables[table], compared.tables[table])
        return
      }
      assert.deepEqual(first.tables, compared.tables)
      const { created = 0, unchanged = 0, ...rest } = countOutcomes(first.report)
      const expected = { created: created - 1, unchanged: unchanged + 1, ...rest }
      assert.deepEqual({ created: 0, ...countOutcomes(compared.report) }, expected)
    }),
    { numRuns: 12 },
  )
})

test('raw is the record byte for byte as the supplier sent it', async (t) => {
  const { pipeline } = await openMedipim(t, { db })
  const { run } = await pipeline.sync()
  const archived = await pipeline.archived(run)
  const rows = await pipeline.query<{ raw: string }>(
    'select raw::text from catalog.products where source_id = $1',
    (await pipeline.source()).id,
  )
  assert.equal(rows.length, 30)
  for (const { raw } of rows) assert.ok(archived.includes(`"result":${raw}`))
})
