import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storableJson, storableText } from './storable.ts'

test('U+0000 and half a surrogate pair become U+FFFD, everything else stays', () => {
  assert.equal(storableText('a\0b\ud83dc'), 'a\ufffdb\ufffdc')
  assert.equal(storableText('\udc00'), '\ufffd')
  assert.equal(storableText('plain 😀 \\u0000 text'), 'plain 😀 \\u0000 text')
})

test('a document is repaired in its texts and in the names of its members', () => {
  const document = { 'a\0': ['\ud800', { b: 'x\0' }], n: 1, none: null }
  assert.deepEqual(JSON.parse(storableJson(JSON.stringify(document))), {
    'a\ufffd': ['\ufffd', { b: 'x\ufffd' }],
    n: 1,
    none: null,
  })
  const innocent = JSON.stringify({ text: 'a backslash: \\u0000', smile: '😀' })
  assert.deepEqual(JSON.parse(storableJson(innocent)), JSON.parse(innocent))
})
