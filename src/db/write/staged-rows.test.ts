import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../core/product.ts'
import type { ReadRecord } from './batch-writer.ts'
import { STAGING_TABLES, StagedRows } from './staged-rows.ts'

const HEADER_BYTES = 19
const TRAILER_BYTES = 2

const variant = (externalId: string): Draft['variants'][number] => ({
  externalId,
  title: null,
  sku: null,
  gtin: null,
  options: {},
  weightGrams: null,
  packCount: null,
  availability: null,
})

function readRecord(lineNo: number, title: string, variants: number): ReadRecord {
  return {
    lineNo,
    byteOffset: 100 * lineNo,
    line: Buffer.from(title),
    recordHash: new Uint8Array(16),
    raw: '{}',
    draft: {
      externalId: `P${lineNo}`,
      status: 'active',
      title,
      description: null,
      brand: null,
      manufacturer: null,
      url: null,
      identifiers: {},
      attributes: {},
      successorId: null,
      sourceUpdatedAtMs: null,
      expiresAtMs: null,
      warnings: [],
      terms: [],
      images: [],
      prices: [],
      variants: Array.from({ length: variants }, (_, index) => variant(`V${index}`)),
    },
  }
}

const withoutFrame = (copy: Buffer): Buffer =>
  Buffer.from(copy.subarray(HEADER_BYTES, copy.length - TRAILER_BYTES))

test('the pieces of a batch have the same rows as the whole, each as a complete COPY', () => {
  const rows = new StagedRows()
  for (const [index, variants] of [0, 2, 1, 0].entries())
    rows.add(readRecord(index + 1, `title ${index}`, variants))
  for (const table of STAGING_TABLES) {
    const whole = Buffer.from(rows.toCopy(table, { from: 0, to: 4 }))
    for (const middle of [0, 1, 2, 3, 4]) {
      const first = withoutFrame(rows.toCopy(table, { from: 0, to: middle }))
      const second = withoutFrame(rows.toCopy(table, { from: middle, to: 4 }))
      assert.deepEqual(Buffer.concat([first, second]), withoutFrame(whole), `${table} ${middle}`)
    }
    assert.equal(whole.toString('latin1', 0, 6), 'PGCOPY')
    assert.equal(whole.readInt16BE(whole.length - TRAILER_BYTES), -1)
  }
})

test('cleared rows encode the next batch to the same bytes as new ones, also after a large record', () => {
  const rows = new StagedRows()
  rows.add(readRecord(1, 'x'.repeat(9_000_000), 1))
  rows.clear()
  assert.deepEqual(rows.records, [])
  const fresh = new StagedRows()
  for (const one of [rows, fresh]) one.add(readRecord(7, 'title', 1))
  const all = { from: 0, to: 1 }
  for (const table of STAGING_TABLES)
    assert.deepEqual(rows.toCopy(table, all), fresh.toCopy(table, all), table)
  assert.deepEqual(
    rows.records.map(({ lineNo, externalId }) => [lineNo, externalId]),
    [[7, 'P7']],
  )
})
