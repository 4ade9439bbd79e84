import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { removeSource, TABLES } from './remove-source.ts'
import { addSource, listSources } from '../sources.ts'

const SCHEDULE = { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' } as const

test('a source is removed with its runs, and its neighbour stays', async (t) => {
  const { pool } = await openTestDatabase(t)
  for (const name of ['one', 'two']) {
    const { id } = await addSource(pool, {
      name,
      connector: 'shopify',
      settings: {},
      schedule: SCHEDULE,
    })
    await pool.query(
      `select catalog.start_run($1, 'full', null, null, false, 1, 'me', null, '15 s', '1 day', 'test', false, '{}')`,
      [id],
    )
  }
  await assert.rejects(removeSource(pool, 'one'), { code: 'run/active' })
  await pool.query(
    `select catalog.cancel_run(r.id) from catalog.runs r join catalog.sources s on s.id = r.source_id where s.name = 'one'`,
  )
  await removeSource(pool, 'one')
  await removeSource(pool, 'one')
  assert.deepEqual(
    (await listSources(pool)).map(({ name }) => name),
    ['two'],
  )
  assert.equal((await pool.query('select from catalog.runs')).rowCount, 1)
})

test('every table with rows of sources is in the list, except the log of actions, which outlives them', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { rows } = await pool.query<{
    name: string
  }>(`select table_name as name from information_schema.columns
    join information_schema.tables using (table_schema, table_name)
    where table_schema = 'catalog' and table_type = 'BASE TABLE' and column_name = 'source_id'`)
  assert.deepEqual(rows.map(({ name }) => name).sort(), ['actions', ...TABLES].sort())
})
