// The processes of the demo that stay in the background: its simulated supplier, and
// `shelfsync serve` with the dashboard. `npm start` forks this file and requests both. It ends when
// `npm start` ends before the dashboard is open, and on `shelfsync stop`.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { demo } from '../simulators/demo.ts'
import { claimBackground } from '../src/node/background-services.ts'
import type { DemoAnswer, DemoRequest } from './support/demo.ts'

type Environment = DemoRequest['environment']

const SHELFSYNC = inRoot('bin/shelfsync')

async function main(home: string, products: string): Promise<void> {
  const stopping = new AbortController()
  let service: { readonly child: ChildProcess; readonly environment: Environment } | null = null
  const supplier = start(
    [inRoot('simulators/cli.ts'), demo.connector, '--products', products, '--port', '0'],
    process.env,
  )
  process.on('disconnect', () => {
    if (service === null) stopping.abort()
  })
  process.on('message', ({ environment }: DemoRequest) => {
    const child = start([SHELFSYNC, 'serve', '--json'], environment)
    service = { child, environment }
    child.once('exit', () => stopping.abort())
    findDashboard(child).then(
      (dashboard) => answer({ dashboard }),
      (error: unknown) => {
        console.error(error)
        answer({ failed: true })
      },
    )
  })
  answer({ supplier: await findInLines(supplier, (line) => /http:\/\/\S+/.exec(line)?.[0]) })
  await claimBackground(home, stopping.signal)
  await stop(service)
  supplier.kill()
}

/** Without its supplier the source would fail, so it is paused. */
async function stop(
  service: { readonly child: ChildProcess; readonly environment: Environment } | null,
): Promise<void> {
  if (service === null) return
  const pause = start([SHELFSYNC, 'sources', 'pause', demo.source], service.environment)
  await once(pause, 'exit')
  if (service.child.exitCode !== null) return
  const ended = once(service.child, 'exit')
  service.child.kill()
  await ended
}

/** The output goes to the log of this process, except the lines that `findInLines` reads. */
function start(args: readonly string[], env: Environment): ChildProcess {
  return spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function findDashboard(service: ChildProcess): Promise<string> {
  return findInLines(service, (line) => {
    const { servers = [] } = JSON.parse(line) as {
      servers?: readonly { readonly name: string; readonly port: number }[]
    }
    const web = servers.find(({ name }) => name === 'web')
    return web && `http://127.0.0.1:${web.port}`
  })
}

/**
 * Returns the first result of `find` in the lines of the output. All lines are read, so that the
 * pipe never fills.
 */
function findInLines(
  { stdout }: ChildProcess,
  find: (line: string) => string | undefined,
): Promise<string> {
  if (stdout === null) throw new Error('The output is not a pipe')
  const lines = createInterface({ input: stdout })
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const found = find(line)
      if (found !== undefined) resolve(found)
    })
    lines.once('close', () => reject(new Error('A process ended before it was ready')))
  })
}

function answer(message: DemoAnswer): void {
  if (process.connected) process.send?.(message)
}

function inRoot(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url))
}

const [home = '', products = ''] = process.argv.slice(2)
await main(home, products)
process.exit()
