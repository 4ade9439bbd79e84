import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPeakMemoryBytes } from './peak-memory.ts'

test('peak memory is in bytes, includes the current use and does not fall when memory is freed', () => {
  const before = readPeakMemoryBytes()
  let held: Buffer | null = Buffer.alloc(before + 50e6, 1)
  const during = readPeakMemoryBytes()
  assert.ok(during >= held.byteLength, `${during} ≥ ${held.byteLength}`)
  held = null
  assert.ok(readPeakMemoryBytes() >= during)
})
