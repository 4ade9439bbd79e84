// Prices as shops display them, and the reasons of those that stay unknown.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMoney, toDecimal } from './money.ts'

test('amounts in every notation become minor units of their currency', () => {
  for (const [text, amountMinor, currency] of [
    ['€1,299.00', 129_900, 'EUR'],
    ['1.299,00 €', 129_900, 'EUR'],
    ['1.299 €', 129_900, 'EUR'],
    ["CHF 1'299.50", 129_950, 'CHF'],
    ['1 299 Kč', 129_900, 'CZK'],
    ['12,90\u00a0zł', 1290, 'PLN'],
    ['₹1,00,000', 10_000_000, 'INR'],
    ['&#8377;8,880.00', 888_000, 'INR'],
    ['R$ 49,90', 4990, 'BRL'],
    ['US $12', 1200, 'USD'],
    ['A$24.00', 2400, 'AUD'],
    ['$18.00 AUD', 1800, 'AUD'],
    ['USD $18.00', 1800, 'USD'],
    ['15,000원', 15_000, 'KRW'],
    ['1200円', 1200, 'JPY'],
    ['CLP 24.990', 24_990, 'CLP'],
    ['KWD 1.250', 1250, 'KWD'],
    ['BHD 1,250.500', 1_250_500, 'BHD'],
    ['AED 8000 (USD 2179)', 800_000, 'AED'],
    ['€12.50 / 100g', 1250, 'EUR'],
    ['9,90 € (39,60 €/kg)', 990, 'EUR'],
    ['１，２００円', 1200, 'JPY'],
  ] as const) {
    const money = parseMoney(text)
    assert.deepEqual(
      [money.amountMinor, money.currency, money.reason],
      [amountMinor, currency, null],
      text,
    )
  }
})

test('an open question is null with its reason', () => {
  for (const [text, reason] of [
    ['price on request', 'no-amount'],
    ['20% off', 'no-amount'],
    ['-$5.00', 'negative'],
    ['$10 - $20', 'several-amounts'],
    ['2.890,00RSD2.023,00RSD', 'several-amounts'],
    ['$24.00', 'unknown-currency'],
    ['Rs. 250/-', 'unknown-currency'],
    ['24.990', 'unknown-currency'],
    ['KWD 1,250', 'ambiguous-separator'],
    ['1.2.3 EUR', 'ambiguous-separator'],
    ['12.505 AUD (incl. GST)', null],
    ['¥1,200.50', 'unknown-currency'],
    ['JPY 1,200.50', 'too-precise'],
  ] as const)
    assert.equal(parseMoney(text).reason, reason, text)
})

test('the shop settles a shared sign and an ambiguous separator', () => {
  assert.equal(parseMoney('$24.00', { currency: 'AUD' }).amountMinor, 2400)
  assert.equal(parseMoney('24.990', { currency: 'CLP' }).amountMinor, 24_990)
  assert.equal(parseMoney('KWD 1,250', { decimalSeparator: ',' }).amountMinor, 1250)
  assert.equal(parseMoney('€24', { currency: 'AUD' }).currency, 'EUR')
})

test('an amount keeps its digits while the currency is unknown', () => {
  const { decimal, sign, raw } = parseMoney('only $ 1.144.000 today')
  assert.deepEqual({ decimal, sign, raw }, { decimal: '1144000', sign: '$', raw: '$ 1.144.000' })
})

test('separators group digits or begin decimals by the digits around them', () => {
  for (const [text, decimal] of [
    ['1299', '1299'],
    ['1.299', '1299'],
    ['0.299', '0.299'],
    ['12.50', '12.50'],
    ['12,5', '12.5'],
    ['1,299.00', '1299.00'],
    ['1.299.000', '1299000'],
    ['1.29.000', null],
    ['1,299.00.00', null],
    ["1'29", null],
  ] as const)
    assert.equal(toDecimal(text), decimal, text)
})
