// A secret is found in every encoding in which it may appear.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createHider } from './secret-spellings.ts'

const SECRET = 'p@ss/wörd "x"\\&+ ='
const hide = createHider([SECRET], '…')

test('every spelling of a secret is replaced', () => {
  const spellings = {
    plain: SECRET,
    url: encodeURIComponent(SECRET),
    base64: Buffer.from(SECRET).toString('base64'),
    base64url: Buffer.from(SECRET).toString('base64url'),
    hex: Buffer.from(SECRET).toString('hex'),
    json: JSON.stringify(SECRET).slice(1, -1),
  }
  for (const [name, spelling] of Object.entries(spellings))
    assert.equal(hide(`before ${spelling} after`), 'before … after', name)
})

test('base64 of a longer value that contains the secret shows no part of it', () => {
  for (const before of ['', '4', '42', '42:']) {
    const hidden = hide(Buffer.from(`${before}${SECRET} and more`).toString('base64'))
    assert.ok(hidden.includes('…'), hidden)
    assert.ok(!Buffer.from(hidden.replace('…', ''), 'base64').toString().includes('wörd'), hidden)
  }
})

test('a secret that begins with another is replaced whole, and without secrets text is unchanged', () => {
  assert.equal(createHider(['abcdef', 'abcdefghij'], '…')('abcdefghij abcdef'), '… …')
  assert.equal(createHider([''], '…')('as it is'), 'as it is')
})

test('a secret is replaced in any surrounding text', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 4, maxLength: 40, unit: 'binary' }),
      fc.string(),
      fc.string(),
      (secret, before, after) => {
        fc.pre(!'…'.includes(secret))
        assert.ok(!createHider([secret], '…')(before + secret + after).includes(secret))
      },
    ),
  )
})
