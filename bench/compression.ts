// The compression that Postgres really used for the documents of a database.

import pg from 'pg'

export interface Compression {
  /** For example lz4; null when no document is compressed. */
  readonly method: string | null
  readonly compressedRows: number
  readonly rows: number
}

/** Counts the compressed values in a column of documents, and finds their commonest method. */
export async function readCompression(
  databaseUrl: string,
  table: string,
  column = 'raw',
): Promise<Compression> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ method: string | null; count: number }>(
    `select pg_column_compression(${column}) as method, count(*)::integer as count
     from ${table} group by 1 order by 2 desc`,
  )
  await client.end()
  const compressed = rows.filter(({ method }) => method !== null)
  const count = (list: typeof rows) => list.reduce((sum, row) => sum + row.count, 0)
  return {
    method: compressed[0]?.method ?? null,
    compressedRows: count(compressed),
    rows: count(rows),
  }
}
