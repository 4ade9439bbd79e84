// Debian's redis-server on a separate loopback port, alone or as a Cluster of three masters.
// Nothing is written to disk, so a stopped server restarts empty, like one that lost its machine.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Lifetime } from './database.ts'
import { findProgram, freePort, startProcess, startServer, type Process } from './processes.ts'

export interface Redis {
  readonly url: string
  /** Removes all keys. */
  flush(): Promise<void>
  /** Ends the server and discards its data. May be called twice. */
  stop(): Promise<void>
  /** Stops the server and starts an empty one on the same port. */
  restart(): Promise<void>
}

const READY = /Ready to accept connections/
/**
 * A queue needs `noeviction`: https://docs.bullmq.io/guide/going-to-production#max-memory-policy
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

/** Starts a server that ends with the test. */
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

/** Starts three masters without replicas that share all slots and agree on it. */
export async function startRedisCluster(
  t: Lifetime,
): Promise<{ readonly urls: readonly string[] }> {
  const nodes = await Promise.all([1, 2, 3].map(() => startNode(t)))
  // Without this option redis-cli expects the bus 10,000 ports higher, which may be above the last
  // port.
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

/** Starts a Sentinel that watches one Redis under the name `main`. Returns its port. */
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

/** The response of the server to one command, as redis-cli prints it. */
async function runRedisCommand(port: number, ...command: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(redisCli(), ['-e', '-p', String(port), ...command])
  return stdout
}

function redisCli(): string {
  return findProgram('redis-cli', 'redis-server')
}
