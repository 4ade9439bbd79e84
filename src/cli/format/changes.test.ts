import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMembers, formatTitle } from './changes.ts'
import { Output } from '../terminal/output.ts'

const NOWHERE = { write: () => true }
const output = new Output(NOWHERE, NOWHERE)

test('the members of a change have one order, and prices have their currency', () => {
  const detail = {
    vat_rate: [10, 12],
    'price:A:1:public': [1250, 1300],
    description: ['long', 'longer'],
    'price:P1:list': [1250, 25_000, 'the price rose ×20'],
    title: ['Old', 'New\u001b[31m'],
    status: ['active', 'unavailable'],
  }
  const currencies = {
    'price:A:1:public': ['AUD', 'AUD'],
    'price:P1:list': ['EUR', 'AUD'],
  } as const
  const expected = [
    'status: "active" → "unavailable"',
    'title: "Old" → "New\\u001b[31m"',
    'public price of A:1: AUD 12.50 → 13.00',
    'list price: EUR 12.50 → AUD 250.00 (held: the price rose ×20)',
    'description: "long" → "longer"',
    'vat_rate: 10 → 12',
  ]
  assert.deepEqual(formatMembers(output, 'P1', { detail, currencies }), expected)
  const reversed = Object.fromEntries(Object.entries(detail).toReversed())
  assert.deepEqual(formatMembers(output, 'P1', { detail: reversed, currencies }), expected)
})

test('a long title is cut, and a product without a title is untitled', () => {
  assert.deepEqual(
    [formatTitle(output, null), formatTitle(output, 'x'.repeat(50)).length],
    ['untitled', 40],
  )
})
