import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { toBytes } from './catalog.ts'

test('bytes are read unchanged in both output formats of Postgres', async (t) => {
  const { pool } = await openTestDatabase(t, { migrations: [] })
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  for (const output of ['hex', 'escape']) {
    const { rows } = await pool.query<{ text: string }>(
      `select set_config('bytea_output', $1, true), to_json($2::bytea) #>> '{}' as text`,
      [output, bytes],
    )
    assert.deepEqual(new Uint8Array(toBytes(rows[0]?.text ?? '')), bytes, output)
  }
})
