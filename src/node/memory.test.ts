import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peakMemoryBytes } from './memory.ts'

test('the peak of memory is in bytes, includes what is held now, and does not fall when it is freed', () => {
  const before = peakMemoryBytes()
  let held: Buffer | null = Buffer.alloc(before + 50e6, 1)
  const during = peakMemoryBytes()
  assert.ok(during >= held.byteLength, `${during} ≥ ${held.byteLength}`)
  held = null
  assert.ok(peakMemoryBytes() >= during)
})
