// The rows of the catalogue's large tables as binary COPY files, for the floor of Postgres.

import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'

export const LARGE_TABLES = ['products', 'variants', 'prices', 'images'] as const

/** Writes one file for each table into `folder`. */
export async function exportRows(databaseUrl: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  for (const table of LARGE_TABLES) {
    const rows = client.query(copyTo(`copy catalog.${table} to stdout (format binary)`))
    await pipeline(rows, createWriteStream(toFile(folder, table)))
  }
  await client.end()
}

/** Copies the files of `folder` into the tables, which have all their indexes. */
export async function importRows(client: pg.Client, folder: string): Promise<void> {
  for (const table of LARGE_TABLES) {
    const input = createReadStream(toFile(folder, table), { highWaterMark: 1 << 20 })
    await pipeline(
      input,
      client.query(copyFrom(`copy catalog.${table} from stdin (format binary)`)),
    )
  }
}

function toFile(folder: string, table: string): string {
  return join(folder, `${table}.copy`)
}
