import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { documentOf, MemberFinder } from './member-finder.ts'

const PATHS = ['id', 'result.id', 'results.*.id']

function find(text: string, pieceBytes = 1_000): unknown {
  const finder = new MemberFinder(PATHS)
  const bytes = new TextEncoder().encode(text)
  for (let from = 0; from < bytes.length; from += pieceBytes)
    finder.push(bytes.subarray(from, from + pieceBytes))
  return finder.found?.value ?? null
}

const DOCUMENTS: readonly (readonly [text: string, value: unknown])[] = [
  ['{"id":7}', 7],
  [' { "a" : [ {"id":1}, 2 ] , "id" : "x\\"y" } ', 'x"y'],
  ['{"result":{"deep":{"id":1},"id":"M1","more":{"id":2}}}', 'M1'],
  ['{"results":[{"id":"M1"}]}', 'M1'],
  ['{"id":1,"id":2}', 2],
  ['{"id":1,"id":{"id":3}}', null],
  ['{"\\u0069d":5}', 5],
  ['{"id":12345678901234567890}', '12345678901234567890'],
  ['{"other":{"result":{"id":1}}}', null],
  ['{"id"}', null],
  ['[{"id":1}]', null],
  ['"id"', null],
  ['', null],
  // Cut short, or broken somewhere else.
  ['{"id":7,"title":"half of i', 7],
  ['{"id":7,"price":NaN,"n":01}', 7],
  ['{"title":"a\tb","id":7}', 7],
  ['{"title":"a\\x","id":7}', 7],
  // Two records in one line: the id is ambiguous.
  ['{"id":1}{"id":2}', null],
  ['{"id":1} 2', null],
  ['{"results":[{"id":1},{"id":2}]}', null],
]

for (const [text, value] of DOCUMENTS) {
  test(`in ${text === '' ? 'no bytes' : text} the member is ${JSON.stringify(value)}, in any pieces`, () => {
    for (const pieceBytes of [1, 3, 1_000]) assert.deepEqual(find(text, pieceBytes), value)
  })
}

test('a text that is too long is not found, and a later member is', () => {
  assert.equal(find(`{"id":"${'x'.repeat(10_000)}"}`), null)
  assert.equal(find(`{"${'x'.repeat(10_000)}":1,"id":2}`), 2)
})

test('it finds the same member of any JSON as JSON.parse', () => {
  const record = fc.dictionary(
    fc.constantFrom('id', 'result', 'results', 'x'),
    fc.jsonValue({ maxDepth: 3 }),
  )
  fc.assert(
    fc.property(record, fc.integer({ min: 1, max: 9 }), (value, pieceBytes) => {
      const isScalar = typeof value['id'] !== 'object' || value['id'] === null
      const finder = new MemberFinder(['id'])
      const bytes = new TextEncoder().encode(JSON.stringify(value))
      for (let from = 0; from < bytes.length; from += pieceBytes)
        finder.push(bytes.subarray(from, from + pieceBytes))
      if (!('id' in value) || !isScalar) assert.equal(finder.found, null)
      else if (typeof value['id'] !== 'number')
        assert.deepEqual(finder.found && documentOf(finder.found), { id: value['id'] })
    }),
  )
})
