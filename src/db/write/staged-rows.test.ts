import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../core/product.ts'
import { measureBufferBytes } from '../../../test/support/memory.ts'
import type { ReadRecord } from './batch-writer.ts'
import { CopyRows } from './copy-rows.ts'
import { STAGING_TABLES, StagedRows, type RecordRange, type StagingTable } from './staged-rows.ts'

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
      disagreements: [],
      provenance: {},
      warnings: [],
      terms: [],
      images: [],
      prices: [],
      variants: Array.from({ length: variants }, (_, index) => variant(`V${index}`)),
    },
  }
}

function copyOf(rows: StagedRows, table: StagingTable, range: RecordRange): Buffer {
  const messages: Buffer[] = []
  for (const message of rows.toCopy(table, range)) messages.push(Buffer.from(message))
  return Buffer.concat(messages)
}

const withoutFrame = (copy: Buffer): Buffer =>
  copy.subarray(HEADER_BYTES, copy.length - TRAILER_BYTES)

test('the pieces of a batch have the same rows as the whole, each as a complete COPY', () => {
  const rows = new StagedRows()
  for (const [index, variants] of [0, 2, 1, 0].entries())
    rows.add(readRecord(index + 1, `title ${index}`, variants))
  for (const table of STAGING_TABLES) {
    const whole = copyOf(rows, table, { from: 0, to: 4 })
    for (const middle of [0, 1, 2, 3, 4]) {
      const first = withoutFrame(copyOf(rows, table, { from: 0, to: middle }))
      const second = withoutFrame(copyOf(rows, table, { from: middle, to: 4 }))
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
    assert.deepEqual(copyOf(rows, table, all), copyOf(fresh, table, all), table)
  assert.deepEqual(
    rows.records.map(({ lineNo, externalId }) => [lineNo, externalId]),
    [[7, 'P7']],
  )
})

test('the JSON of a record is not copied before it is sent, and messages are full but for the last', () => {
  const rows = new StagedRows()
  const json = Buffer.from(`"${'x'.repeat(299_998)}"`)
  const records = 5
  const before = measureBufferBytes()
  for (let n = 0; n < records; n++)
    rows.add({ ...readRecord(n + 1, 'y'.repeat(n * 1000), 0), raw: json })
  assert.ok(measureBufferBytes() - before < json.length)
  const lengths: number[] = []
  for (const message of rows.toCopy('products', { from: 0, to: records }))
    lengths.push(message.length)
  assert.deepEqual(new Set(lengths.slice(0, -1)), new Set([256 * 1024]))
  const copy = copyOf(rows, 'products', { from: 0, to: records })
  let found = 0
  for (let at = copy.indexOf(json); at !== -1; at = copy.indexOf(json, at + 1)) found++
  assert.equal(found, records)
})

test('numbers and texts are encoded as Node writes them', () => {
  const rows = new CopyRows()
  const expected: Buffer[] = []
  const field = (bytes: number, write: (buffer: Buffer) => void): void => {
    const buffer = Buffer.alloc(4 + bytes)
    buffer.writeInt32BE(bytes)
    write(buffer)
    expected.push(buffer)
  }
  for (const value of [0, 1, -1, 255, 256, 65_535, 2 ** 31 - 1, -(2 ** 31)]) {
    rows.int4(value)
    field(4, (buffer) => buffer.writeInt32BE(value, 4))
  }
  for (const value of [
    0,
    -1,
    2 ** 32 - 1,
    2 ** 32,
    -(2 ** 32) - 1,
    2 ** 53 - 1,
    1 - 2 ** 53,
    2n ** 62n,
  ]) {
    rows.int8(value)
    field(8, (buffer) => buffer.writeBigInt64BE(BigInt(value), 4))
  }
  for (const length of [0, 1, 31, 32, 33, 100])
    for (const letter of ['a', 'é', '€', '\u{1f600}', '\u007f', '\u0080']) {
      for (const text of ['a'.repeat(length) + letter, letter.repeat(length)]) {
        rows.text(text)
        const bytes = Buffer.from(text)
        field(bytes.length, (buffer) => buffer.set(bytes, 4))
      }
    }
  assert.deepEqual(Buffer.from(rows.slice(0, rows.length)), Buffer.concat(expected))
})

test('the content hash covers the provenance of a value', () => {
  const rows = new StagedRows()
  const hashOf = (provenance: Draft['provenance']): string => {
    const record = readRecord(1, 'Natural', 1)
    return rows.add({ ...record, draft: { ...record.draft, provenance } }).toString('hex')
  }
  const read = { raw: 'Natural', rule: 'process/base', confidence: 1, place: 'title' }
  const hashes = [
    {},
    { 'attributes.process': read },
    { 'attributes.process': { ...read, raw: 'natural' } },
  ]
  assert.equal(new Set(hashes.map(hashOf)).size, 3)
})
