// The measured programs, and the floors of Node and Postgres. Each has its own database.

import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../src/db/migrate/migrate.ts'
import { openPool } from '../src/db/pool.ts'
import type { BenchServer } from './bench-server.ts'
import { exportRows } from './catalogue-rows.ts'
import type { Feed } from '../simulators/medipim/feed.ts'
import { measure, type Measurement } from './measure.ts'
import { endChild, forkChild, runChild } from './processes.ts'
import type { SyncFigures } from './shelfsync-sync.ts'

export type Program =
  | 'Shelfsync'
  | 'COPY and merge'
  | 'supabase-js'
  | 'floor of Node'
  | 'floor of Postgres'

/** A feed and the address of the server that sends it. */
export interface ServedFeed extends Feed {
  readonly url: string
}

/** One measurement of a program. */
export interface ProgramFigures extends Measurement {
  readonly rssPeakMb: number | null
  /** CPU time of the stand-in for the Data API, which does not belong to the program. */
  readonly dataApiCpuSeconds: number | null
}

/** The databases and files of one round. */
export interface Round {
  readonly server: BenchServer
  readonly artifacts: string
  readonly rows: string
  readonly databases: Readonly<Record<Program, string>>
}

const WITHOUT = { rssPeakMb: null, dataApiCpuSeconds: null }

/** Creates empty, migrated databases and removes the files of the previous round. */
export async function openRound(server: BenchServer, home: string): Promise<Round> {
  const artifacts = join(home, 'artifacts')
  const rows = join(home, 'rows')
  await rm(artifacts, { recursive: true, force: true })
  await rm(rows, { recursive: true, force: true })
  const floor = await createMigrated(server, 'floor')
  return {
    server,
    artifacts,
    rows,
    databases: {
      Shelfsync: await createMigrated(server, 'shelfsync'),
      'COPY and merge': await createMigrated(server, 'copy_merge'),
      'supabase-js': await createForSupabaseJs(server),
      'floor of Node': floor,
      'floor of Postgres': floor,
    },
  }
}

export function measureProgram(
  round: Round,
  program: Program,
  feed: ServedFeed,
): Promise<ProgramFigures> {
  switch (program) {
    case 'Shelfsync':
      return measureShelfsync(round, feed)
    case 'COPY and merge':
      return measureFile(round, program, ['copy-merge.ts', feed.file])
    case 'supabase-js':
      return measureSupabaseJs(round, feed)
    case 'floor of Node':
      return measureNodeFloor(round, feed)
    case 'floor of Postgres':
      return measurePostgresFloor(round)
  }
}

async function measureShelfsync(round: Round, { url }: ServedFeed): Promise<ProgramFigures> {
  const database = round.databases.Shelfsync
  const { figures, ...measurement } = await measure(round.server, database, () =>
    runChild<SyncFigures>('shelfsync-sync.ts', [url, database, `file:${round.artifacts}`]),
  )
  if (figures.state !== 'succeeded')
    throw new Error(`The run of Shelfsync is ${figures.state}: ${figures.reason}`)
  return { ...measurement, ...WITHOUT, rssPeakMb: figures.rssPeakMb }
}

async function measureSupabaseJs(round: Round, { url }: ServedFeed): Promise<ProgramFigures> {
  const database = round.databases['supabase-js']
  const { figures, ...measurement } = await measure(round.server, database, async () => {
    const api = await forkChild<{ url: string }>('data-api.ts', [database])
    const loaded = await runChild('supabase-js-load.ts', [url, api.message.url])
    api.child.send('report')
    const [{ cpuSeconds }] = (await once(api.child, 'message')) as [{ cpuSeconds: number }]
    await endChild(api.child)
    return { ...loaded, dataApiCpuSeconds: cpuSeconds }
  })
  return { ...measurement, ...WITHOUT, dataApiCpuSeconds: figures.dataApiCpuSeconds }
}

async function measureNodeFloor(round: Round, { url }: ServedFeed): Promise<ProgramFigures> {
  const { figures: _, ...measurement } = await measure(
    round.server,
    round.databases['floor of Node'],
    () => runChild('node-floor.ts', [url]),
  )
  return { ...measurement, ...WITHOUT }
}

async function measurePostgresFloor(round: Round): Promise<ProgramFigures> {
  await exportRows(round.databases.Shelfsync, round.rows)
  const measurement = await measureFile(round, 'floor of Postgres', [
    'postgres-floor.ts',
    round.rows,
  ])
  await rm(round.rows, { recursive: true })
  return measurement
}

/** Measures a file of this folder with the arguments DATABASE INPUT. */
async function measureFile(
  { server, databases }: Round,
  program: Program,
  [file, input]: readonly [file: string, input: string],
): Promise<ProgramFigures> {
  const database = databases[program]
  const { figures: _, ...measurement } = await measure(server, database, () =>
    runChild(file, [database, input]),
  )
  return { ...measurement, ...WITHOUT }
}

async function createMigrated(server: BenchServer, name: string): Promise<string> {
  const url = await server.createDatabase(name)
  const db = await openPool(url, { applicationName: 'bench' })
  await migrate(db)
  await db.end()
  return url
}

async function createForSupabaseJs(server: BenchServer): Promise<string> {
  const url = await server.createDatabase('supabase_js')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    `create table public.products
       (id text primary key, name text, status text, price_cents integer, updated_at timestamptz,
        raw jsonb)`,
  )
  await client.end()
  return url
}
