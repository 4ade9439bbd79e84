// `shelfsync serve` as a measured process.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const PROGRAM = join(import.meta.dirname, '../bin/shelfsync')
export const ADMIN_KEY = 'only-for-this-measurement'

/** Every port is free, and artifacts are in a folder. */
export function createEnvironment(home: string, database: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database,
    SHELFSYNC_HOME: join(home, 'services'),
    ADMIN_KEY,
    MEDIPIM_API_KEY: '42:secret',
    LOG_LEVEL: process.env['BENCH_LOG'] ?? 'warn',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    FETCHER_PORT: '0',
    MAINTAINER_PORT: '0',
    ORCHESTRATOR_PORT: '0',
    METRICS_PORT: '0',
    LISTEN_HOST: '127.0.0.1',
  }
}

export interface Service {
  readonly child: ChildProcess
  /** Port of the orchestrator, or 0 without one. */
  readonly port: number
  /** Port of the metrics without a key. */
  readonly metricsPort: number
}

/**
 * Starts the roles, all of them by default, and waits until they serve. `wrapper`: a command that
 * replaces itself by the command that follows it.
 */
export async function startService(
  roles: readonly string[],
  env: Readonly<Record<string, string>>,
  wrapper: readonly string[] = [],
): Promise<Service> {
  const [command, ...args] = [...wrapper, PROGRAM, 'serve', ...roles, '--json']
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`shelfsync serve ${roles.join(' ')} has ended`)
  })
  ended.catch(() => undefined)
  const lines = once(createInterface(child.stdout), 'line') as Promise<[string]>
  const [line] = await Promise.race([lines, ended])
  const { servers } = JSON.parse(line) as { servers: { name: string; port: number }[] }
  const portOf = (role: string): number => servers.find(({ name }) => name === role)?.port ?? 0
  return { child, port: portOf('orchestrator'), metricsPort: portOf('metrics') }
}

export async function stopService({ child }: Pick<Service, 'child'>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

export function send(port: number, method: string, path: string): Promise<unknown> {
  return new Promise((done, fail) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, headers: { 'X-ADMIN-KEY': ADMIN_KEY } },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () =>
          response.statusCode !== undefined && response.statusCode < 300
            ? done(JSON.parse(text))
            : fail(new Error(`${path}: ${response.statusCode} ${text}`)),
        )
      },
    )
    outgoing.on('error', fail)
    outgoing.end()
  })
}

export async function runCommand(
  args: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  const child = spawn(PROGRAM, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`shelfsync ${args.join(' ')} ended with ${code}`)
}
