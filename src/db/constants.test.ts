// Constants that both TypeScript and supabase/schemas have.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { decimalsOf } from '../core/money.ts'
import { Policy } from '../core/policy.ts'
import { CLOCK_TOLERANCE_MS } from '../core/source-time.ts'

test('TypeScript and SQL have the same clock tolerance', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { rows } = await pool.query<{ ms: number }>(
    'select (1000 * extract(epoch from catalog.clock_tolerance()))::integer as ms',
  )
  assert.deepEqual(rows, [{ ms: CLOCK_TOLERANCE_MS }])
})

test('TypeScript and SQL have the same default policy, and count the same decimals', async (t) => {
  const { pool } = await openTestDatabase(t)
  const currencies = [...Intl.supportedValuesOf('currency'), 'UYW', 'UYI', 'CLF']
  const { rows } = await pool.query<{ policy: unknown; decimals: number[] }>(
    `select catalog.default_policy() as policy,
       array(select catalog.count_decimals(c) from unnest($1::text[]) with ordinality u (c, n) order by n) as decimals`,
    [currencies],
  )
  assert.deepEqual(rows, [{ policy: Policy.parse({}), decimals: currencies.map(decimalsOf) }])
})
