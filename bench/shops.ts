// Measures many shops at once: `shelfsync serve` syncs simulated Shopify and WooCommerce shops within the
// limits of requests, and the log of the shops shows whether it kept to them.

import { loadavg } from 'node:os'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import pg from 'pg'
import { parseCount } from '../src/cli/arguments/numbers.ts'
import { HOST_INTERVAL_MS } from '../src/core/limits.ts'
import { addSource } from '../src/db/sources.ts'
import { openPool } from '../src/db/pool.ts'
import { readProcessStat } from '../src/node/process-stat.ts'
import { BENCH_HOME, openBenchServer, print, roundTo2 } from './bench-server.ts'
import { TICKS_PER_SECOND } from './cpu.ts'
import { forkChild } from './processes.ts'
import { countConcurrent, measureExcessMs, type LoggedRequest } from './request-log.ts'
import type { ServedShop, ShopsOptions } from './serve-shops.ts'
import {
  createEnvironment,
  runCommand,
  send,
  startService,
  stopService,
} from './service-process.ts'

const SHOPIFY_INTERVAL_MS = 100
/** The burst of the limits in src/core/limits.ts and src/connectors/shopify/connector.ts. */
const BURST = 4
/**
 * The servers measure when a request arrives, the limits when it may be sent: a process that is busy
 * sends some late and the following ones in time, so that they arrive closer to each other.
 */
const LATE_MS_MAX = 500

const flags = new Command('npm run bench:shops --')
  .description('Measures many shops at once, and the requests that each of them gets.')
  .option('--shopify <n>', 'number of Shopify shops', parseCount, 80)
  .option('--woocommerce <n>', 'number of WooCommerce shops', parseCount, 120)
  .option('--products <n>', 'products of each shop', parseCount, 250)
  .option('--fetches <n>', 'FETCH_CONCURRENCY of the service', parseCount, 8)
  .option('--applies <n>', 'APPLY_CONCURRENCY of the service', parseCount, 4)
  .option('--home <folder>', 'folder for the database', BENCH_HOME)
  .option('--json', 'print JSON')
  .parse()
  .opts<{
    shopify: number
    woocommerce: number
    products: number
    fetches: number
    applies: number
    home: string
    json?: boolean
  }>()
const home = resolve(flags.home)

{
  await using server = await openBenchServer(home, print)
  const load = loadavg()[0] ?? 0
  const options: ShopsOptions = { ...flags, latencyMs: 50, faults: 0.02 }
  const supplier = await forkChild<readonly ServedShop[]>('serve-shops.ts', [
    JSON.stringify(options),
  ])
  const shops = supplier.message
  const figures = await measure(await server.createDatabase('shops'), shops)
  const log = new Promise<readonly LoggedRequest[]>((done) =>
    supplier.child.once('message', (message) => done(message as readonly LoggedRequest[])),
  )
  supplier.child.send('report')
  const requests = checkRequests(shops, await log)
  supplier.child.disconnect()
  const report = { load: roundTo2(load), ...figures, ...requests }
  if (flags.json) console.log(JSON.stringify(report))
  else console.table(report)
}

async function measure(database: string, shops: readonly ServedShop[]) {
  await rm(join(home, 'services'), { recursive: true, force: true })
  const env = {
    ...createEnvironment(home, database),
    REQUEST_RATES: `shopify=${1000 / SHOPIFY_INTERVAL_MS}/s`,
    FETCH_CONCURRENCY: String(flags.fetches),
    APPLY_CONCURRENCY: String(flags.applies),
  }
  await runCommand(['migrate'], env)
  await addShops(database, shops)
  const watcher = new pg.Client({ connectionString: database })
  await watcher.connect()
  const service = await startService([], env)
  try {
    const startedMs = performance.now()
    await send(service.port, 'POST', '/sync')
    await waitForRuns(watcher, shops.length)
    const seconds = (performance.now() - startedMs) / 1000
    const ticks = readProcessStat(service.child.pid ?? 0)?.cpuTicks ?? Number.NaN
    const facts = await readFacts(watcher)
    return {
      seconds: roundTo2(seconds),
      ...facts,
      products_per_minute: Math.round((facts.products * 60) / seconds),
      service_cpu_s: roundTo2(ticks / TICKS_PER_SECOND),
      page_to_rows: formatLatency(await readLatency(service.metricsPort)),
    }
  } finally {
    await stopService(service)
    await watcher.end()
  }
}

