import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PendingBatch } from './pending-batch.ts'

const rest = { lineNo: 1, byteOffset: 0, scan: null, hash: null }

test('a batch keeps its own copy of each line', () => {
  const batch = new PendingBatch(10, 100)
  const chunk = Buffer.from('first')
  batch.add(chunk, rest)
  chunk.fill(0)
  assert.equal(batch.lines[0]?.line.toString(), 'first')
})

test('a batch is limited by records and by bytes, but accepts any first line', () => {
  const byRecords = new PendingBatch(1, 100)
  byRecords.add(Buffer.from('a'), rest)
  assert.equal(byRecords.fits(1), false)
  const byBytes = new PendingBatch(10, 4)
  assert.equal(byBytes.fits(1000), true)
  byBytes.add(Buffer.from('abc'), rest)
  assert.equal(byBytes.fits(1), true)
  assert.equal(byBytes.fits(2), false)
})

test('a line larger than the arena is copied separately, and a cleared batch is empty', () => {
  const batch = new PendingBatch(10, 4)
  batch.add(Buffer.from('longer than four'), rest)
  assert.equal(batch.lines[0]?.line.toString(), 'longer than four')
  batch.clear()
  assert.equal(batch.lines.length, 0)
  assert.equal(batch.fits(4), true)
})
