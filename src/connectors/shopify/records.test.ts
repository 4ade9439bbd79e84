// The guards of the hot path and the schema accept the same records.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isProductRecord, ProductRecord, readId } from './records.ts'

const value = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    '7',
    '07',
    '7.5',
    0,
    7,
    -7,
    7.5,
    2 ** 53,
    NaN,
    true,
    [],
    {},
  ),
  fc.jsonValue(),
)
const id = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(1, '12') },
  { weight: 1, arbitrary: value },
)
const text = fc.oneof(
  { weight: 19, arbitrary: fc.constantFrom(undefined, null, 'text') },
  { weight: 1, arbitrary: value },
)
const list = (element: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 19, arbitrary: fc.array(element, { maxLength: 3 }) },
    { weight: 1, arbitrary: value },
  )
const any = { title: text, ignored: value }
const variant = fc.record(
  {
    ...any,
    id,
    option1: text,
    option2: text,
    option3: text,
    sku: text,
    available: fc.oneof(fc.boolean(), text),
    price: text,
    compare_at_price: text,
    grams: value,
  },
  { requiredKeys: ['id'] },
)
const product = fc.record(
  {
    ...any,
    id,
    handle: text,
    body_html: text,
    vendor: text,
    product_type: text,
    tags: list(text),
    published_at: value,
    created_at: value,
    updated_at: value,
    variants: list(variant),
    images: list(fc.record({ src: text }, { requiredKeys: [] })),
    options: list(fc.record({ name: text, position: value }, { requiredKeys: [] })),
  },
  { requiredKeys: ['id', 'variants'] },
)

test('the guard accepts exactly the records that the schema accepts', () => {
  const accepted = { true: 0, false: 0 }
  fc.assert(
    fc.property(
      fc.oneof({ weight: 19, arbitrary: product }, { weight: 1, arbitrary: value }),
      (record) => {
        const expected = ProductRecord.safeParse(record).success
        accepted[`${expected}`]++
        assert.equal(isProductRecord(record), expected)
      },
    ),
    { numRuns: 3000 },
  )
  assert.ok(Math.min(accepted.true, accepted.false) > 300, JSON.stringify(accepted))
})

test('an id is read exactly when the schema accepts it, as it was sent', () => {
  fc.assert(
    fc.property(id, (sent) => {
      const isAccepted = ProductRecord.shape.id.safeParse(sent).success
      assert.equal(readId(sent), isAccepted ? String(sent) : null)
    }),
    { numRuns: 1000 },
  )
})
