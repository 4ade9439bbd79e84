// Measures the resident memory of each role of the services, idle and at its peak in a first load,
// with every role in its own process and with all of them in one. Artifacts go to a simulated
// Supabase Storage, because a process that uploads needs more than one with a disk.

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import pg from 'pg'
import { SECRET_KEY, startStorage } from '../simulators/storage/server.ts'
import { parseCount } from '../src/cli/arguments/numbers.ts'
import { ROLES } from '../src/core/roles.ts'
import { BENCH_HOME, openBenchServer, print, type BenchServer } from './bench-server.ts'
import { loadFeed } from './feeds.ts'
import { forkChild } from './processes.ts'
import {
  createEnvironment,
  runCommand,
  send,
  startService,
  stopService,
  type Service,
} from './service-process.ts'

const IDLE_MS = 20_000
/** The limits of cgroup v1: without swap, the kernel kills a process that exceeds its limit. */
const CGROUP = '/sys/fs/cgroup/memory'

const options = new Command('npm run bench:roles --')
  .description('Measures the memory of each role, idle and at its peak in a first load.')
  .option('--products <n>', 'number of products in the feed', parseCount, 108_022)
  .option('--home <folder>', 'folder for the database and the feeds', BENCH_HOME)
  .option('--limit-mib <n>', 'memory limit of each process (cgroup v1, as root)', parseCount)
  .option('--json', 'print JSON')
  .parse()
  .opts<{ products: number; home: string; limitMib?: number; json?: boolean }>()
const home = resolve(options.home)
const { products, limitMib = null } = options

{
  await using server = await openBenchServer(home, print)
  const feed = await loadFeed(join(home, 'feeds'), products, 'first-load', print)
  const supplier = await forkChild<{ url: string }>('serve-feed.ts', [feed.file])
  const separate = await measure(
    server,
    supplier.message.url,
    ROLES.map((role) => [role]),
  )
  const together = await measure(server, supplier.message.url, [[]])
  supplier.child.disconnect()
  const figures = [...separate, ...together]
  if (options.json) console.log(JSON.stringify({ products, limitMib, figures }))
  else console.table(figures)
}

interface Started {
  readonly roles: string
  readonly service: Service
}

interface Figures {
  readonly roles: string
  readonly idleMb: number
  readonly peakMb: number
}

/** Runs a first load with one process for each list of roles; an empty list means all roles. */
async function measure(
  server: BenchServer,
  url: string,
  processes: readonly (readonly string[])[],
): Promise<Figures[]> {
  const folder = join(home, 'roles')
  await rm(folder, { recursive: true, force: true })
  const storage = await startStorage({ folder: join(folder, 'storage'), port: 0 })
  const database = await server.createDatabase('roles')
  const env = {
    ...createEnvironment(folder, database),
    SUPABASE_URL: storage.url,
    SUPABASE_SECRET_KEY: SECRET_KEY,
    // As in a container, which cannot keep compiled code between starts.
    NODE_DISABLE_COMPILE_CACHE: '1',
  }
  await runCommand(['migrate'], env)
  await runCommand(['add', 'medipim', '--no-sync', '--name', 'bench', '--api-url', url], env)
  const services: Started[] = []
  try {
    for (const roles of processes) {
      const name = roles.join('-') || 'all'
      services.push({ roles: name, service: await startService(roles, env, confine(name)) })
    }
    await sleep(IDLE_MS)
    const idle = services.map(({ service }) => readMb(service, 'VmRSS'))
    const { port } = services.find(({ service }) => service.port > 0)?.service ?? { port: 0 }
    const { run } = (await send(port, 'POST', '/sync')) as { run: number }
    print(`run ${run}: ${await waitForEnd(database, run, services)}`)
    return services.map(({ roles, service }, index) => ({
      roles,
      idleMb: idle[index] ?? Number.NaN,
      peakMb: readMb(service, 'VmHWM'),
    }))
  } finally {
    for (const { roles, service } of services) {
      await stopService(service)
      if (limitMib !== null) rmdirSync(toGroup(roles))
    }
    await storage.close()
  }
}

/** Returns a command that moves itself into a cgroup with the limit and then runs its arguments. */
function confine(name: string): string[] {
  if (limitMib === null) return []
  const group = toGroup(name)
  mkdirSync(group, { recursive: true })
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(limitMib * 1024 ** 2))
  return ['sh', '-c', `echo $$ > ${join(group, 'cgroup.procs')} && exec "$@"`, 'sh']
}

function toGroup(name: string): string {
  return join(CGROUP, `shelfsync-bench-${name}`)
}

/** @throws Error when the run does not succeed, or when a process has exceeded its limit */
async function waitForEnd(
  database: string,
  run: number,
  services: readonly Started[],
): Promise<string> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  try {
    for (;;) {
      const { rows } = await client.query<{ state: string; seconds: string }>(
        `select state, extract(epoch from finished_at - started_at)::numeric(9, 1) as seconds
         from catalog.runs where id = $1`,
        [run],
      )
      const [{ state, seconds } = { state: 'unknown', seconds: '' }] = rows
      if (state === 'succeeded') return `succeeded after ${seconds} s`
      if (state !== 'running') throw new Error(`The run is ${state}`)
      const ended = services.find(({ service: { child } }) => child.signalCode !== null)
      if (ended) throw new Error(`${ended.roles} was killed: ${ended.service.child.signalCode}`)
      await sleep(500)
    }
  } finally {
    await client.end()
  }
}

/** Returns megabytes (a million bytes) from proc_pid_status(5). */
function readMb({ child }: Service, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const kib = Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1])
  return Math.round((kib * 1024) / 1e6)
}
