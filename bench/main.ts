// Three ways to bring the same feed into the same Postgres, alternating, on databases of their own.
// Only ratios mean anything.

import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import pg from 'pg'
import { parseCount } from '../src/cli/parse-numbers.ts'
import { openEmbedded } from '../src/embedded-postgres/embedded.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { openPool } from '../src/db/pool.ts'
import { runBare } from './copy-merge.ts'
import { forkChild } from './processes.ts'
import { CASES, loadFeed, type Case } from './feeds.ts'

const options = new Command('npm run bench --')
  .description(
    'Times a first load, the same feed again and a change of 1 %, each against bare COPY and merge and against the usual chunked upsert.',
  )
  .option('--products <n>', 'how many are in the feed', parseCount, 108_022)
  .option('--rounds <n>', 'how often each is run', parseCount, 3)
  .option('--no-usual', 'leave the chunked upsert out, which takes longest')
  .option(
    '--home <folder>',
    'where database and feeds are kept',
    join(process.env['SHELFSYNC_HOME'] ?? '.shelfsync', 'bench'),
  )
  .option('--json', 'print JSON')
  .parse()
  .opts<{ products: number; rounds: number; usual: boolean; home: string; json?: boolean }>()

interface Measure {
  readonly seconds: number
  readonly rowsWritten: number
  readonly walBytes: number
  readonly rssPeakMb: number
}

const TABLES = `('products', 'variants', 'prices', 'images')`
const say = (text: string) => void process.stderr.write(`${text}\n`)

const home = resolve(options.home)
const { products, rounds } = options
// The checkpointer and autovacuum would write into somebody's minute by chance.
const server = await openEmbedded({
  home,
  settings: { autovacuum: 'off', checkpoint_timeout: '1h', max_wal_size: '20GB' },
  onProgress: say,
})
const admin = new pg.Client({ connectionString: server.url })
await admin.connect()
try {
  const cases = await measureAll()
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  }
  if (options.json)
    console.log(JSON.stringify({ machine, cases: cases.map(({ noise: _, ...rest }) => rest) }))
  else console.table(cases)
} finally {
  await admin.end()
  await server.stop()
}

async function measureAll() {
  const ours = new Map<Case, Measure[]>(CASES.map((name) => [name, []]))
  const bare = new Map<Case, number[]>(CASES.map((name) => [name, []]))
  const usual = new Map<Case, number[]>(CASES.map((name) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    const [oursDb, bareDb, usualDb] = [
      await freshDatabase('ours'),
      await freshDatabase('bare'),
      await freshDatabase('usual'),
    ]
    const artifacts = join(home, 'artifacts')
    await rm(artifacts, { recursive: true, force: true })
    for (const name of CASES) {
      const feed = await loadFeed(join(home, 'feeds'), products, name, say)
      const source = await forkChild<{ url: string }>('serve-feed.ts', [feed.file])
      const measure = await measureOurs(source.message.url, oursDb, `file:${artifacts}`)
      ours.get(name)?.push(measure)
      const bareSeconds = await runBare(bareDb, feed.file)
      bare.get(name)?.push(bareSeconds)
      // The usual way is slow and steady: once is enough.
      if (options.usual && round === 1)
        usual.get(name)?.push(await measureUsual(source.message.url, usualDb))
      source.child.disconnect()
      say(
        `round ${round}, ${name}: ours ${measure.seconds.toFixed(1)} s, bare ${bareSeconds.toFixed(1)} s, ${JSON.stringify(measure)}`,
      )
    }
  }
  return Promise.all(
    CASES.map(async (name) => {
      const measures = ours.get(name) ?? []
      const seconds = measures.map((measure) => measure.seconds)
      const bareSeconds = bare.get(name) ?? []
      const ratios = seconds.map((value, round) => value / (bareSeconds[round] ?? Number.NaN))
      const { bytes, lines } = await loadFeed(join(home, 'feeds'), products, name, say)
      return {
        case: name,
        products: lines,
        bytes,
        ours_s: round2(median(seconds)),
        bare_s: round2(median(bareSeconds)),
        usual_s: options.usual ? round2(median(usual.get(name) ?? [])) : null,
        ratio_bare: round2(median(ratios)),
        rows_written: median(measures.map(({ rowsWritten }) => rowsWritten)),
        wal_bytes: median(measures.map(({ walBytes }) => walBytes)),
        rss_peak_mb: Math.max(...measures.map(({ rssPeakMb }) => rssPeakMb)),
        noise: `${round2(Math.min(...ratios))}–${round2(Math.max(...ratios))}`,
      }
    }),
  )
}

async function measureOurs(url: string, database: string, artifacts: string): Promise<Measure> {
  const before = await readCounters(database)
  const { child, message } = await forkChild<{
    seconds: number
    state: string
    reason: string | null
    rssPeakMb: number
  }>('shelfsync-sync.ts', [url, database, artifacts])
  if (child.exitCode === null) await once(child, 'exit')
  if (message.state !== 'succeeded')
    throw new Error(`our run is ${message.state}: ${message.reason}`)
  const after = await readCounters(database)
  return {
    seconds: message.seconds,
    rowsWritten: after.rows - before.rows,
    walBytes: after.wal - before.wal,
    rssPeakMb: message.rssPeakMb,
  }
}

async function measureUsual(feedUrl: string, database: string): Promise<number> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await client.query(
    'create table if not exists public.products (id text primary key, name text, status text, price_cents integer, updated_at timestamptz, raw jsonb)',
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

async function freshDatabase(name: string): Promise<string> {
  await admin.query(`drop database if exists bench_${name} with (force)`)
  await admin.query(`create database bench_${name}`)
  const url = new URL(server.url)
  url.pathname = `/bench_${name}`
  const db = await openPool(url.href, { applicationName: 'bench' })
  await migrate(db)
  await db.end()
  return url.href
}

/**
 * Rows that were inserted, updated or deleted in the catalogue's big tables, and the WAL position.
 * Backends report when they leave.
 */
async function readCounters(database: string): Promise<{ rows: number; wal: number }> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const { rows } = await client.query<{ rows: string; wal: string }>(
    `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) as rows, pg_current_wal_lsn() - '0/0' as wal
     from pg_stat_user_tables where schemaname = 'catalog' and relname in ${TABLES}`,
  )
  await client.end()
  return { rows: Number(rows[0]?.rows), wal: Number(rows[0]?.wal) }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
