import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toStorableJson, toStorableText } from './storable-text.ts'

test('U+0000 and half a surrogate pair become U+FFFD, other text is unchanged', () => {
  assert.equal(toStorableText('a\0b\ud83dc'), 'a\ufffdb\ufffdc')
  assert.equal(toStorableText('\udc00'), '\ufffd')
  assert.equal(toStorableText('plain 😀 \\u0000 text'), 'plain 😀 \\u0000 text')
})

test('strings and member names of a document are replaced', () => {
  const document = { 'a\0': ['\ud800', { b: 'x\0' }], n: 1, none: null }
  assert.deepEqual(JSON.parse(toStorableJson(JSON.stringify(document))), {
    'a\ufffd': ['\ufffd', { b: 'x\ufffd' }],
    n: 1,
    none: null,
  })
  const innocent = JSON.stringify({ text: 'a backslash: \\u0000', smile: '😀' })
  assert.deepEqual(JSON.parse(toStorableJson(innocent)), JSON.parse(innocent))
})
