// `npm start`: the whole pipeline on this machine, without any setup. Syncs a simulated supplier three
// times, while products change, and prints the results. Each call starts from an empty source, and
// never uses a real key or database. The supplier and the dashboard keep running in the
// background until `shelfsync stop`.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { demo } from '../simulators/demo.ts'
import { openTools, type Tools } from '../src/app/compose.ts'
import { findDataApi } from '../src/app/open-database.ts'
import { Cli } from '../src/cli/cli.ts'
import { readDotEnv } from '../src/cli/read-settings.ts'
import { Output } from '../src/cli/terminal/output.ts'
import { showProgress } from '../src/cli/terminal/progress.ts'
import { formatBytes } from '../src/format/format.ts'
import { formatCount } from '../src/lib/words.ts'
import { removeSource } from '../src/db/write/remove-source.ts'
import { addSource, loadSource } from '../src/db/sources.ts'
import { EMBEDDED } from '../src/config/database-choice.ts'
import { endBackground } from '../src/node/background-services.ts'
import { readPeakMemoryBytes } from '../src/node/peak-memory.ts'
import { PORTS } from '../src/config/service-settings.ts'
import { loadSettings } from '../src/config/settings.ts'
import { createProgress } from '../src/pipeline/context.ts'
import { bindSource } from '../src/sources/bound-source.ts'
import { chooseSchedule } from '../src/sources/schedule.ts'
import type { RunReport } from '../src/pipeline/run-in-process.ts'
import { syncSource } from '../src/pipeline/sync.ts'
import { startDemoServices } from './support/demo.ts'

const NAME = demo.source
const PRODUCTS = Number(process.env['DEMO_PRODUCTS'] ?? 20_000)
const HOME = process.env['SHELFSYNC_HOME'] ?? '.shelfsync'
const DAY_SECONDS = 86_400
/** The simulator's clock starts two days ago, so that it shows the present at the end of the demo. */
const DAYS = 2

const output = new Output(process.stdout, process.stderr)

async function main(signal: AbortSignal): Promise<void> {
  await endBackground(HOME)
  await mkdir(HOME, { recursive: true })
  using services = await startDemoServices(HOME, PRODUCTS)
  const simulator = connectSimulator(services.supplier)
  const environment = {
    SHELFSYNC_HOME: HOME,
    ARTIFACTS: process.env['ARTIFACTS'],
    LOG_LEVEL: 'warn',
    ...demo.environment(simulator.url),
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
  }
  const settings = loadSettings(environment)
  console.log(
    `A simulated ${demo.title} with ${formatCount(PRODUCTS)} products, and a Postgres in ${HOME}:`,
  )
  await using tools = await openTools(settings, await new Cli(output, {}).createHost(settings), {
    keepServer: true,
  })
  await resetDemo(tools, simulator)
  const syncs = [await sync('first sync', tools, signal)]
  const [broken] = await changeProducts(simulator)
  await breakProduct(simulator, broken)
  syncs.push(await sync('after changes', tools, signal))
  await simulator.control('clock', { advanceSeconds: DAY_SECONDS })
  await breakProduct(simulator, broken)
  syncs.push(await sync('once more', tools, signal))
  const key = randomBytes(12).toString('base64url')
  const dashboard = await services.serve({
    environment: {
      PATH: process.env['PATH'],
      ...environment,
      DATABASE_URL: EMBEDDED,
      ADMIN_KEY: key,
      LISTEN_HOST: '127.0.0.1',
      ...(await choosePorts()),
    },
  })
  console.log(`\n${formatFigures(syncs)}\n\n${await formatNextSteps(tools, { dashboard, key })}`)
}

interface Simulator {
  readonly url: string
  /** Changes the catalogue, and returns the ids of the changed products. */
  control(verb: string, body: unknown): Promise<readonly string[]>
}

function connectSimulator(url: string): Simulator {
  return {
    url,
    async control(verb, body) {
      const response = await fetch(`${url}/_control/${verb}`, {
        method: 'POST',
        body: JSON.stringify(body),
      })
      const { ids = [], error } = (await response.json()) as { ids?: string[]; error?: string }
      if (!response.ok) throw new Error(`The simulator rejected ${verb}: ${error}`)
      return ids
    },
  }
}

/**
 * The usual port of the dashboard, or a free one if another process has it; the other servers get
 * free ones.
 */
async function choosePorts(): Promise<Readonly<Record<string, string>>> {
  const ports = Object.keys(PORTS).map((name) => [`${name.toUpperCase()}_PORT`, '0'] as const)
  return {
    ...Object.fromEntries(ports),
    WEB_PORT: (await isFree(PORTS.web)) ? String(PORTS.web) : '0',
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server.listen(port, '127.0.0.1'), 'listening')
  const free = await listening.then(
    () => true,
    () => false,
  )
  server.close()
  return free
}

async function resetDemo(
  { db, store, connectors }: Tools,
  { url, control }: Simulator,
): Promise<void> {
  const connector = connectors.get(demo.connector)
  if (!connector) throw new Error(`Unknown connector ${demo.connector}`)
  await removeSource(db, NAME)
  await store.remove(await Array.fromAsync(store.list(`${NAME}/`), ({ key }) => key))
  await control('clock', { set: new Date().toISOString(), advanceSeconds: -DAYS * DAY_SECONDS })
  const settings = demo.settings(url)
  await addSource(db, {
    name: NAME,
    connector: connector.name,
    settings,
    schedule: chooseSchedule(connector, NAME),
  })
}

