// The known hashes of a catalogue of five million products: their memory, and that each is found.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownRecords } from '../../src/pipeline/apply/known-records.ts'
import { measureBufferBytes } from '../support/memory.ts'

const KEYS = 5_000_000

/** A 16-byte hash of `number`, uniform enough for an open-addressed table. */
function hashOf(number: number, into: Uint32Array): Uint8Array {
  for (let word = 0; word < 4; word++) {
    let mixed = Math.imul(number ^ (word * 0x9e3779b9), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    into[word] = mixed ^ (mixed >>> 16)
  }
  return new Uint8Array(into.buffer)
}

test('5,000,000 known hashes take at most 26 bytes each, and each is found', () => {
  const before = measureBufferBytes()
  const known = new KnownRecords(KEYS)
  const words = new Uint32Array(4)
  for (let number = 0; number < KEYS; number++) known.add(hashOf(number, words), number)
  assert.equal(known.size, KEYS)
  assert.ok(measureBufferBytes() - before < 26 * KEYS, `${measureBufferBytes() - before} bytes`)
  for (let number = 0; number < KEYS; number++)
    if (known.find(hashOf(number, words)) !== number) assert.fail(`${number} is not found`)
  for (let number = KEYS; number < KEYS + 100_000; number++)
    if (known.find(hashOf(number, words)) !== -1) assert.fail(`${number} was never added`)
})
