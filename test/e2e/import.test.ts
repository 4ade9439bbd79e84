// Imports from the simulated Creators API: an import stores what the API returns, and its result
// names it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESPONSES } from '../../simulators/amazon/faults.ts'
import { OFFERS, toAsin } from '../../simulators/amazon/product.ts'
import { normalise } from '../../src/connectors/amazon/normalise.ts'
import { IMPORT_FIELDS, listImportedFields } from '../../src/core/import-result.ts'
import { SyncError } from '../../src/core/errors.ts'
import { GET_ITEMS } from '../support/amazon.ts'
import { loadRunDetails } from '../../src/db/read/run-summaries.ts'
import { openTestDatabase } from '../support/database.ts'
import { openImporting } from '../support/imports.ts'
import { waitUntil } from '../support/wait-until.ts'

const { pool: db } = await openTestDatabase()
const ESP32 = toAsin(0)
const UNKNOWN = 'B0UNKNOWN1'
const MISSING = ['description', 'customer_review_count', 'star_rating']

test('a valid ASIN is stored with all fields, and its result names the product and its fields', async (t) => {
  const { pipeline, importItems } = await openImporting(t, db)
  const { kind, state, imports } = await importItems(ESP32)
  const [row] = await pipeline.query<{ id: string; title: string; brand: string; price: number }>(
    `select p.id, p.title, p.brand, c.amount_minor::int as price
     from api.products p join api.prices c on c.product_id = p.id where p.source = $1`,
    pipeline.name,
  )
  assert.ok(row)
  assert.deepEqual(
    [kind, state, row.brand, row.price],
    ['import', 'succeeded', 'Espressif Systems', 1_500],
  )
  assert.match(row.title, /^ESP32-DevKitC-32UE/)
  assert.deepEqual(imports, [
    {
      productId: row.id,
      asin: ESP32,
      marketplace: 'www.amazon.com',
      state: 'created',
      imported: IMPORT_FIELDS.filter((field) => !MISSING.includes(field)),
      missing: MISSING,
      externalId: ESP32,
    },
  ])
  const [{ raw } = { raw: null }] = await pipeline.query<{ raw: { item: { asin: string } } }>(
    'select raw from catalog.products where external_id = $1 and source_id = $2',
    ESP32,
    (await pipeline.source()).id,
  )
  assert.equal(raw?.item.asin, ESP32)
})

test('a rate limit is retried after a wait', async (t) => {
  const { simulator, pipeline, importItems } = await openImporting(t, db)
  simulator.faults.set({ ...RESPONSES.throttled, path: '/getItems*', times: 2 })
  const { imports } = await importItems(ESP32)
  assert.deepEqual(
    imports.map(({ state }) => state),
    ['created'],
  )
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], 3)
  assert.ok(pipeline.waits.length >= 2)
})

test('an unknown ASIN fails with the reason of Amazon, and gets no row', async (t) => {
  const { pipeline, importItems } = await openImporting(t, db)
  for (const asins of [[UNKNOWN], [ESP32, UNKNOWN]]) {
    const { state, imports } = await importItems(...asins)
    const failed = imports.find(({ externalId }) => externalId === UNKNOWN)
    assert.ok(failed?.state === 'failed')
    assert.deepEqual(
      [state, failed.productId, failed.error.code],
      ['succeeded', null, 'source/no-product'],
    )
    assert.match(failed.error.message, /Amazon does not return this item \(\w+\): /)
  }
  const rows = await pipeline.query<{ external_id: string }>(
    'select external_id from catalog.products where source_id = $1',
    (await pipeline.source()).id,
  )
  assert.deepEqual(rows, [{ external_id: ESP32 }])
})

test('an ASIN that is stored already is updated, and one without a change is unchanged', async (t) => {
  const { simulator, pipeline, importItems } = await openImporting(t, db)
  const [first] = (await importItems(ESP32)).imports
  const [same] = (await importItems(ESP32)).imports
  simulator.update(ESP32, { priceMinor: 1_700 })
  const [changed] = (await importItems(ESP32)).imports
  assert.deepEqual(
    [first, same, changed].map((one) => one?.state),
    ['created', 'unchanged', 'updated'],
  )
  assert.deepEqual([same?.productId, changed?.productId], [first?.productId, first?.productId])
  const rows = await pipeline.query<{ amount: number }>(
    `select amount_minor::int as amount from catalog.prices where source_id = $1 and state = 'current'`,
    (await pipeline.source()).id,
  )
  assert.deepEqual(rows, [{ amount: 1_700 }])
})

