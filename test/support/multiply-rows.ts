// Copies the products of a small catalogue many times by SQL, with all rows that belong to them: a large
// catalogue in seconds, in which every row has the form that the pipeline gave to its original.

import type { Db } from '../../src/db/pool.ts'

/** The tables of a product, each with the column that contains the product's key. */
const TABLES = [
  ['products', 'external_id'],
  ['variants', 'product_external_id'],
  ['prices', 'product_external_id'],
  ['images', 'product_external_id'],
  ['changes', 'product_external_id'],
  ['reviews', 'product_external_id'],
  ['search_entries', 'external_id'],
] as const

/** Adds `copies` of each product of the source; the key of copy n ends in `-n`. */
export async function multiplyProducts(db: Db, source: number, copies: number): Promise<void> {
  for (const [table, key] of TABLES) await multiply(db, source, copies, { table, key })
  await db.query(
    `update catalog.sources set next_seq = (select max(seq) + 1 from catalog.products where source_id = $1)
     where id = $1`,
    [source],
  )
}

async function multiply(
  db: Db,
  source: number,
  copies: number,
  { table, key }: { readonly table: string; readonly key: string },
): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0
       and not attisdropped and attidentity = '' and attgenerated = '' order by attnum`,
    [`catalog.${table}`],
  )
  const names = rows.map(({ name }) => name)
  const own: Readonly<Record<string, string>> = {
    [key]: `t.${key} || '-' || n`,
    seq: 't.seq + n * (select max(seq) + 1 from catalog.products where source_id = $1)',
    position:
      table === 'changes'
        ? `case when t.position is not null then
             (select max(position) from catalog.changes) + row_number() over () end`
        : 't.position',
  }
  const values = names.map((name) => own[name] ?? `t.${name}`)
  await db.query(
    `insert into catalog.${table} (${names.join(', ')})
     select ${values.join(', ')} from catalog.${table} t cross join generate_series(1, $2::integer) n
     where t.source_id = $1 and t.${key} is not null`,
    [source, copies],
  )
}
