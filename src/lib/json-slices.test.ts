// Slices are the sender's bytes in any layout, and a truncated value is distinguished from a
// complete one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  findFirstMember,
  toLineBlocks,
  readMemberElements,
  findMember,
  findValueStart,
} from './json-slices.ts'
import { countValues, findValueEnd } from './byte-scan.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function sliced(text: string, member = 'products'): string[] {
  const bytes = encode(text)
  return [...readMemberElements(bytes, member)].map(({ start, end }) =>
    decode(bytes.subarray(start, end)),
  )
}

function linesOf(bytes: Uint8Array, blockBytes = 1000): string {
  const blocks = [...toLineBlocks(bytes, readMemberElements(bytes, 'products'), blockBytes)]
  for (const block of blocks)
    assert.equal(decode(block.bytes).split('\n').length - 1, block.lineCount)
  return blocks.map((block) => decode(block.bytes)).join('')
}

test('elements keep their bytes: escapes, number formats, inner spaces and order', () => {
  const first = String.raw`{"id":10000000000000000001,"t":"\u00e9 \" ] } , \\","n":1.50e+2}`
  assert.deepEqual(sliced(`{"x":[1],"products" : [ ${first} ,{ "a" : [ ] },"s",-1,null]}`), [
    first,
    '{ "a" : [ ] }',
    '"s"',
    '-1',
    'null',
  ])
})

test('an empty or absent member, or one of another type, has no elements', () => {
  for (const text of [
    '{"products":[]}',
    '{"products": [ ] }',
    '{}',
    '{"products":{"0":1}}',
    '{"products":null}',
    '{"a":{"products":[1]}}',
  ]) {
    assert.deepEqual(sliced(text), [], text)
  }
})

test('the last of two members of one name counts, and a name is compared after unescaping', () => {
  assert.deepEqual(sliced(String.raw`{"products":[1],"\u0070roducts":[2]}`), ['2'])
})

test('a byte order mark before the object is skipped', () => {
  assert.deepEqual(sliced('\ufeff{"products":[1,2]}'), ['1', '2'])
})

test('a pretty-printed record becomes one line of the same length', () => {
  const bytes = encode('{"products":[{\r\n  "a": "x\\ny"\n},\n2]}')
  const lines = linesOf(bytes)
  assert.equal(lines, '{    "a": "x\\ny" }\n2\n')
})

test('any array of values in any layout yields the same values', () => {
  const layout = fc.constantFrom<string | undefined>(undefined, '  ', '\t', '\r\n')
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue()),
      fc.jsonValue(),
      layout,
      fc.integer({ min: 1, max: 100 }),
      (products, other, space, blockBytes) => {
        const bytes = encode(
          JSON.stringify({ other, products, after: other }, null, space === '\r\n' ? 1 : space),
        )
        const lines = linesOf(bytes, blockBytes).split('\n').slice(0, -1)
        assert.deepEqual(
          lines.map((line) => JSON.parse(line)),
          JSON.parse(JSON.stringify(products)),
        )
      },
    ),
  )
})

test('a member is found by its name, as the first or the last of several', () => {
  const bytes = encode('{"id" : 1 ,"x":{"id":2},"id":"3"}')
  const textOf = (slice: ReturnType<typeof findMember>) =>
    slice && decode(bytes.subarray(slice.start, slice.end))
  assert.deepEqual(
    [
      findMember(bytes, 0, 'id'),
      findFirstMember(bytes, 0, 'id'),
      findMember(bytes, 0, 'y'),
      findMember(bytes, 1, 'id'),
    ].map(textOf),
    ['"3"', '1', null, null],
  )
})

test('bytes cut anywhere inside have no end', () => {
  const whole = encode(String.raw` {"a":["]}\"",{"é":[[]]}],"b":"\\"}`)
  assert.equal(findValueEnd(whole, findValueStart(whole)), whole.length)
  for (let size = 2; size < whole.length; size++)
    assert.equal(findValueEnd(whole.subarray(0, size), 1), null, `cut at ${size}`)
})

test('values are counted without parsing, with at most one too many for each list or object', () => {
  const count = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? Object.values(value).reduce<number>((sum, one) => sum + count(one), 1)
      : 1
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const counted = countValues(encode(JSON.stringify(value)))
      const values = count(JSON.parse(JSON.stringify(value)))
      assert.ok(counted >= values && counted <= 2 * values, `${counted} for ${values}`)
    }),
  )
  assert.equal(countValues(encode(JSON.stringify({ 'a,[{': '\\', '"{[,': 1 }))), 3)
})
