// Properties of every parser: it returns for any text, quotes only the text itself, gives the same
// result again, and reads each token a bounded number of times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCoffeeTokens, type CoffeeField } from './coffee/read-coffee.ts'
import { foldText } from './fold.ts'
import { parsePack } from './packs.ts'
import { PARSE_FIELDS, parseField } from './parse-field.ts'
import { readTokens } from './tokens.ts'

/** Pieces of the grammars, in any order, are more hostile than random characters. */
const PIECES = `250|1,600|½|g|kg|oz|x|×|*|(|)|[|/|-|–|+|%|&|:|,|.|#|of|pack|case|box|sachets|
  dose|per|cup|$|€|Rs|KWD|light|medium|dark|roast|washed|natural|honey|anaerobic|fermentation|
  decaf|arabica|robusta|chicory|Gesha|SL28|Kenya|Nyeri|estate|finca|masl|ft|SCA|notes of|chocolate|
  mug|tea|coffee|blend|beans|subscription|8th|April|<b>|</p>|&amp;|&#8211;|&#x|中深煎り|내추럴|水洗|🎉|
  \u0301|\u00a0|\u2028|\ud800`
  .split('|')
  .map((piece) => piece.trim())

const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PIECES),
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.nat().map(String),
    ),
    { maxLength: 25 },
  )
  .chain((pieces) => fc.constantFrom(' ', '', '\n').map((glue) => pieces.join(glue)))

test('any text in any field has a result that quotes only the text, twice the same', () => {
  fc.assert(
    fc.property(text, fc.constantFrom(...PARSE_FIELDS), (input, field) => {
      const parsed = parseField(input, field)
      for (const [name, { raw, confidence }] of Object.entries(parsed?.provenance ?? {})) {
        assert.ok(raw !== '' && input.includes(raw), `${name}: ${JSON.stringify(raw)}`)
        assert.ok(confidence > 0 && confidence <= 1, name)
        assert.notEqual(parsed?.values[name], null, name)
      }
      assert.deepEqual(parseField(input, field), parsed)
    }),
    { numRuns: 2000 },
  )
})

test('the words of a pack state the same pack again', () => {
  const number = fc.integer({ min: 2, max: 2000 })
  const unit = fc.constantFrom('g', ' g', 'gms', ' kg', 'oz', ' lb')
  const count = fc.integer({ min: 2, max: 99 })
  const form = fc.constantFrom(
    (weight: string) => weight,
    (weight: string, packs: number) => `${packs} x ${weight}`,
    (weight: string, packs: number) => `${weight}×${packs}`,
    (weight: string, packs: number) => `Pack of ${packs} (${weight})`,
    (weight: string, packs: number) => `${packs} sachets, ${weight}`,
  )
  fc.assert(
    fc.property(number, unit, count, form, (size, suffix, packs, write) => {
      const { content } = parsePack(
        readTokens(`Coffee ${write(`${size}${suffix}`, packs)} / Whole Bean`),
      )
      if (content === null) return
      assert.deepEqual(parsePack(readTokens(content.raw)).content?.value, content.value)
    }),
  )
})

test('folded text folds to itself', () => {
  fc.assert(
    fc.property(text, (input) => {
      const { folded } = foldText(input.replaceAll(/[&<½]/g, ''))
      assert.equal(foldText(folded).folded, folded)
    }),
  )
})

/** Texts that a grammar could read again and again. */
const HOSTILE = [
  '1 ',
  '1/2 ',
  '(',
  '1 lb 1 oz ',
  '2 x 250g ',
  'pack of ',
  '10 drip drip drip ',
  'dose is is ',
  'light - - ',
  'medium to ',
  '100% arabica ',
  'arabica 50% ',
  '1,600 - ',
  'a b c estate ',
  'finca a b c d ',
  'notes of honey, ',
  'honey and ',
  'honey ',
  'natural lot ',
  'bourbon gesha ',
  'south indian india ',
  'espresso cups ',
  'SCA sca sca 86 ',
  'coffee + ',
  'cold brew coffee ',
  '中深',
  '€ 12 / 100 g ',
]
const FIELDS: readonly CoffeeField[] = ['title', 'option', 'description', 'process']

/** Counts the tokens that a parser reads, with a list that counts its accesses. */
function countReads(
  input: string,
  field: CoffeeField,
): { readonly reads: number; readonly tokens: number } {
  const { raw, tokens } = readTokens(input)
  let reads = 0
  const counted = new Proxy(tokens, {
    get(list, key) {
      if (typeof key === 'string' && /^\d/.test(key)) reads++
      return Reflect.get(list, key) as unknown
    },
  })
  readCoffeeTokens({ raw, tokens: counted }, field)
  return { reads, tokens: tokens.length }
}

test('the work grows no faster than the text', () => {
  for (const piece of HOSTILE)
    for (const field of FIELDS) {
      const { reads, tokens } = countReads(piece.repeat(150), field)
      assert.ok(
        reads <= 400 * tokens,
        `${JSON.stringify(piece)} ${field}: ${reads / tokens} reads a token`,
      )
      const double = countReads(piece.repeat(300), field)
      assert.ok(
        double.reads <= 2.1 * reads + 1000,
        `${JSON.stringify(piece)} ${field}: ${reads} → ${double.reads}`,
      )
    }
})

test('a text of a megabyte has a result', () => {
  for (const piece of ['250g ', 'honey '])
    assert.ok(parseField(piece.repeat(1_000_000 / piece.length), 'product_title'))
})