test('a lost connection is retried', async (t) => {
  const { simulator, importItems } = await openImporting(t, db)
  simulator.faults.set({ kind: 'reset', path: '/getItems*', times: 1 })
  assert.deepEqual(
    (await importItems(ESP32)).imports.map(({ state }) => state),
    ['created'],
  )
})

test('fields that an item does not have are null, and the result names them as the draft does', async (t) => {
  const { pipeline, importItems } = await openImporting(t, db)
  const asins = OFFERS.map((_, at) => toAsin(at))
  const { imports } = await importItems(...asins)
  const rows = await pipeline.query<{ external_id: string; raw: unknown }>(
    'select external_id, raw from catalog.products where source_id = $1',
    (await pipeline.source()).id,
  )
  const raws = new Map(rows.map(({ external_id: id, raw }) => [id, raw]))
  assert.equal(imports.length, OFFERS.length)
  for (const { externalId, imported, missing } of imports)
    assert.deepEqual({ imported, missing }, listImportedFields(normalise(raws.get(externalId))))
  const without = imports[OFFERS.indexOf('none')]
  assert.ok(without?.missing.includes('current_price') && without.missing.includes('currency'))
})

test('an item that Amazon no longer returns fails, and its product stays as an unavailable one', async (t) => {
  const { simulator, importItems } = await openImporting(t, db)
  const [first] = (await importItems(ESP32)).imports
  simulator.set({ refused: { [ESP32]: 'ItemNotAccessible' } })
  const [failed] = (await importItems(ESP32, toAsin(1))).imports
  assert.ok(failed?.state === 'failed')
  assert.equal(failed.productId, first?.productId)
  assert.match(failed.error.message, /ItemNotAccessible/)
})

test('a batch that fails does not fail the others, and its products have its error', async (t) => {
  const { simulator, importItems } = await openImporting(t, db)
  simulator.faults.set({
    ...RESPONSES.broken,
    path: `/getItems?first=${toAsin(10)}`,
    times: null,
  })
  const asins = Array.from({ length: 12 }, (_, at) => toAsin(at))
  const { imports } = await importItems(...asins)
  const failed = imports.filter(({ state }) => state === 'failed')
  assert.deepEqual(
    failed.map(({ externalId }) => externalId).toSorted(),
    asins.slice(10).toSorted(),
  )
  assert.equal(imports.filter(({ state }) => state === 'created').length, 10)
  for (const one of failed) {
    assert.ok(one.state === 'failed')
    assert.equal(one.error.code, 'source/unavailable')
    assert.match(one.error.message, /500/)
  }
})

test('an open circuit is an error at once, without a request', async (t) => {
  const { simulator, pipeline, importItems } = await openImporting(t, db)
  simulator.faults.set({ ...RESPONSES.broken, path: '/getItems*', times: null })
  const states: string[] = []
  const isOpen = async (): Promise<boolean> => {
    const code = await importItems(ESP32).then(
      ({ imports }) => {
        states.push(...imports.map(({ state }) => state))
        return null
      },
      (error: unknown) => (error instanceof SyncError ? error.code : null),
    )
    return code === 'source/circuit-open'
  }
  await waitUntil(isOpen)
  assert.ok(states.length > 0 && states.every((state) => state === 'failed'))
  const [requests, waits] = [simulator.stats.snapshot().requests[GET_ITEMS], pipeline.waits.length]
  await assert.rejects(importItems(ESP32), (error) => {
    assert.ok(error instanceof SyncError && error.code === 'source/circuit-open')
    assert.match(error.message, /failed 5 times/)
    return true
  })
  assert.deepEqual(
    [simulator.stats.snapshot().requests[GET_ITEMS], pipeline.waits.length],
    [requests, waits],
  )
})

test('the reason of Amazon is neither shown nor stored after the time that its licence allows', async (t) => {
  const { pipeline, importItems } = await openImporting(t, db)
  const { id: run, imports } = await importItems(UNKNOWN)
  const stored = () =>
    pipeline.query<{ refusals: unknown; imports: unknown }>(
      'select refusals, imports from catalog.runs where id = $1',
      run,
    )
  assert.match(JSON.stringify([imports, await stored()]), /Amazon does not/)
  await pipeline.query(
    `update catalog.runs set finished_at = finished_at - interval '25 hours' where id = $1`,
    run,
  )
  const { imports: later } = await loadRunDetails(db, run)
  assert.doesNotMatch(JSON.stringify(later), /Amazon does not/)
  assert.partialDeepStrictEqual(later, [{ state: 'failed', error: { code: 'source/no-product' } }])
  await pipeline.query('select catalog.purge_expired()')
  assert.doesNotMatch(JSON.stringify(await stored()), /Amazon does not/)
  assert.deepEqual((await loadRunDetails(db, run)).imports, later)
})
