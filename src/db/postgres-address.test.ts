import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectTimeoutMs, parsePostgresAddress } from './postgres-address.ts'

test('the address states how many seconds one attempt to connect may take, with ten by default', () => {
  const cases = [
    ['', 10_000],
    ['?connect_timeout=1', 1_000],
    ['?sslmode=require&connect_timeout=9999', 9_999_000],
  ] as const
  for (const [query, ms] of cases)
    assert.equal(connectTimeoutMs(parsePostgresAddress(`postgres://u:p@db.example/x${query}`)), ms)
  for (const text of ['0', '-1', '1.5', '10000', '10s', ''])
    assert.throws(
      () => parsePostgresAddress(`postgres://u:p@db.example/x?connect_timeout=${text}`),
      /expected connect_timeout to be whole seconds, from 1 to 9999/,
    )
})
