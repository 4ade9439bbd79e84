import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from './database.ts'

test('each test has a separate, migrated database that is dropped afterwards', async (t) => {
  const [one, two] = await Promise.all([openTestDatabase(t), openTestDatabase(t)])
  await one.pool.query('create table mine ()')
  const tables = `select to_regclass('mine') as mine, to_regclass('catalog.migrations') is not null as migrated`
  assert.deepEqual((await two.pool.query(tables)).rows, [{ mine: null, migrated: true }])
  const name = new URL(one.url).pathname.slice(1)
  await one.drop()
  await one.drop()
  assert.equal(
    (await two.pool.query('select from pg_database where datname = $1', [name])).rowCount,
    0,
  )
})

test('a test can have a database without migrations', async (t) => {
  const { pool } = await openTestDatabase(t, { migrations: [] })
  assert.deepEqual((await pool.query(`select to_regnamespace('catalog') as catalog`)).rows, [
    { catalog: null },
  ])
})
