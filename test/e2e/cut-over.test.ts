// The statements of docs/cut-over.md, in their order, on a database with the table of an earlier sync.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim, priceActiveProducts } from '../support/medipim.ts'
import { readPage } from '../support/pages.ts'

/** The table as its specification has it. */
const OLD_TABLE = `create table public.products (
  id          text primary key,
  name        text,
  price_cents integer,
  updated_at  timestamptz default now(),
  raw         jsonb
)`

/** In place of `service_role`, because roles belong to the server. */
const READER = `cut_over_reader_${process.pid}`

const { pool: db } = await openTestDatabase()

test('the old table is compared, replaced by a view with the same columns, and gets its name back', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const [first = '', second = '', third = '', fourth = ''] = priceActiveProducts(simulator)
  await pipeline.sync()
  await db.query(OLD_TABLE)
  await db.query(
    `insert into public.products
     select id, name, price_cents, updated_at, raw from api.medipim_products_raw
     where source = $1 and id <> $2`,
    [pipeline.name, first],
  )
  await db.query(
    `insert into public.products (id, name) values ('M-WITHDRAWN', 'Withdrawn');
     update public.products set name = 'Old name' where id = '${second}';
     update public.products set price_cents = 1 where id = '${third}';
     update public.products set price_cents = null where id = '${fourth}'`,
  )
  const statements = readPage('docs/cut-over.md')
    .fences.filter(({ language }) => language === 'sql')
    .map(({ code }) => code.replaceAll('medipim-au', pipeline.name))
  assert.equal(statements.length, 5)
  const [count = '', list = '', replace = '', grant = '', goBack = ''] = statements

  const { rows: counts } = await db.query(count)
  assert.deepEqual(counts, [
    {
      old_products: 30,
      new_products: 30,
      only_old: 1,
      only_new: 1,
      other_name: 1,
      other_price: 2,
    },
  ])
  const { rows: differences } = await db.query(list)
  assert.deepEqual(Object.fromEntries(differences.map(({ id, difference }) => [id, difference])), {
    [first]: 'only new',
    [second]: 'differs',
    [third]: 'differs',
    [fourth]: 'differs',
    'M-WITHDRAWN': 'only old',
  })
  for (const { difference, old_version, new_version } of differences)
    if (difference === 'differs') assert.deepEqual(old_version, new_version)

  const before = await describeColumns()
  await db.query(replace)
  assert.deepEqual(await describeColumns(), before)
  await db.query(`create role ${READER} nologin; select catalog.publish('${READER}')`)
  await db.query(grant.replaceAll('service_role', READER))
  const { rows: read } = await readAs(
    `select name is not null as named, price_cents, raw ->> 'id' as id from public.products
     where id = '${third}'`,
  )
  assert.deepEqual(read, [{ named: true, price_cents: 1000, id: third }])

  await db.query(`drop owned by ${READER}; drop role ${READER}`)
  await db.query(goBack)
  const { rows: old } = await db.query(`select name from public.products where id = $1`, [second])
  assert.deepEqual(old, [{ name: 'Old name' }])
})

async function readAs(query: string): Promise<{ rows: unknown[] }> {
  const client = await db.connect()
  try {
    await client.query(`begin; set local role ${READER}`)
    return await client.query(query)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

async function describeColumns(): Promise<unknown[]> {
  const { rows } = await db.query(
    `select column_name, data_type from information_schema.columns
     where table_schema = 'public' and table_name = 'products' order by ordinal_position`,
  )
  return rows
}
