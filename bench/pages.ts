// Measures every page of the dashboard over a large catalogue: the time from the request to the end of
// the response, the compressed size, and searches of several kinds beside the example of each page.

import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { parseCount } from '../src/cli/arguments/numbers.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { openPool } from '../src/db/pool.ts'
import { openDashboard } from '../test/support/dashboard.ts'
import { listPages, requestPage } from '../test/support/page-requests.ts'
import { stockShelves } from '../test/support/shelves.ts'
import { BENCH_HOME, openBenchServer, print } from './bench-server.ts'
import { formatTable } from './tables.ts'

/** Addresses beside the example of each page. The pharmacy has almost all products. */
const SEARCHES = [
  '/products?q=cream',
  '/products?q=cream+100',
  '/products?q=no-such-word',
  '/products?sort=price-low',
  '/products?sort=title',
  '/products?availability=in_stock&max=10',
  '/products?status=removed',
  '/products?review=true',
]
/** Limits of the dashboard at 100,000 products. */
const BUDGET = { ms: 150, bytes: 100_000 }
const WARM_UPS = 3

const options = new Command('npm run bench:pages --')
  .description('Measures the time and the compressed size of every page of the dashboard.')
  .option('--products <n>', 'number of products', parseCount, 100_000)
  .option('--rounds <n>', 'number of requests of each page', parseCount, 40)
  .option('--home <folder>', 'folder for the database', BENCH_HOME)
  .option('--json', 'print JSON')
  .parse()
  .opts<{ products: number; rounds: number; home: string; json?: boolean }>()

interface PageFigures {
  readonly page: string
  readonly medianMs: number
  readonly p95Ms: number
  readonly bytes: number
  readonly status: number
}

{
  await using server = await openBenchServer(resolve(options.home), print)
  await using ends = new AsyncDisposableStack()
  const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
  const url = await server.createDatabase('pages')
  const db = await openPool(url, { applicationName: 'bench' })
  ends.defer(() => db.end())
  await migrate(db)
  const storeRoot = await mkdtemp(join(tmpdir(), 'bench-pages-'))
  ends.defer(() => rm(storeRoot, { recursive: true }))
  print(`Writing ${options.products} products …`)
  await stockShelves(lifetime, { db, storeRoot, products: options.products })
  await db.query('vacuum (analyze)')
  const dashboard = await openDashboard(lifetime, { pool: db, url })
  const { cookie } = await dashboard.signIn()
  const figures = []
  const examples = listPages().map(({ example }) => example)
  for (const path of [...examples, ...SEARCHES])
    figures.push(await measurePage({ url: dashboard.url, path, cookie }))
  if (options.json) console.log(JSON.stringify(figures))
  else printFigures(figures)
}

async function measurePage({
  url,
  path,
  cookie,
}: {
  readonly url: string
  readonly path: string
  readonly cookie: string
}): Promise<PageFigures> {
  const times: number[] = []
  let last = { status: 0, bytes: 0 }
  for (let n = -WARM_UPS; n < options.rounds; n++) {
    const startedMs = performance.now()
    last = await requestPage(url + path, cookie)
    if (n >= 0) times.push(performance.now() - startedMs)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? Number.NaN
  return { page: path, medianMs: at(0.5), p95Ms: at(0.95), ...last }
}

function printFigures(figures: readonly PageFigures[]): void {
  const rows = figures.map(({ page, medianMs, p95Ms, bytes, status }) => ({
    page: status === 200 ? page : `${page} (${status})`,
    'median ms': medianMs.toFixed(1),
    'p95 ms': p95Ms.toFixed(1),
    'kB compressed': (bytes / 1000).toFixed(1),
  }))
  const [average = 0] = loadavg()
  console.log(formatTable(`${options.products} products, ${options.rounds} requests`, rows))
  console.log(`\n${cpus()[0]?.model}, ${cpus().length} cores, load average ${average.toFixed(1)}`)
  const over = figures.filter(({ medianMs, bytes }) => medianMs > BUDGET.ms || bytes > BUDGET.bytes)
  for (const { page } of over) console.log(`Over ${BUDGET.ms} ms or ${BUDGET.bytes} bytes: ${page}`)
}
