// Characters that a terminal would interpret are escaped as in JSON.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeControls, escapeLines } from './escape-controls.ts'

test('controls, marks of direction and invisible characters are escaped, other text is unchanged', () => {
  assert.equal(escapeControls('a\u001b[31m\u009b\u007f'), String.raw`a\u001b[31m\u009b\u007f`)
  assert.equal(
    escapeControls('\u202e\u2066\u061c\u200f\ufeff\u2028\u200b'),
    String.raw`\u202e\u2066\u061c\u200f\ufeff\u2028\u200b`,
  )
  assert.equal(escapeControls('\u{e0041}\ud800'), String.raw`\udb40\udc41\ud800`)
  assert.equal(escapeControls('a\nb\tc\r'), String.raw`a\nb\tc\r`)
  for (const text of ['Crème brûlée 30 g', '日本語 עברית العربية', '👩‍👩‍👧 ☕', 'नमस्ते'])
    assert.equal(escapeControls(text), text)
})

test('line ends are kept', () => {
  assert.equal(escapeLines('a\u001b\nb\r\n'), 'a\\u001b\nb\\r\n')
})

test('escaping keeps the value of any JSON and is idempotent', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const json = escapeControls(JSON.stringify({ [text]: [text] }))
      assert.deepEqual(JSON.parse(json), { [text]: [text] })
      assert.equal(escapeControls(json), json)
      assert.doesNotMatch(escapeControls(text), /[\p{Cc}\p{Cs}\p{Bidi_Control}]/u)
    }),
  )
})