async function addShops(database: string, shops: readonly ServedShop[]): Promise<void> {
  const db = await openPool(database, { applicationName: 'bench' })
  for (const [index, { platform, url }] of shops.entries())
    await addSource(db, {
      name: `${platform}-${index}`,
      connector: platform,
      settings: platform === 'shopify' ? { url, currency: 'AUD' } : { url },
      schedule: { cron: '0 3 1 1 *', zone: 'UTC', fullOn: 'none' },
    })
  await db.end()
}

async function waitForRuns(watcher: pg.Client, count: number): Promise<void> {
  for (;;) {
    const { rows } = await watcher.query<{ ended: number }>(
      `select count(*)::integer as ended from catalog.runs where state <> 'running'`,
    )
    if (rows[0]?.ended === count) return
    await sleep(250)
  }
}

async function readFacts(watcher: pg.Client) {
  const { rows } = await watcher.query<{ runs: string; products: number; parts: number }>(
    `select (select string_agg(n || ' ' || state, ', ') from
              (select state, count(*) as n from catalog.runs group by state) s) as runs,
            (select count(*)::integer from catalog.products) as products,
            (select count(*)::integer from catalog.parts) as parts`,
  )
  return rows[0] ?? { runs: '', products: 0, parts: 0 }
}

/** Returns the share of parts in each bucket of the metric. */
async function readLatency(port: number): Promise<ReadonlyMap<number, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const counts = new Map<number, number>()
  for (const [, le = '', count] of text.matchAll(
    /^shelfsync_page_to_rows_seconds_bucket\{.*?le="([^"]+)".*?\} (\d+)$/gm,
  )) {
    const bound = le === '+Inf' ? Infinity : Number(le)
    counts.set(bound, (counts.get(bound) ?? 0) + Number(count))
  }
  const all = counts.get(Infinity) ?? 0
  return new Map([...counts].map(([bound, count]) => [bound, count / all]))
}

function formatLatency(shares: ReadonlyMap<number, number>): string {
  return [...shares]
    .filter(([bound, share]) => bound >= 0.25 && Number.isFinite(bound) && share > 0)
    .map(([bound, share]) => `${(share * 100).toFixed(1)} % within ${bound} s`)
    .slice(0, 6)
    .join(', ')
}

/** @throws Error when a shop got more requests than allowed */
function checkRequests(shops: readonly ServedShop[], log: readonly LoggedRequest[]) {
  const ofShop = Map.groupBy(log, ({ shop }) => shop)
  const ofShopify = log.filter(({ shop }) => shops[shop]?.platform === 'shopify')
  const host = { intervalMs: HOST_INTERVAL_MS, burst: BURST }
  const shared = { intervalMs: SHOPIFY_INTERVAL_MS, burst: BURST }
  const concurrent = Math.max(...[...ofShop.values()].map(countConcurrent))
  const hostLateMs = Math.max(...[...ofShop.values()].map((all) => measureExcessMs(all, host)))
  const sharedLateMs = measureExcessMs(ofShopify, shared)
  if (concurrent > 1) throw new Error(`A host got ${concurrent} requests at the same time`)
  if (Math.max(hostLateMs, sharedLateMs) > LATE_MS_MAX)
    throw new Error(
      `Requests came early: ${hostLateMs} ms at a host, ${sharedLateMs} ms at Shopify`,
    )
  return {
    requests: log.length,
    requests_at_once_at_a_host: concurrent,
    earliest_at_a_host_ms: Math.round(hostLateMs),
    earliest_at_shopify_ms: Math.round(sharedLateMs),
  }
}
