// The floor for Postgres: binary COPY of finished rows into the empty tables of the catalogue. The
// client only sends files.

import pg from 'pg'
import { importRows } from './catalogue-rows.ts'
import { reportFigures } from './processes.ts'

const [databaseUrl, folder] = process.argv.slice(2)
if (databaseUrl === undefined || folder === undefined)
  throw new Error('usage: postgres-floor.ts DATABASE FOLDER')
const client = new pg.Client({ connectionString: databaseUrl })
await client.connect()
const startedMs = performance.now()
await importRows(client, folder)
const seconds = (performance.now() - startedMs) / 1000
await client.end()
reportFigures({ seconds })
