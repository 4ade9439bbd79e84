// The list of modules in ARCHITECTURE.md is complete: while records are synced, no other module of
// the pipeline is called for each of them, except helpers that compute a value for a listed one.

import assert from 'node:assert/strict'
import { Session } from 'node:inspector/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listRecordModules } from '../../scripts/support/record-path.ts'
import { openTestDatabase } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const RECORDS = 300
const FOLDERS = /\/src\/((?:pipeline|artifacts|db)\/.*\.ts)$/

/** Called by listed modules for each record to compute or keep a value; none passes a record on. */
const HELPERS = [
  'src/db/catalog.ts', // reads the numbers that a merge returns
  'src/db/write/copy-rows.ts', // writes one field
  'src/pipeline/apply/bitmap.ts', // sets one bit
  'src/pipeline/apply/duplicate-keys.ts', // checks a draft
  'src/pipeline/apply/known-records.ts', // looks a hash up
  'src/pipeline/apply/part-position.ts', // counts lines
  'src/pipeline/apply/taxonomy-writer.ts', // collects brands and categories
]

test('no module outside the list is called for each record', async (t) => {
  const { pool: db } = await openTestDatabase(t)
  const { pipeline } = await openToy(t, {
    db,
    start: { products: RECORDS, pageSize: 100 },
    options: { partBytesMax: 1 << 20, batchRecordsMax: RECORDS, batchBytesMax: 1 << 20 },
  })
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  const { ledger } = await pipeline.sync()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  assert.equal(ledger.created, RECORDS)
  const called = result.flatMap(({ url, functions }) => {
    const [, path] = FOLDERS.exec(url.startsWith('file:') ? fileURLToPath(url) : url) ?? []
    const isCalled = functions.some(({ ranges }) => (ranges[0]?.count ?? 0) >= RECORDS)
    return path !== undefined && isCalled ? [`src/${path}`] : []
  })
  const listed = new Set(listRecordModules().map(({ path }) => path))
  assert.deepEqual(called.filter((path) => !listed.has(path)).toSorted(), HELPERS)
  assert.ok(called.includes('src/pipeline/apply/record-reader.ts'))
})
