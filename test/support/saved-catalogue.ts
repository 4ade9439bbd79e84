// Populated catalogues of released versions, to test the migrations that came after them. A file in
// test/upgrade holds the rows that the code of its release has written, because later code may need
// later functions. The released migrations, which never change, create the tables for them.

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { listMigrations } from '../../src/db/migrate/migration-files.ts'
import type { Db } from '../../src/db/pool.ts'
import { openTestDatabase, type Lifetime } from './database.ts'
import { openToy } from './toy/open.ts'

const DIRECTORY = fileURLToPath(new URL('../upgrade/', import.meta.url))

/** The place of the supplier's address in a file. */
const ADDRESS = 'http://toy.example'

const SavedCatalogue = z.strictObject({
  version: z.string(),
  /** The files that were released, in order. */
  migrations: z.array(z.string()),
  source: z.string(),
  /** The supplier's list when the catalogue was saved. */
  records: z.array(z.record(z.string(), z.json())),
  /** The rows of each table as JSON, with the columns that are not generated. */
  tables: z.record(z.string(), z.strictObject({ columns: z.array(z.string()), rows: z.string() })),
  sequences: z.record(z.string(), z.int()),
})
export type SavedCatalogue = z.infer<typeof SavedCatalogue>

export function listSavedCatalogues(): SavedCatalogue[] {
  return globSync('*.json', { cwd: DIRECTORY })
    .sort()
    .map((file) => SavedCatalogue.parse(JSON.parse(readFileSync(`${DIRECTORY}${file}`, 'utf8'))))
}

/**
 * Saves a catalogue that the present code has written. It has changed, unavailable, missing and
 * removed products, a held price and a record in quarantine.
 */
export async function saveCatalogue(t: Lifetime, version: string): Promise<SavedCatalogue> {
  const { pool: db } = await openTestDatabase(t)
  const { pipeline, supplier } = await openToy(t, { db, start: { products: 14 } })
  const { catalogue } = supplier
  const [changed = '', dear = '', away = '', invalid = '', ...others] = catalogue.ids()
  const [missing = '', removed = ''] = others.slice(-2)
  const patch = { price: 'a few' }
  await pipeline.sync()
  catalogue.remove([removed])
  catalogue.setPrice([changed], { cents: 1100 })
  await pipeline.sync()
  catalogue.update([changed])
  catalogue.setPrice([dear], { factor: 20 })
  catalogue.deactivate([away])
  catalogue.update([invalid], patch)
  await pipeline.sync()
  catalogue.remove([missing])
  await pipeline.sync()
  return SavedCatalogue.parse({
    version,
    migrations: (await listMigrations()).map(({ file }) => file),
    source: pipeline.name,
    records: catalogue.records().map(({ record }) => record),
    tables: await readTables(db, supplier.url),
    sequences: await readSequences(db),
  })
}

async function readTables(db: Db, address: string): Promise<SavedCatalogue['tables']> {
  const { rows: tables } = await db.query<{ name: string; columns: string[] }>(
    `select relname as name, array_agg(attname::text order by attnum) as columns
    from pg_class c join pg_attribute on attrelid = c.oid
    where relnamespace = 'catalog'::regnamespace and relkind = 'r' and relname <> 'migrations'
      and attnum > 0 and not attisdropped and attgenerated = '' group by 1 order by 1`,
  )
  const saved: SavedCatalogue['tables'] = {}
  for (const { name, columns } of tables) {
    const { rows } = await db.query<{ json: string }>(
      `select coalesce(json_agg(t), '[]')::text as json from (select ${columns.join(', ')} from catalog.${name}) t`,
    )
    saved[name] = { columns, rows: (rows[0]?.json ?? '').replaceAll(address, ADDRESS) }
  }
  return saved
}

async function readSequences(db: Db): Promise<SavedCatalogue['sequences']> {
  const { rows } = await db.query<{ name: string; value: number }>(
    `select sequencename::text as name, last_value as value from pg_sequences
    where schemaname = 'catalog' and last_value is not null order by 1`,
  )
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

/** Opens a database with the released migrations and the saved rows. */
export async function openSavedCatalogue(
  t: Lifetime,
  { migrations, tables, sequences }: SavedCatalogue,
  address: string,
): Promise<Db> {
  const released = (await listMigrations()).filter(({ file }) => migrations.includes(file))
  const { pool: db } = await openTestDatabase(t, { migrations: released })
  await db.transaction(async (client) => {
    // Without foreign keys and triggers, in any order.
    await client.query('set local session_replication_role = replica')
    for (const [name, { columns, rows }] of Object.entries(tables)) {
      const list = columns.join(', ')
      await client.query(`delete from catalog.${name}`)
      await client.query(
        `insert into catalog.${name} (${list}) overriding system value
        select ${list} from json_populate_recordset(null::catalog.${name}, $1)`,
        [rows.replaceAll(ADDRESS, address)],
      )
    }
    for (const [name, value] of Object.entries(sequences))
      await client.query(`select setval('catalog.${name}', $1)`, [value])
  })
  return db
}
