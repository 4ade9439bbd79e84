// Programs as real processes that never outlive a test: each is killed when the test ends, and by
// the kernel when the test process itself ends for any reason (PR_SET_PDEATHSIG, through setpriv of
// util-linux; other systems have only the former).

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Lifetime } from './database.ts'

export type Environment = Readonly<Record<string, string>>

export interface StartOptions {
  /** The complete environment, nothing is inherited. Default: `cleanEnv()`. */
  readonly env?: Environment
  /** Default: an empty, separate folder that is removed afterwards, so that no `.env` is read. */
  readonly cwd?: string
  /** The ids to run as, for servers that refuse to be root. */
  readonly uid?: number
  readonly gid?: number
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Process {
  readonly pid: number
  /** Resolves when the process has ended and all its output was read. Never rejects. */
  readonly exited: Promise<Ended>
  /**
   * The lines of standard output and standard error from the first to the last. May be read several
   * times.
   */
  lines(): AsyncIterable<string>
  /**
   * The first line that matches, past or future. Rejects with all output when the process ends
   * without it, or after a minute.
   */
  waitForLine(pattern: RegExp, options?: { readonly timeoutMs?: number }): Promise<RegExpExecArray>
  /** The output so far. */
  output(): string
  /** Does nothing when the process has ended. */
  kill(signal: NodeJS.Signals): void
}

/** System programs are in folders that only root has in its path. */
const PROGRAM_PATH = [process.env['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter)
/** Most of a process's start is compiling. */
const COMPILE_CACHE = fileURLToPath(
  new URL('../../node_modules/.cache/shelfsync-compile', import.meta.url),
)
const LEASH = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []

/** The settings of `serve` in a test: each server takes a free port, and only this machine reaches it. */
export const FREE_PORTS = {
  FETCHER_PORT: '0',
  MAINTAINER_PORT: '0',
  ORCHESTRATOR_PORT: '0',
  METRICS_PORT: '0',
  WEB_PORT: '0',
  LISTEN_HOST: '127.0.0.1',
} as const

/**
 * `own` and the variables that a program needs to start. The rest of this environment may hold
 * secrets. Coverage is off, because a killed process leaves half a report that breaks the whole;
 * pass `NODE_V8_COVERAGE` to a process that ends by itself.
 */
export function cleanEnv(own: Readonly<Record<string, string | undefined>> = {}): Environment {
  // Without this value Node would pass its own NODE_V8_COVERAGE on.
  const all = {
    PATH: PROGRAM_PATH,
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    NODE_V8_COVERAGE: '',
    ...own,
  }
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** Starts a program and returns once it runs, which is before it is ready: use `waitForLine`. */
export async function startProcess(
  t: Lifetime,
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Process> {
  const { env = cleanEnv(), cwd, ...account } = options
  const folder = cwd ?? (await mkdtemp(join(tmpdir(), 'shelfsync-process-')))
  const [program = command, ...all] = [...LEASH, command, ...args]
  const child = spawn(program, all, {
    ...account,
    env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = new Promise<void>((resolve) =>
    child.once('exit', () => resolve()).once('error', () => resolve()),
  )
  t.after(async () => {
    child.kill('SIGKILL')
    await gone
    // Descendants may keep them open.
    child.stdout.destroy()
    child.stderr.destroy()
    if (cwd === undefined) await rm(folder, { recursive: true, force: true })
  })
  await once(child, 'spawn')
  return listenTo(child, [command, ...args].join(' '))
}

function listenTo(child: ChildProcess, name: string): Process {
  const received: string[] = []
  let more = Promise.withResolvers<void>()
  let ended = false
  const wake = (): void => {
    more.resolve()
    more = Promise.withResolvers()
  }
  const readSocket = (line: string): void => {
    received.push(line)
    wake()
  }
  for (const input of [child.stdout, child.stderr])
    if (input) createInterface({ input }).on('line', readSocket)
  const exited = once(child, 'close').then(([code, signal]): Ended => {
    ended = true
    wake()
    return { code, signal }
  })
  const output = (): string => received.map((line) => `${line}\n`).join('')

  async function* lines(): AsyncGenerator<string> {
    for (let at = 0; ; at++) {
      while (received[at] === undefined && !ended) await more.promise
      const line = received[at]
      if (line === undefined) return
      yield line
    }
  }
  const find = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for await (const line of lines()) {
      const match = pattern.exec(line)
      if (match) return match
    }
    throw new Error(`${name}\nended without a line like ${pattern}. Its output:\n${output()}`)
  }
  return {
    pid: child.pid ?? 0,
    exited,
    lines,
    output,
    kill: (signal) => void child.kill(signal),
    async waitForLine(pattern, { timeoutMs = 60_000 } = {}) {
      const late = Promise.withResolvers<never>()
      const giveUp = (): void =>
        late.reject(
          new Error(
            `${name}\nwrote no line like ${pattern} for ${timeoutMs} ms. Its output:\n${output()}`,
          ),
        )
      const timer = setTimeout(giveUp, timeoutMs)
      return await Promise.race([find(pattern), late.promise]).finally(() => clearTimeout(timer))
    },
  }
}

export interface Started {
  readonly port: number
  readonly server: Process
}

/**
 * Starts a server on a free port. When another process takes the port first, the server is started
 * again on another port.
 */
export async function startServer(
  start: (port: number) => Promise<Process>,
  ready: RegExp,
): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const server = await start(port)
    try {
      await server.waitForLine(ready)
      return { port, server }
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(server.output())) throw error
    }
  }
}

/** A loopback port on which no process listens at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/**
 * The path of a program. @throws Error that names the Debian package to install when it is missing
 */
export function findProgram(name: string, debianPackage: string): string {
  const file = fileOf(name)
  if (file === null) throw new Error(explainMissingProgram(name, debianPackage) || name)
  return file
}

/**
 * The reason to skip a test that needs the program, or false when it is installed: for `test(name,
 * { skip })`.
 */
export function explainMissingProgram(name: string, debianPackage: string): string | false {
  return (
    fileOf(name) === null &&
    `${name} is not installed, and this test needs it: apt-get install ${debianPackage}`
  )
}

/** The reason to skip a test that starts a container, or false when this process may start one. */
export function explainMissingContainers(): string | false {
  if (process.getuid?.() !== 0 || process.platform !== 'linux')
    return 'only root on Linux may start a container here'
  const { status, stderr } = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true'])
  return status !== 0 && `this machine does not allow namespaces: ${String(stderr)}`
}

function fileOf(name: string): string | null {
  return (
    PROGRAM_PATH.split(delimiter)
      .map((folder) => join(folder, name))
      .find((path) => existsSync(path)) ?? null
  )
}
