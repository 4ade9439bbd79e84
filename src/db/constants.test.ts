// Constants that both TypeScript and supabase/schemas have.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { ERRORS } from '../core/error-table.ts'
import { decimalsOf } from '../core/money.ts'
import { Policy } from '../core/policy.ts'
import { SKIPPING } from '../core/refreshing.ts'
import { HOT_AGE_MINUTES, REFRESH_AGE_MINUTES } from '../core/schedule.ts'
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

test('TypeScript and SQL have the same times until products are due, and skip after the same errors', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { rows } = await pool.query<{ age: number; hot: number; skipping: string[] }>(
    `select extract(epoch from age)::integer / 60 as age, extract(epoch from hot_age)::integer / 60 as hot,
       array(select code from unnest($1::text[]) code where catalog.is_skipped(code)) as skipping
     from catalog.load_refresh_ages('{"refresh": {"products": "due"}}')`,
    [Object.keys(ERRORS)],
  )
  const [row] = rows
  assert.deepEqual([row?.age, row?.hot], [REFRESH_AGE_MINUTES, HOT_AGE_MINUTES])
  assert.deepEqual(row?.skipping.toSorted(), SKIPPING.toSorted())
})
