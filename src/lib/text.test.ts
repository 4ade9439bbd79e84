// Slugs are valid names for the command line, and text is shortened between characters.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutText, toSlug } from './text.ts'

test('a slug has the words in lower case, without accents and apostrophes', () => {
  assert.equal(toSlug("  Café d'Or – Pty. Ltd! "), 'cafe-dor-pty-ltd')
  assert.equal(toSlug('株式会社'), '')
})

test('a slug of any text has words joined by single hyphens, at most 60 characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      assert.match(toSlug(text), /^([a-z0-9]+(-[a-z0-9]+)*)?$/)
      assert.ok(toSlug(text).length <= 60)
    }),
  )
})

test('a text is cut to a length, between characters', () => {
  assert.equal(cutText('abcd', 4), 'abcd')
  assert.equal(cutText('abcde', 4), 'abc…')
  assert.equal(cutText('ab😀de', 4), 'ab…')
})
