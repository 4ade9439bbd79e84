// The real command line as child processes, with a separate database and folder.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { MigrateOptions } from '../../src/db/migrate/migrate.ts'
import type { Db } from '../../src/db/pool.ts'
import { openTestDatabase } from '../support/database.ts'

/** Each command is a separate process, and most of its start is compiling. */
const COMPILE_CACHE = fileURLToPath(
  new URL('../../node_modules/.cache/shelfsync-compile', import.meta.url),
)
export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** The last line of standard output, parsed. */
  json(): Record<string, unknown>
}

export interface RunningCommand {
  readonly child: ChildProcess
  readonly result: Promise<CommandResult>
  /** Resolves when standard error contains the words. */
  waitForOutput(words: string): Promise<void>
}

export interface Shelfsync {
  readonly db: Db
  readonly url: string
  /** The folder of the artifacts. */
  readonly folder: string
  /** The environment of the commands. */
  readonly env: Readonly<Record<string, string | undefined>>
  run(...args: readonly string[]): Promise<CommandResult>
  start(...args: readonly string[]): RunningCommand
}

/**
 * `env` on top of a database, a folder and permission for loopback addresses. An empty value
 * removes the variable. The variables that Node needs are inherited, no other ones.
 */
export async function openShelfsync(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
  options: Pick<MigrateOptions, 'migrations'> = {},
): Promise<Shelfsync> {
  const database = await openTestDatabase(t, options)
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-e2e-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const commandEnv = withoutEmpty({
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    DATABASE_URL: database.url,
    SHELFSYNC_HOME: folder,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...env,
  })
  const start = (...args: readonly string[]): RunningCommand =>
    watch(spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: commandEnv }))
  return {
    db: database.pool,
    url: database.url,
    folder,
    env: commandEnv,
    start,
    run: (...args) => start(...args).result,
  }
}

function withoutEmpty(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
}

function watch(child: ChildProcess): RunningCommand {
  let [stdout, stderr] = ['', '']
  // Decoded as a stream, because a character may be divided between two chunks.
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const closed = once(child, 'close')
  const end = async (): Promise<CommandResult> => {
    const [code] = (await closed) as [number | null]
    return {
      code,
      stdout,
      stderr,
      json: () => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>,
    }
  }
  return {
    child,
    result: end(),
    async waitForOutput(words) {
      while (!stderr.includes(words))
        await Promise.race([
          once(child.stderr ?? child, 'data'),
          closed.then(() => Promise.reject(new Error(`it ended with: ${stderr}`))),
        ])
    },
  }
}
