// Programs as real processes that never outlive a test: each is killed when the test ends, and by
// the kernel when the test process itself is gone, however that ended (PR_SET_PDEATHSIG, through
// setpriv of util-linux; on other systems only the first holds).

import { spawn, type ChildProcess } from 'node:child_process'
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
  /** All of it, nothing is inherited. Default: `cleanEnv()`. */
  readonly env?: Environment
  /** Default: an empty folder of its own, removed afterwards, so that nobody's `.env` is read. */
  readonly cwd?: string
  /** Ids to run as, for servers that refuse to be root. */
  readonly uid?: number
  readonly gid?: number
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Process {
  readonly pid: number
  /** When it has ended and everything that it said was read. Never rejects. */
  readonly exited: Promise<Ended>
  /**
   * What it says on standard output and standard error, from its first line on, until it ends. May
   * be read several times.
   */
  lines(): AsyncIterable<string>
  /**
   * The first line that matches, said already or yet to come. Rejects with all that was said when
   * it ends without it, or after a minute.
   */
  waitForLine(pattern: RegExp, options?: { readonly timeoutMs?: number }): Promise<RegExpExecArray>
  /** Everything said so far. */
  output(): string
  /** Harmless when it has ended. */
  kill(signal: NodeJS.Signals): void
}

/** System programs stand in folders that only root has on its path. */
const PROGRAM_PATH = [process.env['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter)
/** Each process is mostly compiling when it starts. */
const COMPILE_CACHE = fileURLToPath(
  new URL('../../node_modules/.cache/shelfsync-compile', import.meta.url),
)
const LEASH = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []

/**
 * `own` and what a program needs to start, nothing else of our environment, which may hold secrets.
 * Coverage is off, because a process that is killed leaves half a report, which spoils the whole;
 * give `NODE_V8_COVERAGE` back to one that ends by itself.
 */
export function cleanEnv(own: Readonly<Record<string, string | undefined>> = {}): Environment {
  // Left out rather than empty, Node would pass its own NODE_V8_COVERAGE on.
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

/**
 * Starts a program and returns once it runs, which is before it is ready: `waitForLine` tells that.
 */
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
    // Descendants may hold them open.
    child.stdout.destroy()
    child.stderr.destroy()
    if (cwd === undefined) await rm(folder, { recursive: true, force: true })
  })
  await once(child, 'spawn')
  return listenTo(child, [command, ...args].join(' '))
}

function listenTo(child: ChildProcess, name: string): Process {
  const said: string[] = []
  let more = Promise.withResolvers<void>()
  let ended = false
  const wake = (): void => {
    more.resolve()
    more = Promise.withResolvers()
  }
  const readSocket = (line: string): void => {
    said.push(line)
    wake()
  }
  for (const input of [child.stdout, child.stderr])
    if (input) createInterface({ input }).on('line', readSocket)
  const exited = once(child, 'close').then(([code, signal]): Ended => {
    ended = true
    wake()
    return { code, signal }
  })
  const output = (): string => said.map((line) => `${line}\n`).join('')

  async function* lines(): AsyncGenerator<string> {
    for (let at = 0; ; at++) {
      while (said[at] === undefined && !ended) await more.promise
      const line = said[at]
      if (line === undefined) return
      yield line
    }
  }
  const find = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for await (const line of lines()) {
      const match = pattern.exec(line)
      if (match) return match
    }
    throw new Error(`${name}\nended without a line like ${pattern}. It said:\n${output()}`)
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
            `${name}\nsaid no line like ${pattern} for ${timeoutMs} ms. It said:\n${output()}`,
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
 * Starts a server that must be told its port. Somebody else may take the port before the server
 * does: then it gets another one.
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

/** A port of loopback that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** Where a program is. @throws Error with the Debian package to install when it is missing */
export function findProgram(name: string, debianPackage: string): string {
  const file = fileOf(name)
  if (file === null) throw new Error(explainMissingProgram(name, debianPackage) || name)
  return file
}

/**
 * Why a test that needs the program is skipped, or false when it is there: for `test(name, { skip
 * })`.
 */
export function explainMissingProgram(name: string, debianPackage: string): string | false {
  return (
    fileOf(name) === null &&
    `${name} is not installed, and this test needs it: apt-get install ${debianPackage}`
  )
}

function fileOf(name: string): string | null {
  return (
    PROGRAM_PATH.split(delimiter)
      .map((folder) => join(folder, name))
      .find((path) => existsSync(path)) ?? null
  )
}