/**
 * Simulates one day of changes. Products that vanish are removed only when the next full run does
 * not see them either. Returns the ids of products that changed in volatile members only.
 */
async function changeProducts({ control }: Simulator): Promise<readonly string[]> {
  await control('clock', { advanceSeconds: DAY_SECONDS })
  const touched = await control('touch', { select: { share: 0.05 } })
  await control('update', { select: { share: 0.01 } })
  await control('deactivate', { select: { count: 40 } })
  await control('remove', { select: { count: 25 } })
  await control('add', { count: 15 })
  await control('price', { select: { count: 3 }, factor: 20 })
  return touched
}

/** Replaces the price of one product by text in the supplier's next response. */
async function breakProduct({ control }: Simulator, id: string | undefined): Promise<void> {
  await control('faults', {
    kind: 'patch',
    ids: [id],
    patch: { publicPrice: 'on request' },
    path: '/v4/products/stream',
  })
}

/** The figures of one sync, by name. */
type Figures = Readonly<Record<string, string>>

async function sync(title: string, tools: Tools, signal: AbortSignal): Promise<Figures> {
  const source = await loadSource(tools.db, NAME)
  // Resets the peak memory on Linux; elsewhere it is the peak of the whole process.
  await writeFile('/proc/self/clear_refs', '5').catch(() => undefined)
  const progress = createProgress()
  const hide = showProgress(output, title, progress)
  const report = await syncSource(
    tools,
    bindSource(tools, source),
    { mode: 'full', sinceAt: null, now: new Date() },
    { progress, signal },
  ).finally(hide)
  if (report.state === 'failed') throw report.error
  return toFigures(title, report, progress.fetchedBytes)
}

function toFigures(
  title: string,
  { ledger, seconds, state }: RunReport,
  fetchedBytes: number,
): Figures {
  const { fetched, created, updated, unchanged, held, quarantined, missing, removed } = ledger
  const outcomes = Object.entries({
    fetched,
    created,
    updated,
    unchanged,
    held,
    quarantined,
    missing,
    removed,
  })
  return {
    '': state === 'held' ? `${title} (held)` : title,
    ...Object.fromEntries(outcomes.map(([outcome, products]) => [outcome, formatCount(products)])),
    seconds: seconds.toFixed(1),
    'products/s': formatCount(fetched / seconds),
    'MB/s': (fetchedBytes / seconds / 1e6).toFixed(1),
    'peak memory': formatBytes(readPeakMemoryBytes()),
  }
}

/** Formats one row per figure and one column per sync, in at most 80 columns. */
function formatFigures(syncs: readonly Figures[]): string {
  const names = Object.keys(syncs[0] ?? {})
  const width = Math.max(...syncs.map((figures) => figures['']?.length ?? 0)) + 2
  return names
    .map(
      (name) => name.padEnd(12) + syncs.map((figures) => figures[name]?.padStart(width)).join(''),
    )
    .join('\n')
}

async function formatNextSteps(
  { db }: Tools,
  { dashboard, key }: { readonly dashboard: string; readonly key: string },
): Promise<string> {
  const { rows } = await db.query<{ port: number }>('select inet_server_port() as port')
  const chosen = await findPrefix()
  const steps = [
    ['status', 'the state of the source'],
    ['reviews', 'held prices, which rose twentyfold'],
    ['quarantine', 'the record that could not be applied'],
    ['runs', 'the three runs; `runs show ID` shows one'],
    ['stop', 'stops the dashboard, the supplier and the database'],
  ].map(([command, what]) => `  ${chosen}npx shelfsync ${command?.padEnd(20)}${what}`)
  const psql = `  PGPASSWORD=$(cat ${quoteForShell(HOME)}/postgres/password) psql -h 127.0.0.1 -p ${rows[0]?.port} -U postgres -c 'select external_id, status, left(title, 50) as title from api.products limit 5'`
  return `The dashboard is open: ${dashboard}
  Sign in with the key ${key}, which only this demo accepts. Run now, review the held
  prices, or search the products there.

Next steps${chosen === '' ? '' : ' (your settings choose another database, so each command names the one of the demo)'}:
${[...steps.slice(0, -1), psql, ...steps.slice(-1)].join('\n')}

Your own catalogues, after \`${chosen}npx shelfsync stop\`:
  ${demo.realCommands.join('\n  ')}
  npx shelfsync add https://some-shop.example
  .env.example explains every setting; DATABASE_URL chooses your own database.`
}

/**
 * Returns the variables that make a command use the demo's database, or an empty string when the
 * environment and `.env` already choose it.
 */
async function findPrefix(): Promise<string> {
  try {
    const settings = loadSettings(process.env, await readDotEnv())
    if (
      settings.databaseUrl === null &&
      findDataApi(settings) === null &&
      resolve(settings.home) === resolve(HOME)
    )
      return ''
  } catch {
    // The next command that reads the settings reports the error.
  }
  return `DATABASE_URL=${EMBEDDED} SHELFSYNC_HOME=${quoteForShell(HOME)} `
}

function quoteForShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop.abort())
try {
  await main(stop.signal)
} catch (error) {
  output.error(error)
  process.exitCode = stop.signal.aborted ? 130 : 1
}
