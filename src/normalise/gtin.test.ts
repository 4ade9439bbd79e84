import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseGtin } from './gtin.ts'

test('a GTIN of each length has its check digit and its use', () => {
  for (const [text, gtin14, use] of [
    ['96385074', '00000096385074', 'product'],
    ['036000291452', '00036000291452', 'product'],
    ['4006381333931', '04006381333931', 'product'],
    ['93 12345-678907', '09312345678907', 'product'],
    ['10036000291459', '10036000291459', 'product'],
    ['2012345678903', '02012345678903', 'restricted'],
    ['9783161484100', '09783161484100', 'book'],
    ['9771234567003', '09771234567003', 'serial'],
    ['9900000000004', '09900000000004', 'coupon'],
  ] as const)
    assert.deepEqual(parseGtin(text), { digits: text.replaceAll(/\D/g, ''), gtin14, use }, text)
})

test('a number with another length, a wrong check digit or other characters is not a GTIN', () => {
  for (const text of [
    '',
    '4006381333932',
    '400638133393',
    '0000000000000',
    'N/A',
    '4006381333931x',
  ])
    assert.equal(parseGtin(text), null, text)
})

test('a change of one digit is always noticed', () => {
  const digits = fc.array(fc.nat({ max: 9 }), { minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(digits, fc.nat({ max: 12 }), fc.integer({ min: 1, max: 9 }), (body, at, shift) => {
      const sum = body.reduce((total, digit, index) => total + digit * (index % 2 === 0 ? 1 : 3), 0)
      const valid = [...body, (10 - (sum % 10)) % 10]
      fc.pre(valid.some((digit) => digit !== 0))
      assert.ok(parseGtin(valid.join('')))
      const wrong = valid.with(at, ((valid[at] ?? 0) + shift) % 10)
      assert.equal(parseGtin(wrong.join('')), null)
    }),
  )
})
