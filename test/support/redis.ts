// Debian's redis-server on a loopback port of its own, alone or as a Cluster of three masters.
// Nothing is written to disk, so a server that was stopped comes back empty, as one that lost its
// machine would.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Lifetime } from './database.ts'
import { findProgram, freePort, startProcess, startServer, type Process } from './processes.ts'

export interface Redis {
  readonly url: string
  /** Removes everything. */
  flush(): Promise<void>
  /** Ends the server and with it all it held. Twice is safe. */
  stop(): Promise<void>
  /** Stops it and starts an empty one on the same port. */
  restart(): Promise<void>
}

const READY = /Ready to accept connections/
/**
 * A queue asks for `noeviction`: https://docs.bullmq.io/guide/going-to-production#max-memory-policy
 */
const SETTINGS = [
  '--bind',
  '127.0.0.1',
  '--save',
  '',
  '--appendonly',
  'no',
  '--maxmemory-policy',
  'noeviction',
]

/** A server that lives as long as the test. */
export async function startRedis(t: Lifetime): Promise<Redis> {
  const start = (port: number): Promise<Process> => launch(t, port)
  const { port, server: first } = await startServer(start, READY)
  let server = first
  const stop = async (): Promise<void> => {
    server.kill('SIGTERM')
    await server.exited
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    flush: async () => void (await runRedisCommand(port, 'flushall')),
    stop,
    async restart() {
      await stop()
      server = await start(port)
      await server.waitForLine(READY)
    },
  }
}

/** Three masters without replicas that share all slots, and agree that they do. */
export async function startRedisCluster(
  t: Lifetime,
): Promise<{ readonly urls: readonly string[] }> {
  const nodes = await Promise.all([1, 2, 3].map(() => startNode(t)))
  // Without it redis-cli takes the bus to be 10,000 ports higher, which may be past the last one.
  const addresses = nodes.map(({ port, busPort }) => `127.0.0.1:${port}@${busPort}`)
  await promisify(execFile)(redisCli(), [
    '--cluster',
    'create',
    ...addresses,
    '--cluster-replicas',
    '0',
    '--cluster-yes',
  ])
  for (const { port } of nodes) {
    while (
      !/cluster_state:ok[^]*cluster_known_nodes:3/.test(
        await runRedisCommand(port, 'cluster', 'info'),
      )
    )
      await new Promise(setImmediate)
  }
  return { urls: nodes.map(({ port }) => `redis://127.0.0.1:${port}`) }
}

/** A Sentinel that watches one Redis under the name `main`. Returns its port. */
export async function startSentinel(t: Lifetime, redisUrl: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-sentinel-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o777)
  const { port } = await startServer(async (own) => {
    const file = join(folder, 'sentinel.conf')
    await writeFile(
      file,
      `port ${own}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor main 127.0.0.1 ${new URL(redisUrl).port} 1\n`,
    )
    return startProcess(t, findProgram('redis-server', 'redis-server'), [file, '--sentinel'])
  }, /\+monitor master main/)
  return port
}

async function startNode(
  t: Lifetime,
): Promise<{ readonly port: number; readonly busPort: number }> {
  let busPort = 0
  const { port } = await startServer(async (ownPort) => {
    busPort = await freePort()
    return launch(t, ownPort, '--cluster-enabled', 'yes', '--cluster-port', String(busPort))
  }, READY)
  return { port, busPort }
}

function launch(t: Lifetime, port: number, ...more: readonly string[]): Promise<Process> {
  return startProcess(t, findProgram('redis-server', 'redis-server'), [
    '--port',
    String(port),
    ...SETTINGS,
    ...more,
  ])
}

/** What the server answers to one command, as redis-cli prints it. */
async function runRedisCommand(port: number, ...command: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(redisCli(), ['-e', '-p', String(port), ...command])
  return stdout
}

function redisCli(): string {
  return findProgram('redis-cli', 'redis-server')
}
