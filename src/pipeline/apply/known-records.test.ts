import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { KnownRecords } from './known-records.ts'

const hashOf = (text: string): Uint8Array =>
  createHash('sha256').update(text).digest().subarray(0, 16)

test('every added record is found by its number, and no other record is', () => {
  const known = new KnownRecords(2000)
  for (let seq = 0; seq < 2000; seq++) known.add(hashOf(`record ${seq}`), seq)
  for (let seq = 0; seq < 2000; seq++) assert.equal(known.find(hashOf(`record ${seq}`)), seq)
  for (let seq = 0; seq < 2000; seq++) assert.equal(known.find(hashOf(`other ${seq}`)), -1)
})

test('hashes that share their first bytes are distinguished', () => {
  const known = new KnownRecords(4)
  const base = hashOf('base')
  const twins = [0, 1, 2, 3].map((last) =>
    Uint8Array.from(base, (byte, index) => (index === 15 ? last : byte)),
  )
  twins.forEach((hash, seq) => known.add(hash, seq))
  assert.deepEqual(
    twins.map((hash) => known.find(hash)),
    [0, 1, 2, 3],
  )
})

test('a full table ignores more records and still finds the earlier ones', () => {
  const known = new KnownRecords(1)
  known.add(hashOf('a'), 7)
  known.add(hashOf('b'), 8)
  assert.equal(known.size, 1)
  assert.equal(known.find(hashOf('a')), 7)
  assert.equal(known.find(hashOf('b')), -1)
})

test('an empty table finds no record', () => {
  assert.equal(new KnownRecords(0).find(hashOf('a')), -1)
})
