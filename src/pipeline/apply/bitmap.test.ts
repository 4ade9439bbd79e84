import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Bitmap } from './bitmap.ts'

const bits = fc.uniqueArray(fc.nat(5000))

function bitmapOf(numbers: readonly number[]): Bitmap {
  const bitmap = new Bitmap()
  for (const bit of numbers) bitmap.set(bit)
  return bitmap
}

test('a bitmap has exactly the bits that were set, also after packing', () => {
  fc.assert(
    fc.property(bits, bits, (set, asked) => {
      const unpacked = Bitmap.unpack(bitmapOf(set).pack())
      for (const bit of [...set, ...asked]) assert.equal(unpacked.has(bit), set.includes(bit))
    }),
  )
})

test('a union has the bits of both bitmaps, and common lists their shared bits, ascending', () => {
  fc.assert(
    fc.property(bits, bits, (a, b) => {
      const union = bitmapOf(a)
      union.union(bitmapOf(b))
      for (const bit of [...a, ...b]) assert.ok(union.has(bit))
      const common = a.filter((bit) => b.includes(bit)).toSorted((x, y) => x - y)
      assert.deepEqual([...bitmapOf(a).common(bitmapOf(b))], common)
    }),
  )
})

test('the bytes are in the bit order of get_bit in Postgres: bit 0 is the lowest of the first byte', () => {
  assert.deepEqual([...bitmapOf([0, 9]).toBytes().subarray(0, 2)], [0b1, 0b10])
})

test('few products of a large catalogue pack into few bytes', () => {
  const bitmap = new Bitmap(5_000_000)
  for (let bit = 2_000_000; bit < 2_006_000; bit++) bitmap.set(bit)
  assert.ok(bitmap.pack().length < 4000)
})
