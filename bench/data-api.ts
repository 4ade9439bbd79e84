// Stands in for the Data API in the supabase-js benchmark: runs the same SQL for an upsert as
// PostgREST. https://docs.postgrest.org/en/stable/references/api/tables_views.html#upsert

import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import pg from 'pg'
import { readOwnCpuSeconds } from './processes.ts'

const [databaseUrl] = process.argv.slice(2)
if (databaseUrl === undefined) throw new Error('usage: data-api.ts DATABASE')
const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
const COLUMNS = 'id, name, status, price_cents, updated_at, raw'
const UPSERT = `
  with payload as (select $1::json as body)
  insert into public.products (${COLUMNS})
  select ${COLUMNS} from payload, json_populate_recordset(null::public.products, payload.body)
  on conflict (id) do update set name = excluded.name, status = excluded.status,
    price_cents = excluded.price_cents, updated_at = excluded.updated_at, raw = excluded.raw`

const server = createServer((request, response) => {
  buffer(request)
    .then((body) => pool.query(UPSERT, [body.toString()]))
    .then(() => response.writeHead(201).end())
    .catch((error: unknown) =>
      response
        .writeHead(500, { 'content-type': 'application/json' })
        .end(JSON.stringify({ message: String(error) })),
    )
})
// Longer than any pause between two chunks: a connection that is closed at the moment of the next
// request fails that request.
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object')
    process.send?.({ url: `http://127.0.0.1:${address.port}` })
})
// The parent requests the CPU time before it disconnects.
process.on('message', () => process.send?.({ cpuSeconds: readOwnCpuSeconds() }))
process.on('disconnect', () => {
  server.close()
  void pool.end()
})
