// Finds, launches and stops the Postgres server of a data directory. `postmaster.pid` names its
// process, but is stale after a `kill -9`: its pid may belong to another program.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SyncError } from '../core/errors.ts'
import { findErrno } from '../node/system-errors.ts'
import { readFileAs, runAs, SERVER_ENVIRONMENT } from './account.ts'
import { toDataPath, type Place } from './data-directory.ts'

const LOG_BYTES_MAX = 8 * 1024 * 1024
const FAST_STOP_MS = 120_000
const IMMEDIATE_STOP_MS = 10_000

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768, others from 49152):
 * such a connection, even one to the lost server itself, would hold its port while it restarts.
 */
const PORT_MIN = 20_000
const PORT_MAX = 32_767
const PORT_TRIES = 100

export interface Server {
  readonly pid: number
  readonly port: number
  /** False while it starts, recovers or stops. */
  readonly ready: boolean
}

export type Settings = Readonly<Record<string, string>>

/** Returns the server that runs on this place's data, started by any process, or null. */
export async function findServer(place: Place): Promise<Server | null> {
  const [pid, , , port, , , , status] = await readPidFile(place)
  if (!pid) return null
  const [program, ...args] = await readCommand(Number(pid))
  if (!isPostgres(program) || !args.includes(toDataPath(place))) return null
  return {
    pid: Number(pid),
    port: Number(port),
    ready: status?.trim() === 'ready' && /^\d+$/.test(port ?? ''),
  }
}

/**
 * Removes a `postmaster.pid` whose pid now belongs to another program, because Postgres would
 * refuse to start. One whose pid is unused is left to Postgres: until we removed it, another
 * process could have started a server.
 */
export async function removeStalePidFile(place: Place): Promise<void> {
  const [pid] = await readPidFile(place)
  if (!pid || !isAlive(Number(pid)) || isPostgres((await readCommand(Number(pid)))[0])) return
  if ((await readPidFile(place))[0] === pid)
    await runAs(place.account, 'rm', ['-f', join(toDataPath(place), 'postmaster.pid')])
}

export interface Launch {
  /** Folder of the Postgres programs. */
  readonly binaries: string
  readonly settings: Settings
}

/**
 * Starts a server on loopback in its own process group, so that Ctrl-C in the terminal does not stop
 * it. It keeps the previous port unless that is in use. It outlives this process. It is not ready when
 * this returns: use `findServer`.
 */
export async function launchServer(
  place: Place,
  { binaries, settings }: Launch,
): Promise<ChildProcess> {
  const all = { ...settings, port: String(await findFreePort(await loadLastPort(place))) }
  const args = [
    '-D',
    toDataPath(place),
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const child = spawn(
    '/bin/sh',
    ['-c', LAUNCH, join(binaries, 'postgres'), join(place.directory, 'log'), ...args],
    {
      ...place.account,
      cwd: '/',
      env: SERVER_ENVIRONMENT,
      detached: true,
      stdio: 'ignore',
    },
  )
  await once(child, 'spawn')
  child.unref()
  return child
}

/**
 * Shell script that becomes the server `$0`. It runs as the server's account, opens the log, and
 * first renames a log that is large or belongs to another account.
 */
const LAUNCH = `log=$1; shift; umask 077
  (: >> "$log" && [ "$(wc -c < "$log")" -le ${LOG_BYTES_MAX} ]) 2>/dev/null || mv -f "$log" "$log.1"
  exec "$0" "$@" >> "$log" 2>&1`

/**
 * Stops the server cleanly, which disconnects its clients, and returns when the process is gone.
 * Does nothing without a server.
 */
export async function stopServer(place: Place): Promise<void> {
  const server = await findServer(place)
  if (!server) return
  // Fast shutdown, then immediate: the second skips the final checkpoint, and the next start
  // recovers.
  if (await end(server.pid, 'SIGINT', FAST_STOP_MS)) return
  if (await end(server.pid, 'SIGQUIT', IMMEDIATE_STOP_MS)) return
  const log = join(place.directory, 'log')
  throw new SyncError(
    'db/unreachable',
    `The embedded database (process ${server.pid}) does not stop. Its log: ${log}`,
  )

  async function end(pid: number, signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
    // As the server's account: the pid comes from a file of that account.
    await runAs(place.account, '/bin/sh', [
      '-c',
      'kill -s "$1" "$2"',
      'sh',
      signal.slice(3),
      String(pid),
    ]).catch(() => undefined)
    for (
      const giveUpAt = performance.now() + waitMs;
      performance.now() < giveUpAt;
      await sleep(10)
    ) {
      if ((await findServer(place))?.pid !== pid && !isPostgres((await readCommand(pid))[0]))
        return true
    }
    return false
  }
}

/** Returns the last lines of the server's log, for an error message. */
export async function readLogTail(place: Place): Promise<string> {
  const text = await readFileAs(place.account, join(place.directory, 'log')).catch(
    () => 'its log cannot be read',
  )
  return text.trimEnd().split('\n').slice(-3).join(' · ')
}

async function readPidFile(place: Place): Promise<string[]> {
  const text = await readFileAs(place.account, join(toDataPath(place), 'postmaster.pid')).catch(
    () => '',
  )
  return text === '' ? [] : text.split('\n')
}

/**
 * Returns true for a running process, and for a zombie, which Postgres considers a running server.
 */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return findErrno(error) !== 'ESRCH'
  }
}

/** Returns the command line of a process; empty when it has ended or is a zombie. */
async function readCommand(pid: number): Promise<string[]> {
  if (process.platform === 'linux')
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return (await runAs({}, 'ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ''))
    .trim()
    .split(' ')
}

/** Returns true for the server and its child processes, whose name is `postgres: …`. */
function isPostgres(program: string | undefined): boolean {
  return program !== undefined && /^postgres(:|$)/.test(basename(program))
}

/** Returns the port of the previous start, so that a saved address stays valid. */
async function loadLastPort(place: Place): Promise<number> {
  const options = await readFileAs(place.account, join(toDataPath(place), 'postmaster.opts')).catch(
    () => '',
  )
  const port = Number(/"port=(\d+)"/.exec(options)?.[1] ?? 0)
  return port < 65_536 ? port : 0
}

/**
 * Returns `preferred` when it is free, or another port. Another program may take it before the
 * server does; the server is then launched again.
 */
async function findFreePort(preferred: number): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = tries === 0 && preferred > 0 ? preferred : randomInt(PORT_MIN, PORT_MAX + 1)
    if (await isFree(port)) return port
  }
  throw new SyncError(
    'db/unreachable',
    `The embedded database found no free port between ${PORT_MIN} and ${PORT_MAX} on 127.0.0.1`,
  )
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  try {
    probe.listen(port, '127.0.0.1')
    await once(probe, 'listening')
    return true
  } catch (error) {
    if (findErrno(error) === 'EADDRINUSE' || findErrno(error) === 'EACCES') return false
    throw error
  } finally {
    probe.close()
  }
}
