// One Postgres server process, known by its data directory: find it, launch it, stop it.
// `postmaster.pid` is the only truth, and it lies after a `kill -9`: the pid in it may by now be any other program.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SyncError } from '../core/errors.ts'
import { errnoOf } from '../node/system-errors.ts'
import { runAs, SERVER_ENVIRONMENT } from './postgres-account.ts'
import { dataOf, type Place } from './postgres-place.ts'

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
  return { pid: Number(pid), port: Number(port), ready: status?.trim() === 'ready' }
}

/**
 * Removes a `postmaster.pid` whose pid another program has by now: Postgres itself would refuse to start for ever. One whose pid nobody has
 * is left to Postgres: by the time that we removed it, it could be that of a server which somebody else has just started.
 */
export async function removeStalePidFile(place: Place): Promise<void> {
  const [pid] = await readPidFile(place)
  if (!pid || !isAlive(Number(pid)) || isPostgres((await readCommand(Number(pid)))[0])) return
  if ((await readPidFile(place))[0] === pid) await rm(join(dataOf(place), 'postmaster.pid'), { force: true })
}

/**
 * Starts a server on loopback in a process group of its own, so that Ctrl-C in our terminal does not reach it. Without `port` it gets the
 * one that it had before, or another when that is taken. It is not ready yet when this returns: ask `findServer`. The process outlives ours.
 */
export async function launchServer(place: Place, binaries: string, settings: Settings, port: number | null): Promise<ChildProcess> {
  const logFile = join(place.directory, 'log')
  const size = await stat(logFile).then((file) => file.size, () => 0)
  if (size > LOG_BYTES_MAX) await rename(logFile, `${logFile}.1`)
  const log = await open(logFile, 'a', 0o600)
  try {
    const all = { ...settings, port: String(port ?? (await freePort(await lastPort(place)))) }
    const args = ['-D', dataOf(place), ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const child = spawn(join(binaries, 'postgres'), args, {
      ...place.account, cwd: '/', env: SERVER_ENVIRONMENT, detached: true, stdio: ['ignore', log.fd, log.fd],
    })
    await once(child, 'spawn')
    child.unref()
    return child
  } finally {
    await log.close()
  }
}

/** Stops the server cleanly (its clients are cut off) and returns when the process is gone. Harmless when none runs. */
export async function stopServer(place: Place): Promise<void> {
  const server = await findServer(place)
  if (!server) return
  // Fast, then immediate: the second skips the final checkpoint, and the next start recovers.
  if (await end(server.pid, 'SIGINT', FAST_STOP_MS)) return
  if (await end(server.pid, 'SIGQUIT', IMMEDIATE_STOP_MS)) return
  const message = `The embedded database (process ${server.pid}) does not stop. Its log: ${join(place.directory, 'log')}`
  throw new SyncError('db/unreachable', message)

  async function end(pid: number, signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
    process.kill(pid, signal)
    for (const giveUpAt = performance.now() + waitMs; performance.now() < giveUpAt; await sleep(10)) {
      if ((await findServer(place))?.pid !== pid && !isPostgres((await readCommand(pid))[0])) return true
    }
    return false
  }
}

/** The last lines that the server logged, for an error message. */
export async function readLogTail(place: Place): Promise<string> {
  const text = await readFile(join(place.directory, 'log'), 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-3).join(' · ')
}

async function readPidFile(place: Place): Promise<string[]> {
  const text = await readFile(join(dataOf(place), 'postmaster.pid'), 'utf8').catch(() => '')
  return text === '' ? [] : text.split('\n')
}

/** Also true of a zombie, which Postgres takes for a server that runs. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

/** The command line of a process; empty when it is gone or a zombie. */
async function readCommand(pid: number): Promise<string[]> {
  if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return (await runAs({}, 'ps', ['-o', 'args=', '-p', String(pid)]).catch(() => '')).trim().split(' ')
}

/** Also true for its child processes, which call themselves `postgres: …`. */
function isPostgres(program: string | undefined): boolean {
  return program !== undefined && /^postgres(:|$)/.test(basename(program))
}

/** The port of the previous start, so that an address noted down yesterday still works today. */
async function lastPort(place: Place): Promise<number> {
  const options = await readFile(join(dataOf(place), 'postmaster.opts'), 'utf8').catch(() => '')
  return Number(/"port=(\d+)"/.exec(options)?.[1] ?? 0)
}

/** `preferred` when nobody listens there, else any port. Somebody may still take it before the server does: then launch again. */
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
