import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unitPriceOf, unitPricePolicyOf } from './unit-price.ts'

test('the price of the reference quantity depends on the market', () => {
  const content = { dimension: 'mass', totalSize: 250 } as const
  assert.deepEqual(unitPriceOf(1290, content, unitPricePolicyOf('DE')), {
    amountMinor: 5160,
    per: '1 kg',
  })
  assert.deepEqual(unitPriceOf(1290, content, unitPricePolicyOf('AU')), {
    amountMinor: 516,
    per: '100 g',
  })
})

test('volumes are compared with volumes, and halves are rounded up', () => {
  const content = { dimension: 'volume', totalSize: 330 } as const
  assert.deepEqual(unitPriceOf(199, content, unitPricePolicyOf('FR')), {
    amountMinor: 603,
    per: '1 l',
  })
  const half = { dimension: 'mass', totalSize: 400 } as const
  assert.equal(unitPriceOf(1, half, unitPricePolicyOf('DE'))?.amountMinor, 3)
})

test('an unknown content has no unit price', () => {
  assert.equal(unitPriceOf(1290, null, unitPricePolicyOf('DE')), null)
  assert.equal(
    unitPriceOf(1290, { dimension: 'mass', totalSize: 0 }, unitPricePolicyOf('DE')),
    null,
  )
})
