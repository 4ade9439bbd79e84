import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonCheck } from './json-check.ts'

function isJson(text: string, pieceBytes: number): boolean {
  const check = new JsonCheck()
  const bytes = new TextEncoder().encode(text)
  for (let from = 0; from < bytes.length; from += pieceBytes)
    check.push(bytes.subarray(from, from + pieceBytes))
  return check.isWhole
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('it accepts and rejects the same bytes as JSON.parse, in any pieces', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '\\',
    '\\n',
    '\\u00e9',
    '\\u0',
    '\t',
    ' ',
    '\n',
    'true',
    'false',
    'null',
    'nul',
    '0',
    '1',
    '12',
    '-',
    '+',
    '.',
    'e',
    'E5',
    '-0.5e-3',
    '01',
    'é',
    'NaN',
  )
  const almost = fc
    .tuple(fc.jsonValue(), fc.array(piece, { maxLength: 2 }), fc.nat(60), fc.nat(3))
    .map(([value, pieces, at, drop]) => {
      const text = JSON.stringify(value)
      return text.slice(0, at) + pieces.join('') + text.slice(at + drop)
    })
  const texts = fc.oneof(
    fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    almost,
    fc.jsonValue().map((value) => JSON.stringify(value, null, 2)),
  )
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 9 }), (text, pieceBytes) => {
      assert.equal(isJson(text, pieceBytes), parses(text), text)
    }),
    { numRuns: 5000 },
  )
})

test('it reports the first invalid byte, and whether only the end is missing', () => {
  const check = (text: string) => {
    const made = new JsonCheck()
    made.push(new TextEncoder().encode(text))
    return [made.isWhole, made.faultAt]
  }
  assert.deepEqual(check('{"a":[1,2'), [false, null])
  assert.deepEqual(check('{"a":[1,,2]}'), [false, 8])
  assert.deepEqual(check('{"a":1} x'), [false, 8])
  assert.deepEqual(check('["a\tb"]'), [false, 3])
  assert.deepEqual(check(''), [false, null])
})

test('nesting costs one byte of memory per level', () => {
  const check = new JsonCheck()
  check.push(new Uint8Array(1_000_000).fill(0x5b))
  check.push(new Uint8Array(1_000_000).fill(0x5d))
  assert.equal(check.isWhole, true)
})
