import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPool } from '../../src/db/pool.ts'
import { openTestDatabase } from './database.ts'
import { startPgbouncer } from './pgbouncer.ts'
import { explainMissingProgram } from './processes.ts'

const skip = explainMissingProgram('pgbouncer', 'pgbouncer')

const database = await openTestDatabase()
const options = { applicationName: 'pgbouncer test' }

for (const [poolSize, order] of [
  [1, 'last'],
  [2, 'last'],
  [2, 'turn'],
  [3, 'turn'],
  [20, 'last'],
  [20, 'turn'],
] as const) {
  test(
    `PgBouncer in transaction mode is refused: ${poolSize} server connections, ${order === 'last' ? 'the last used first' : 'in turn'}`,
    { skip },
    async (t) => {
      const { url } = await startPgbouncer(t, database.url, {
        mode: 'transaction',
        poolSize,
        order,
      })
      await assert.rejects(openPool(url, options), {
        code: 'db/unsuitable',
        message: /pooler in transaction mode: .*port 5432/,
      })
    },
  )
}

test('PgBouncer in session mode is accepted', { skip }, async (t) => {
  const pooler = await startPgbouncer(t, database.url, { mode: 'session' })
  const pool = await openPool(pooler.url, options)
  t.after(() => pool.end())
  assert.equal(pool.totalCount, 2, 'a second connection shows the mode of the pooler')
  assert.deepEqual((await pool.query('select current_database() as name')).rows, [
    { name: new URL(database.url).pathname.slice(1) },
  ])
  assert.notEqual(new URL(pooler.url).port, new URL(database.url).port)
  await pooler.stop()
  await pooler.stop()
  await assert.rejects(pool.query('select'), /terminated|ECONNREFUSED/)
})
