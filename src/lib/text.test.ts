// A slug is always a name that the command line takes; a cut text is whole characters.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutText, slugOf } from './text.ts'

test('a slug is the words in lower case, without accents and apostrophes', () => {
  assert.equal(slugOf("  Café d'Or – Pty. Ltd! "), 'cafe-dor-pty-ltd')
  assert.equal(slugOf('株式会社'), '')
})

test('a slug of any text is words joined by single hyphens, 60 characters at most', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      assert.match(slugOf(text), /^([a-z0-9]+(-[a-z0-9]+)*)?$/)
      assert.ok(slugOf(text).length <= 60)
    }),
  )
})

test('a text is cut to a length, between characters', () => {
  assert.equal(cutText('abcd', 4), 'abcd')
  assert.equal(cutText('abcde', 4), 'abc…')
  assert.equal(cutText('ab😀de', 4), 'ab…')
})
