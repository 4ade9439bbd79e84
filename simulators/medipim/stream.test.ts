// Lines are written into buffers of fixed size without splitting any of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSigner, streamLines } from './stream.ts'

test('lines of any length and any characters are complete and in order', () => {
  const texts = Array.from({ length: 200 }, (_, index) =>
    '漢é°x'.charAt(index % 4).repeat((index * 7_919) % 90_000),
  ).concat('漢'.repeat(400_000))
  const chunks = [...streamLines({ items: texts, render: (text) => ({ text }), faults: [] })]
  const expected = texts
    .map((text, index) => `${JSON.stringify({ meta: { total: 201, index }, result: { text } })}\n`)
    .join('')
  assert.ok(Buffer.concat(chunks).equals(Buffer.from(expected)))
  assert.ok(chunks.length > 10, 'the whole is never held at once')
})

test('a link is signed for its product and its time', () => {
  const [sign, later] = [createSigner('42', 1, 1_768_492_801), createSigner('42', 1, 1_768_492_802)]
  const links = [sign('M00002AAF7'), sign('M00002AAF8'), sign('M10002AAF7'), later('M00002AAF7')]
  assert.equal(new Set(links.map((link) => link.split('mac=')[1])).size, 4)
  assert.equal(sign('M00002AAF7'), links[0])
})
