// Constants that both TypeScript and supabase/schemas have.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { CLOCK_TOLERANCE_MS } from '../core/source-time.ts'

test('TypeScript and SQL have the same clock tolerance', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { rows } = await pool.query<{ ms: number }>(
    'select (1000 * extract(epoch from catalog.clock_tolerance()))::integer as ms',
  )
  assert.deepEqual(rows, [{ ms: CLOCK_TOLERANCE_MS }])
})
