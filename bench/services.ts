// Measures the services: idle, per run in comparison with one process, and under a load of status
// requests.

import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import pg from 'pg'
import { parseCount } from '../src/cli/arguments/numbers.ts'
import { readProcessStat } from '../src/node/process-stat.ts'
import { BENCH_HOME, openBenchServer, print, roundTo2, type BenchServer } from './bench-server.ts'
import { TICKS_PER_SECOND } from './cpu.ts'
import { loadFeed } from './feeds.ts'
import { forkChild, runChild } from './processes.ts'
import {
  ADMIN_KEY,
  createEnvironment,
  PROGRAM,
  runCommand,
  send,
  startService,
  stopService,
} from './service-process.ts'
import type { SyncFigures } from './shelfsync-sync.ts'
import type { CrowdLatency } from './status-load.ts'

const options = new Command('npm run bench:services --')
  .description(
    'Measures the services: idle, per run in comparison with one process, and under a load of ' +
      'status requests.',
  )
  .option('--products <n>', 'number of products in the feed', parseCount, 108_022)
  .option('--home <folder>', 'folder for the database and the feeds', BENCH_HOME)
  .option('--json', 'print JSON')
  .parse()
  .opts<{ products: number; home: string; json?: boolean }>()
const home = resolve(options.home)
const { products } = options
const IDLE_MS = 20_000
const LOAD = { perSecond: 1000, seconds: 30 }

{
  await using server = await openBenchServer(home, print)
  const feed = await loadFeed(join(home, 'feeds'), products, 'first-load', print)
  const supplier = await forkChild<{ url: string }>('serve-feed.ts', [feed.file])
  const { url } = supplier.message
  const alone = await runAlone(server, url)
  // Loaded first: compiled code is kept between starts, and the first start needs 15 MB more.
  const loaded = await runServices(server, url, true)
  const calm = await runServices(server, url, false)
  supplier.child.disconnect()
  const figures = {
    products,
    one_process_s: alone,
    services_s: calm.seconds,
    ratio: roundTo2(calm.seconds / alone),
    first_row_ms: calm.firstRowMs,
    idle_cpu_percent: calm.idleCpu,
    idle_rss_mb: calm.idleRssMb,
    services_under_load_s: loaded.seconds,
    load_ratio: roundTo2(loaded.seconds / calm.seconds),
    status_ms: loaded.latency,
  }
  if (options.json) console.log(JSON.stringify(figures))
  else console.table(figures)
}

async function runAlone(server: BenchServer, url: string): Promise<number> {
  const database = await server.createDatabase('alone')
  await runCommand(['migrate'], { PATH: process.env['PATH'] ?? '', DATABASE_URL: database })
  const { state, seconds } = await runChild<SyncFigures>('shelfsync-sync.ts', [
    url,
    database,
    `file:${join(home, 'artifacts')}`,
  ])
  print(`one process: ${state} in ${seconds.toFixed(1)} s`)
  return roundTo2(seconds)
}

async function runServices(server: BenchServer, url: string, isLoaded: boolean) {
  const database = await server.createDatabase(isLoaded ? 'loaded' : 'services')
  await rm(join(home, 'services'), { recursive: true, force: true })
  const env = createEnvironment(home, database)
  await runCommand(['migrate'], env)
  await runCommand(['add', 'medipim', '--no-sync', '--name', 'bench', '--api-url', url], env)
  const watcher = new pg.Client({ connectionString: database })
  await watcher.connect()
  const { service, worker, port } = await startServices(env, isLoaded)
  try {
    const idle = isLoaded ? { idleCpu: 0, idleRssMb: 0 } : await measureIdle(service)
    const startedMs = performance.now()
    const { run } = (await send(port, 'POST', '/sync')) as { run: number }
    const loadArguments = [port, LOAD.perSecond, LOAD.seconds].map(String)
    const load = isLoaded
      ? forkChild<CrowdLatency>('status-load.ts', loadArguments, { ADMIN_KEY })
      : null
    const firstRowMs = await waitForRun(watcher, run, startedMs)
    const seconds = roundTo2((performance.now() - startedMs) / 1000)
    const latency = (await load)?.message ?? null
    const title = isLoaded ? 'services under load' : 'services'
    const others = JSON.stringify({ ...idle, latency })
    print(`${title}: ${seconds} s, first row after ${firstRowMs} ms, ${others}`)
    return { seconds, firstRowMs, latency, ...idle }
  } finally {
    for (const child of [worker, service]) if (child) await stopService({ child })
    await watcher.end()
  }
}

interface Services {
  readonly service: ChildProcess
  readonly worker: ChildProcess | null
  /** Port of the orchestrator. */
  readonly port: number
}

/**
 * Under load, the orchestrator has its own process, because work in its event loop would delay it.
 */
async function startServices(env: Record<string, string>, isLoaded: boolean): Promise<Services> {
  const worker = isLoaded
    ? spawn(PROGRAM, ['serve', 'fetcher', 'maintainer'], {
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    : null
  const { child: service, port } = await startService(isLoaded ? ['orchestrator'] : [], env)
  return { service, worker, port }
}

/** Returns the milliseconds to the first applied record. */
async function waitForRun(watcher: pg.Client, run: number, startedMs: number): Promise<number> {
  let firstRowMs = 0
  for (let state = 'running'; state === 'running';) {
    const progress = await readProgress(watcher, run)
    if (firstRowMs === 0 && progress.applied > 0)
      firstRowMs = Math.round(performance.now() - startedMs)
    state = progress.state
    await new Promise((done) => setTimeout(done, firstRowMs === 0 ? 20 : 200))
  }
  return firstRowMs
}

/** Measures the share of a core and the resident memory without work. */
async function measureIdle({ pid }: ChildProcess): Promise<{ idleCpu: number; idleRssMb: number }> {
  const readSeconds = () => (readProcessStat(pid ?? 0)?.cpuTicks ?? Number.NaN) / TICKS_PER_SECOND
  await new Promise((done) => setTimeout(done, 5000))
  const before = readSeconds()
  await new Promise((done) => setTimeout(done, IDLE_MS))
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  return {
    idleCpu: roundTo2((100 * 1000 * (readSeconds() - before)) / IDLE_MS),
    idleRssMb: Math.round(rssKb / 1000),
  }
}

async function readProgress(
  client: pg.Client,
  run: number,
): Promise<{ state: string; applied: number }> {
  const { rows } = await client.query<{ state: string; applied: string }>(
    `select state,
            (select coalesce(sum(lines_done), 0) from catalog.checkpoints
             where run_id = $1) as applied
     from catalog.runs where id = $1`,
    [run],
  )
  return { state: rows[0]?.state ?? 'unknown', applied: Number(rows[0]?.applied) }
}
