import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { NAMING_TABLES, removeSource, TABLES } from './remove-source.ts'
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

test('every table with rows of sources is in a list, except the log of actions, which outlives them', async (t) => {
  const { pool } = await openTestDatabase(t)
  const listTables = async (column: string): Promise<string[]> => {
    const { rows } = await pool.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'catalog'::regnamespace and c.relkind in ('r', 'p')
           and a.attname = $1 and not a.attisdropped`,
      [column],
    )
    return rows.map(({ name }) => name).sort()
  }
  assert.deepEqual(await listTables('source_id'), ['actions', ...TABLES].sort())
  assert.deepEqual(await listTables('source'), ['actions', ...NAMING_TABLES].sort())
})
