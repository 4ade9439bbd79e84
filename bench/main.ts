// Compares three ways to load the same feed into the same Postgres: Shelfsync, plain COPY with a
// merge, and supabase-js. They alternate, each in its own database. Only the ratios are meaningful.

import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import pg from 'pg'
import { parseCount } from '../src/cli/parse-numbers.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { openPool } from '../src/db/pool.ts'
import { BENCH_HOME, openBenchServer, print, roundTo2, type BenchServer } from './bench-server.ts'
import { runCopyMerge } from './copy-merge.ts'
import { CASES, loadFeed, type Case } from './feeds.ts'
import { forkChild } from './processes.ts'

const options = new Command('npm run bench --')
  .description(
    'Measures a first load, the same feed again and a change of 1 %, each compared with plain ' +
      'COPY and merge and with upserts by supabase-js.',
  )
  .option('--products <n>', 'number of products in the feed', parseCount, 108_022)
  .option('--rounds <n>', 'number of measurements of each case', parseCount, 3)
  .option('--no-supabase-js', 'skip supabase-js, which takes longest')
  .option('--home <folder>', 'folder for the database and the feeds', BENCH_HOME)
  .option('--json', 'print JSON')
  .parse()
  .opts<{ products: number; rounds: number; supabaseJs: boolean; home: string; json?: boolean }>()

interface Measure {
  readonly seconds: number
  readonly rowsWritten: number
  readonly walBytes: number
  readonly rssPeakMb: number
}

/** Seconds of each round, by case. */
interface Measures {
  readonly shelfsync: Map<Case, Measure[]>
  readonly copyMerge: Map<Case, number[]>
  readonly supabaseJs: Map<Case, number[]>
}

interface Databases {
  readonly shelfsync: string
  readonly copyMerge: string
  readonly supabaseJs: string
}

const TABLES = `('products', 'variants', 'prices', 'images')`
const home = resolve(options.home)
const { products, rounds } = options

{
  await using server = await openBenchServer(home, print)
  const measures: Measures = {
    shelfsync: new Map(CASES.map((name) => [name, []])),
    copyMerge: new Map(CASES.map((name) => [name, []])),
    supabaseJs: new Map(CASES.map((name) => [name, []])),
  }
  for (let round = 1; round <= rounds; round++) await measureRound(server, round, measures)
  const cases = await Promise.all(CASES.map((name) => summarise(name, measures)))
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  }
  if (options.json)
    console.log(JSON.stringify({ machine, cases: cases.map(({ noise: _, ...rest }) => rest) }))
  else console.table(cases)
}

async function measureRound(server: BenchServer, round: number, measures: Measures): Promise<void> {
  const databases: Databases = {
    shelfsync: await createMigrated(server, 'shelfsync'),
    copyMerge: await createMigrated(server, 'copy_merge'),
    supabaseJs: await createMigrated(server, 'supabase_js'),
  }
  const artifacts = join(home, 'artifacts')
  await rm(artifacts, { recursive: true, force: true })
  for (const name of CASES) {
    const feed = await loadFeed(join(home, 'feeds'), products, name, print)
    const source = await forkChild<{ url: string }>('serve-feed.ts', [feed.file])
    const { url } = source.message
    const measure = await measureShelfsync(url, databases.shelfsync, `file:${artifacts}`)
    measures.shelfsync.get(name)?.push(measure)
    const copySeconds = await runCopyMerge(databases.copyMerge, feed.file)
    measures.copyMerge.get(name)?.push(copySeconds)
    // supabase-js is slow and varies little: one measurement is enough.
    if (options.supabaseJs && round === 1)
      measures.supabaseJs.get(name)?.push(await measureSupabaseJs(url, databases.supabaseJs))
    source.child.disconnect()
    const seconds = `Shelfsync ${measure.seconds.toFixed(1)} s, COPY ${copySeconds.toFixed(1)} s`
    print(`round ${round}, ${name}: ${seconds}, ${JSON.stringify(measure)}`)
  }
}

async function summarise(name: Case, { shelfsync, copyMerge, supabaseJs }: Measures) {
  const measures = shelfsync.get(name) ?? []
  const seconds = measures.map((measure) => measure.seconds)
  const copySeconds = copyMerge.get(name) ?? []
  const ratios = seconds.map((value, round) => value / (copySeconds[round] ?? Number.NaN))
  const { bytes, lines } = await loadFeed(join(home, 'feeds'), products, name, print)
  return {
    case: name,
    products: lines,
    bytes,
    shelfsync_s: roundTo2(findMedian(seconds)),
    copy_merge_s: roundTo2(findMedian(copySeconds)),
    supabase_js_s: options.supabaseJs ? roundTo2(findMedian(supabaseJs.get(name) ?? [])) : null,
    ratio_copy_merge: roundTo2(findMedian(ratios)),
    rows_written: findMedian(measures.map(({ rowsWritten }) => rowsWritten)),
    wal_bytes: findMedian(measures.map(({ walBytes }) => walBytes)),
    rss_peak_mb: Math.max(...measures.map(({ rssPeakMb }) => rssPeakMb)),
    noise: `${roundTo2(Math.min(...ratios))}–${roundTo2(Math.max(...ratios))}`,
  }
}

async function measureShelfsync(
  url: string,
  database: string,
  artifacts: string,
): Promise<Measure> {
  const before = await readCounters(database)
  const { child, message } = await forkChild<{
    seconds: number
    state: string
    reason: string | null
    rssPeakMb: number
  }>('shelfsync-sync.ts', [url, database, artifacts])
  if (child.exitCode === null) await once(child, 'exit')
  if (message.state !== 'succeeded')
    throw new Error(`The run of Shelfsync is ${message.state}: ${message.reason}`)
  const after = await readCounters(database)
  return {
    seconds: message.seconds,
    rowsWritten: after.rows - before.rows,
    walBytes: after.wal - before.wal,
    rssPeakMb: message.rssPeakMb,
  }
}

async function measureSupabaseJs(feedUrl: string, database: string): Promise<number> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await client.query(
    `create table if not exists public.products
       (id text primary key, name text, status text, price_cents integer, updated_at timestamptz,
        raw jsonb)`,
  )
  await client.end()
  const api = await forkChild<{ url: string }>('data-api.ts', [database])
  const { message } = await forkChild<{ seconds: number }>('supabase-js-load.ts', [
    feedUrl,
    api.message.url,
  ])
  api.child.disconnect()
  return message.seconds
}

async function createMigrated(server: BenchServer, name: string): Promise<string> {
  const url = await server.createDatabase(name)
  const db = await openPool(url, { applicationName: 'bench' })
  await migrate(db)
  await db.end()
  return url
}

/**
 * Reads the number of rows inserted, updated or deleted in the large tables, and the WAL position.
 * Postgres updates the statistics when a connection ends.
 */
async function readCounters(database: string): Promise<{ rows: number; wal: number }> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const { rows } = await client.query<{ rows: string; wal: string }>(
    `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) as rows,
            pg_current_wal_lsn() - '0/0' as wal
     from pg_stat_user_tables where schemaname = 'catalog' and relname in ${TABLES}`,
  )
  await client.end()
  return { rows: Number(rows[0]?.rows), wal: Number(rows[0]?.wal) }
}

function findMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
