// Amounts are exact in every currency, and text that is not an amount is null.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMoney, minorFromScaled, minorOf } from './money.ts'

test('a decimal becomes minor units by the decimals of its currency', () => {
  assert.equal(minorOf('12.50', 'AUD'), 1250)
  assert.equal(minorOf('12.5', 'AUD'), 1250)
  assert.equal(minorOf('12', 'AUD'), 1200)
  assert.equal(minorOf('1200', 'JPY'), 1200)
  assert.equal(minorOf('1.250', 'KWD'), 1250)
  assert.equal(minorOf('0.00', 'AUD'), 0)
  assert.equal(minorOf('0001.05', 'AUD'), 105)
})

test('digits beyond the precision of a float stay exact', () => {
  assert.equal(minorOf('1.005', 'BHD'), 1005)
  assert.equal(minorOf('4.35', 'EUR'), 435)
  assert.equal(minorOf('90071992547409.91', 'EUR'), Number.MAX_SAFE_INTEGER)
})

test('zeros past the last decimal are accepted, other digits are not', () => {
  assert.equal(minorOf('1200.00', 'JPY'), 1200)
  assert.equal(minorOf('12.5000', 'AUD'), 1250)
  assert.equal(minorOf('1200.50', 'JPY'), null)
  assert.equal(minorOf('12.505', 'AUD'), null)
})

test('text that is not a plain decimal is null', () => {
  for (const text of [
    '',
    ' 1',
    '-1.00',
    '+1',
    '1,200.00',
    '1.',
    '.5',
    '1e3',
    '0x10',
    'NaN',
    '٣',
    '1.0.0',
    '90071992547409.92',
  ]) {
    assert.equal(minorOf(text, 'EUR'), null, text)
  }
})

test('an amount that a shop counts in its own unit becomes minor units of the currency', () => {
  assert.equal(minorFromScaled('277666', 2, 'EGP'), 277_666)
  assert.equal(minorFromScaled('1999', 0, 'USD'), 199_900)
  assert.equal(minorFromScaled('19990', 3, 'USD'), 1999)
  assert.equal(minorFromScaled('5', 2, 'USD'), 5)
  assert.equal(minorFromScaled('120000', 2, 'JPY'), 1200)
  assert.equal(minorFromScaled('19995', 3, 'USD'), null)
  assert.equal(minorFromScaled('12.50', 2, 'USD'), null)
  assert.equal(minorFromScaled('', 2, 'USD'), null)
})

test('money is written with the decimals of its currency', () => {
  assert.equal(formatMoney(1250, 'AUD'), 'AUD 12.50')
  assert.equal(formatMoney(5, 'AUD'), 'AUD 0.05')
  assert.equal(formatMoney(-5, 'AUD'), 'AUD -0.05')
  assert.equal(formatMoney(1200, 'JPY'), 'JPY 1200')
  assert.equal(formatMoney(1, 'CLF'), 'CLF 0.0001')
})

test('a formatted amount is parsed as the same amount', () => {
  const currency = fc.constantFrom('AUD', 'JPY', 'KWD', 'CLF')
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), currency, (amountMinor, code) => {
      const [, decimal = ''] = formatMoney(amountMinor, code).split(' ')
      assert.equal(minorOf(decimal, code), amountMinor)
    }),
  )
})
