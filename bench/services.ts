// What the services cost: idle, per run against one process that does it alone, and under a crowd
// that asks how things stand.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import pg from 'pg'
import { parseCount } from '../src/cli/parse-numbers.ts'
import { openEmbedded } from '../src/embedded-postgres/embedded.ts'
import { loadFeed } from './feeds.ts'
import { forkChild } from './processes.ts'
import type { CrowdLatency } from './status-load.ts'

const options = new Command('npm run bench:services --')
  .description(
    'Measures what the services cost: idle, per run against one process that does it alone, and under a crowd that asks how things stand.',
  )
  .option('--products <n>', 'how many are in the feed', parseCount, 108_022)
  .option(
    '--home <folder>',
    'where database and feeds are kept',
    join(process.env['SHELFSYNC_HOME'] ?? '.shelfsync', 'bench'),
  )
  .option('--json', 'print JSON')
  .parse()
  .opts<{ products: number; home: string; json?: boolean }>()
const home = resolve(options.home)
const { products } = options
const program = join(import.meta.dirname, '../bin/shelfsync')
const ADMIN_KEY = 'only-for-this-measurement'
const IDLE_MS = 20_000
const CROWD = { perSecond: 1000, seconds: 30 }
const say = (text: string) => void process.stderr.write(`${text}\n`)

const server = await openEmbedded({
  home,
  settings: { autovacuum: 'off', checkpoint_timeout: '1h', max_wal_size: '20GB' },
  onProgress: say,
})
const admin = new pg.Client({ connectionString: server.url })
await admin.connect()
try {
  const feed = await loadFeed(join(home, 'feeds'), products, 'first-load', say)
  const supplier = await forkChild<{ url: string }>('serve-feed.ts', [feed.file])
  const { url } = supplier.message
  const alone = await runAlone(url)
  // The crowd first: compiled code is kept between starts, and the very first one is 15 MB larger.
  const crowded = await runServices(url, true)
  const calm = await runServices(url, false)
  supplier.child.disconnect()
  const figures = {
    products,
    alone_s: alone,
    services_s: calm.seconds,
    ratio: round(calm.seconds / alone),
    first_row_ms: calm.firstRowMs,
    idle_cpu_percent: calm.idleCpu,
    idle_rss_mb: calm.idleRssMb,
    crowded_s: crowded.seconds,
    slowed: round(crowded.seconds / calm.seconds),
    status_ms: crowded.latency,
  }
  if (options.json) console.log(JSON.stringify(figures))
  else console.table(figures)
} finally {
  await admin.end()
  await server.stop()
}

async function runAlone(url: string): Promise<number> {
  const database = await freshDatabase('alone')
  const { child, message } = await forkChild<{ seconds: number; state: string }>(
    'shelfsync-sync.ts',
    [url, database, `file:${join(home, 'artifacts')}`],
  )
  if (child.exitCode === null) await once(child, 'exit')
  say(`alone: ${message.state} in ${message.seconds.toFixed(1)} s`)
  return round(message.seconds)
}

