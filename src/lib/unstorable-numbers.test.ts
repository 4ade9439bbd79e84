import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { findUnstorableNumber } from './unstorable-numbers.ts'

const NUMBERS: readonly string[] = [
  '0',
  '-1.5',
  '1e5',
  '1E+131071',
  '1e131072',
  '0.1e131072',
  '0.1e131073',
  '-1e999999',
  '1e-16383',
  '1e-16384',
  '0e131073',
  '0e-99999',
  '0e99999999999',
  '1e999999999999',
  `0.${'1'.repeat(16_383)}`,
  `0.${'1'.repeat(16_384)}`,
  '1'.repeat(131_072),
  '1'.repeat(131_073),
  `1.5e-16382`,
  '1.5e-16383',
  `0.${'1'.repeat(15_384)}e-999`,
  `0.${'1'.repeat(15_385)}e-999`,
  `${'1'.repeat(130_073)}e999`,
  `${'1'.repeat(130_074)}e999`,
  '1e0000131073',
  '1E-00016384',
  '0.001e131074',
  '0.001e131075',
]

test('a number is found exactly when jsonb rejects it', async (t) => {
  const { pool } = await openTestDatabase(t)
  for (const number of NUMBERS) {
    for (const json of [
      `{"a":[${number}]}`,
      `{"a":${number} }`,
      `{"a":${number},"b":"${'x'.repeat(7000)}"}`,
      `{"1234":[12,${number},"1"]}`,
      `[[123,1e5,"é",${number}]]`,
      number,
    ]) {
      const refused = await pool.query('select $1::jsonb', [json]).then(
        () => false,
        () => true,
      )
      assert.equal(findUnstorableNumber(json) !== null, refused, json.slice(0, 40))
    }
  }
})

test('digits inside strings are ignored', () => {
  assert.equal(
    findUnstorableNumber(String.raw`{"sku":"1e999999","note":"a \" 1e999999 \\","n":1}`),
    null,
  )
  assert.equal(findUnstorableNumber(String.raw`{"note":"\\","n":-1e999999}`), '1e999999')
})
