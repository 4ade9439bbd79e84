// Compares three ways to load the same feed into the same Postgres: Shelfsync, plain COPY with a
// merge, and supabase-js. They alternate, each in its own database. Only the ratios are meaningful.

import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { parseCount } from '../src/cli/arguments/numbers.ts'
import {
  BENCH_HOME,
  COMPRESSION,
  isDebianInstalled,
  openBenchServer,
  print,
  SERVER_NAMES,
  type BenchServer,
  type ServerName,
} from './bench-server.ts'
import { readCompression, type Compression } from './compression.ts'
import { CASES, loadFeed } from './feeds.ts'
import { isDisturbed, OTHERS_PERCENT_MAX } from './measure.ts'
import { endChild, forkChild } from './processes.ts'
import { measureProgram, openRound, type Program, type Round } from './programs.ts'
import { summariseFloors, summarisePrograms, type Feeds, type Sample } from './summary.ts'
import { formatFloors, formatNumber, formatPercent, formatPrograms } from './tables.ts'

const command = new Command('npm run bench --')
  .description(
    'Measures a first load, the same feed again and a change of 1 %, each compared with plain ' +
      'COPY and merge and with upserts by supabase-js.',
  )
  .option('--products <n>', 'number of products in the feed', parseCount, 108_022)
  .option('--rounds <n>', 'number of measurements of each case', parseCount, 3)
  .option('--no-supabase-js', 'skip supabase-js, which takes longest')
  .addOption(
    new Option(
      '--server <name>',
      'embedded Postgres (pglz), Debian’s Postgres 15 (lz4), or both (default: the installed ones)',
    ).choices([...SERVER_NAMES, 'both']),
  )
  .option('--home <folder>', 'folder for the database and the feeds', BENCH_HOME)
  .option('--json', 'print JSON')
  .parse()
const options = command.opts<{
  products: number
  rounds: number
  supabaseJs: boolean
  server?: ServerName | 'both'
  home: string
  json?: boolean
}>()
const home = resolve(options.home)
const WARNING_OF_LOAD =
  `other work used more than ${OTHERS_PERCENT_MAX} % of the machine's CPU time; ` +
  'repeat this on a quiet machine'

const feeds = await loadFeeds()
const reports: Report[] = []
for (const name of chooseServers()) {
  await using server = await openBenchServer(home, print, name)
  reports.push(await measureServer(server))
}
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
}
if (options.json) console.log(JSON.stringify({ machine, rounds: options.rounds, servers: reports }))
else {
  const { cpu, cores, memoryGb, node } = machine
  console.log(`${cpu}, ${cores} cores, ${memoryGb} GB, Node ${node}, ${options.rounds} round(s)`)
  reports.forEach(printReport)
}

interface Report {
  readonly server: ServerName
  readonly postgres: string
  /** Compression of the documents that each program loaded. */
  readonly compression: Readonly<Record<string, Compression>>
  readonly programs: ReturnType<typeof summarisePrograms>
  readonly floors: ReturnType<typeof summariseFloors>
  readonly warnings: readonly string[]
  readonly measurements: readonly Sample[]
}

function chooseServers(): readonly ServerName[] {
  const { server } = options
  const isInstalled = isDebianInstalled()
  if (server === 'embedded' || (server === undefined && !isInstalled)) return ['embedded']
  if (!isInstalled)
    command.error('Debian’s Postgres 15 is not installed: apt-get install postgresql-15')
  return server === 'debian' ? ['debian'] : SERVER_NAMES
}

async function loadFeeds() {
  const load = (name: (typeof CASES)[number]) =>
    loadFeed(join(home, 'feeds'), options.products, name, print)
  return {
    'first-load': await load('first-load'),
    again: await load('again'),
    'one-percent': await load('one-percent'),
  } satisfies Feeds
}

async function measureServer(server: BenchServer): Promise<Report> {
  const samples: Sample[] = []
  let compression: Report['compression'] = {}
  for (let number = 1; number <= options.rounds; number++) {
    const round = await openRound(server, home)
    await measureRound(round, number, samples)
    compression = await readCompressions(round)
  }
  return {
    server: server.name,
    postgres: server.version,
    compression,
    programs: summarisePrograms(samples, feeds),
    floors: summariseFloors(samples, feeds),
    warnings: [...warnOfCompression(server.name, compression), ...warnOfLoads(samples)],
    measurements: samples,
  }
}

async function measureRound(round: Round, number: number, samples: Sample[]): Promise<void> {
  for (const name of CASES) {
    const source = await forkChild<{ url: string }>('serve-feed.ts', [feeds[name].file])
    const feed = { ...feeds[name], url: source.message.url }
    const programs: Program[] = ['Shelfsync', 'COPY and merge']
    // supabase-js is slow and varies little: one measurement is enough.
    if (options.supabaseJs && number === 1) programs.push('supabase-js')
    if (name === 'first-load') programs.push('floor of Node', 'floor of Postgres')
    for (const program of programs) {
      const figures = await measureProgram(round, program, feed)
      const sample = { round: number, case: name, program, ...figures }
      samples.push(sample)
      printSample(round.server, sample)
    }
    await endChild(source.child)
  }
}

function printSample({ name }: BenchServer, sample: Sample): void {
  const { load } = sample
  print(
    `${name}, round ${sample.round}, ${sample.case}, ${sample.program}: ` +
      `${formatNumber(sample.seconds)} s, CPU of Node ${formatNumber(sample.nodeCpuSeconds)} s, ` +
      `of Postgres ${formatNumber(sample.postgresCpuSeconds)} s; ` +
      `load average ${formatNumber(load.average)}, ` +
      `other processes ${formatPercent(load.othersPercent)}, ` +
      `stolen ${formatPercent(load.stolenPercent)}`,
  )
  if (isDisturbed(load)) print(`WARNING: ${WARNING_OF_LOAD}`)
}

function warnOfLoads(samples: readonly Sample[]): string[] {
  const { length } = samples.filter(({ load }) => isDisturbed(load))
  return length === 0 ? [] : [`${length} of ${samples.length} measurements: ${WARNING_OF_LOAD}`]
}

async function readCompressions({ databases }: Round): Promise<Report['compression']> {
  const read = (program: Program, table: string, column?: string) =>
    readCompression(databases[program], table, column)
  return {
    Shelfsync: await read('Shelfsync', 'catalog.products'),
    'COPY and merge': await read('COPY and merge', 'catalog.products', 'document'),
    ...(options.supabaseJs ? { 'supabase-js': await read('supabase-js', 'public.products') } : {}),
  }
}

function warnOfCompression(server: ServerName, compression: Report['compression']): string[] {
  const expected = COMPRESSION[server]
  const { method } = compression['Shelfsync'] ?? { method: null }
  if (method === expected) return []
  return [`catalog.products.raw is compressed with ${method}, ${expected} was expected`]
}

function printReport({ server, postgres, compression, programs, floors, warnings }: Report): void {
  console.log(`\nPostgres ${postgres}, ${server}. Compression of column raw:`)
  for (const [program, { method, compressedRows, rows }] of Object.entries(compression))
    console.log(`  ${program}: ${method} in ${compressedRows} of ${rows} products`)
  for (const table of [...formatPrograms(programs), formatFloors(floors)]) console.log(`\n${table}`)
  for (const warning of warnings) console.log(`\nWARNING: ${warning}`)
}