async function runServices(url: string, crowded: boolean) {
  const database = await freshDatabase(crowded ? 'crowded' : 'services')
  await rm(join(home, 'services'), { recursive: true, force: true })
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database,
    SHELFSYNC_HOME: join(home, 'services'),
    ADMIN_KEY,
    MEDIPIM_API_KEY: '42:secret',
    LOG_LEVEL: 'warn',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    FETCHER_PORT: '0',
    MAINTAINER_PORT: '0',
    ORCHESTRATOR_PORT: '0',
    METRICS_PORT: '0',
    LISTEN_HOST: '127.0.0.1',
  }
  await command(['migrate'], env)
  await command(['add', 'medipim', '--no-sync', '--name', 'bench', '--api-url', url], env)
  const watcher = new pg.Client({ connectionString: database })
  await watcher.connect()
  // Who is asked by a crowd has a process of its own; work that shares its event loop would make it
  // wait.
  const worker = crowded
    ? spawn(program, ['serve', 'fetcher', 'maintainer'], {
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    : null
  const service = spawn(program, ['serve', ...(crowded ? ['orchestrator'] : []), '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(createInterface(service.stdout), 'line')) as [string]
    const { servers } = JSON.parse(line) as { servers: { name: string; port: number }[] }
    const port = servers.find(({ name }) => name === 'orchestrator')?.port ?? 0
    const idle = crowded ? { idleCpu: 0, idleRssMb: 0 } : await measureIdle(service)
    const startedMs = performance.now()
    const { run } = (await ask(port, 'POST', '/sync')) as { run: number }
    const crowd = crowded
      ? forkChild<CrowdLatency>(
          'status-load.ts',
          [port, CROWD.perSecond, CROWD.seconds].map(String),
          {
            ADMIN_KEY,
          },
        )
      : null
    let firstRowMs = 0
    for (let state = 'running'; state === 'running';) {
      const seen = await progressOf(watcher, run)
      if (firstRowMs === 0 && seen.applied > 0)
        firstRowMs = Math.round(performance.now() - startedMs)
      state = seen.state
      await new Promise((done) => setTimeout(done, firstRowMs === 0 ? 20 : 200))
    }
    const seconds = round((performance.now() - startedMs) / 1000)
    const latency = (await crowd)?.message ?? null
    say(
      `services${crowded ? ' with a crowd' : ''}: ${seconds} s, first row after ${firstRowMs} ms, ${JSON.stringify({ ...idle, latency })}`,
    )
    return { seconds, firstRowMs, latency, ...idle }
  } finally {
    for (const one of [worker, service]) {
      if (!one) continue
      one.kill('SIGTERM')
      await once(one, 'exit')
    }
    await watcher.end()
  }
}

/** Share of a core and resident memory while there is nothing to do. */
async function measureIdle({ pid }: ChildProcess): Promise<{ idleCpu: number; idleRssMb: number }> {
  const ticks = () =>
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .split(' ')
      .slice(13, 15)
      .reduce((sum, text) => sum + Number(text), 0)
  await new Promise((done) => setTimeout(done, 5000))
  const before = ticks()
  await new Promise((done) => setTimeout(done, IDLE_MS))
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  // A tick is 10 ms on every Linux that Node runs on.
  return {
    idleCpu: round((100 * 10 * (ticks() - before)) / IDLE_MS),
    idleRssMb: Math.round(rssKb / 1000),
  }
}

function ask(port: number, method: string, path: string): Promise<unknown> {
  return new Promise((done, fail) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path, headers: { 'X-ADMIN-KEY': ADMIN_KEY } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        answer.on('end', () =>
          answer.statusCode !== undefined && answer.statusCode < 300
            ? done(JSON.parse(text))
            : fail(new Error(`${path}: ${answer.statusCode} ${text}`)),
        )
      },
    )
    sent.on('error', fail)
    sent.end()
  })
}

async function progressOf(
  client: pg.Client,
  run: number,
): Promise<{ state: string; applied: number }> {
  const { rows } = await client.query<{ state: string; applied: string }>(
    `select state, (select coalesce(sum(lines_done), 0) from catalog.checkpoints where run_id = $1) as applied from catalog.runs where id = $1`,
    [run],
  )
  return { state: rows[0]?.state ?? 'unknown', applied: Number(rows[0]?.applied) }
}

async function command(args: readonly string[], env: Record<string, string>): Promise<void> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`shelfsync ${args.join(' ')} ended with ${code}`)
}

async function freshDatabase(name: string): Promise<string> {
  await admin.query(`drop database if exists bench_${name} with (force)`)
  await admin.query(`create database bench_${name}`)
  const url = new URL(server.url)
  url.pathname = `/bench_${name}`
  if (name === 'alone')
    await command(['migrate'], { PATH: process.env['PATH'] ?? '', DATABASE_URL: url.href })
  return url.href
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
