// One Postgres server process, known by its data directory: find it, launch it, stop it.
// `postmaster.pid` is the only truth, and it lies after a `kill -9`: the pid in it may by now be
// any other program.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SyncError } from '../core/errors.ts'
import { findErrno } from '../node/system-errors.ts'
import { readFileAs, runAs, SERVER_ENVIRONMENT } from './account.ts'
import { dataOf, type Place } from './data-directory.ts'

const LOG_BYTES_MAX = 8 * 1024 * 1024
const FAST_STOP_MS = 120_000
const IMMEDIATE_STOP_MS = 10_000

export interface Server {
  readonly pid: number
  readonly port: number
  /** False while it starts, recovers or stops. */
  readonly ready: boolean
}

export type Settings = Readonly<Record<string, string>>

/** The server that runs on this place's data now, whoever started it, or null. */
export async function findServer(place: Place): Promise<Server | null> {
  const [pid, , , port, , , , status] = await readPidFile(place)
  if (!pid) return null
  const [program, ...args] = await readCommand(Number(pid))
  if (!isPostgres(program) || !args.includes(dataOf(place))) return null
  return {
    pid: Number(pid),
    port: Number(port),
    ready: status?.trim() === 'ready' && /^\d+$/.test(port ?? ''),
  }
}

/**
 * Removes a `postmaster.pid` whose pid another program has by now: Postgres itself would refuse to
 * start for ever. One whose pid nobody has is left to Postgres: by the time that we removed it, it
 * could be that of a server which somebody else has just started.
 */
export async function removeStalePidFile(place: Place): Promise<void> {
  const [pid] = await readPidFile(place)
  if (!pid || !isAlive(Number(pid)) || isPostgres((await readCommand(Number(pid)))[0])) return
  if ((await readPidFile(place))[0] === pid)
    await runAs(place.account, 'rm', ['-f', join(dataOf(place), 'postmaster.pid')])
}

/**
 * Starts a server on loopback in a process group of its own, so that Ctrl-C in our terminal does
 * not reach it. Without `port` it gets the one that it had before, or another when that is taken.
 * It is not ready yet when this returns: ask `findServer`. The process outlives ours.
 */
export async function launchServer(
  place: Place,
  binaries: string,
  settings: Settings,
  port: number | null,
): Promise<ChildProcess> {
  const all = { ...settings, port: String(port ?? (await freePort(await lastPort(place)))) }
  const args = [
    '-D',
    dataOf(place),
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
 * Becomes the server `$0`. As the account that can replace the log, it opens it, and moves it aside
 * before when it is large or not its own.
 */
const LAUNCH = `log=$1; shift; umask 077
  (: >> "$log" && [ "$(wc -c < "$log")" -le ${LOG_BYTES_MAX} ]) 2>/dev/null || mv -f "$log" "$log.1"
  exec "$0" "$@" >> "$log" 2>&1`

/**
 * Stops the server cleanly (its clients are cut off) and returns when the process is gone. Harmless
 * when none runs.
 */
export async function stopServer(place: Place): Promise<void> {
  const server = await findServer(place)
  if (!server) return
  // Fast, then immediate: the second skips the final checkpoint, and the next start recovers.
  if (await end(server.pid, 'SIGINT', FAST_STOP_MS)) return
  if (await end(server.pid, 'SIGQUIT', IMMEDIATE_STOP_MS)) return
  const message = `The embedded database (process ${server.pid}) does not stop. Its log: ${join(place.directory, 'log')}`
  throw new SyncError('db/unreachable', message)

  async function end(pid: number, signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
    // As its account: the pid is what a file of that account says.
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

/** The last lines that the server logged, for an error message. */
export async function readLogTail(place: Place): Promise<string> {
  const text = await readFileAs(place.account, join(place.directory, 'log')).catch(
    () => 'its log cannot be read',
  )
  return text.trimEnd().split('\n').slice(-3).join(' · ')
}

async function readPidFile(place: Place): Promise<string[]> {
  const text = await readFileAs(place.account, join(dataOf(place), 'postmaster.pid')).catch(
    () => '',
  )
  return text === '' ? [] : text.split('\n')
}

/** Also true of a zombie, which Postgres takes for a server that runs. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return findErrno(error) !== 'ESRCH'
  }
}

/** The command line of a process; empty when it is gone or a zombie. */
async function readCommand(pid: number): Promise<string[]> {
  if (process.platform === 'linux')
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return (await runAs({}, 'ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ''))
    .trim()
    .split(' ')
}

/** Also true for its child processes, which call themselves `postgres: …`. */
function isPostgres(program: string | undefined): boolean {
  return program !== undefined && /^postgres(:|$)/.test(basename(program))
}

/** The port of the previous start, so that an address noted down yesterday still works today. */
async function lastPort(place: Place): Promise<number> {
  const options = await readFileAs(place.account, join(dataOf(place), 'postmaster.opts')).catch(
    () => '',
  )
  const port = Number(/"port=(\d+)"/.exec(options)?.[1] ?? 0)
  return port < 65_536 ? port : 0
}

/**
 * `preferred` when nobody listens there, else any port. Somebody may still take it before the
 * server does: then launch again.
 */
async function freePort(preferred: number): Promise<number> {
  const probe = createServer()
  try {
    probe.listen(preferred, '127.0.0.1')
    await once(probe, 'listening')
    const address = probe.address()
    return typeof address === 'object' && address ? address.port : 0
  } catch (error) {
    if (preferred === 0) throw error
    return await freePort(0)
  } finally {
    probe.close()
  }
}
