import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { hashRecord, hashSha256 } from './hash.ts'

const scratch = new Uint8Array(64)
const bytes = (text: string) => new TextEncoder().encode(text)
const expected = (text: string) =>
  new Uint8Array(createHash('sha256').update(text).digest().subarray(0, 16))
const line = bytes('{"index":1,"result":{"id":7,"at":111,"name":"x","url":"a?t=1"}}')
const scan = { start: 20, end: 62, volatile: [33, 36, 55, 60] }

test('the hash covers the record without its volatile spans', () => {
  assert.deepEqual(hashRecord(line, scan, scratch), expected('{"id":7,"at":,"name":"x","url":""}'))
})

test('changed volatile bytes keep the hash, also with another length; any other change changes it', () => {
  const moved = bytes('{"index":9,"result":{"id":7,"at":2,"name":"x","url":"a?t=2345"}}')
  assert.deepEqual(
    hashRecord(moved, { start: 20, end: 63, volatile: [33, 34, 53, 61] }, scratch),
    hashRecord(line, scan, scratch),
  )
  const changed = bytes('{"index":1,"result":{"id":7,"at":111,"name":"y","url":"a?t=1"}}')
  assert.notDeepEqual(hashRecord(changed, scan, scratch), hashRecord(line, scan, scratch))
})

test('a record without volatile spans is hashed completely', () => {
  assert.deepEqual(
    hashRecord(line, { ...scan, volatile: [] }, scratch),
    expected('{"id":7,"at":111,"name":"x","url":"a?t=1"}'),
  )
})

test('a record larger than the scratch buffer has the same hash', () => {
  assert.deepEqual(hashRecord(line, scan, new Uint8Array(1)), hashRecord(line, scan, scratch))
})

test('sha256 returns all 32 bytes', () => {
  assert.equal(
    Buffer.from(hashSha256(bytes('abc'))).toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})
