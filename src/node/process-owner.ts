// Identifies the process that owns a lease, so that another process on the same machine can detect
// at once that the owner is dead instead of waiting for the lease to expire. A pid alone is not
// proof: it is reused, and differs between containers.

import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { readProcessStat } from './process-stat.ts'
import { findErrno } from './system-errors.ts'

/**
 * Returns `host/boot/namespace:pid:startTicks` of this process. Outside Linux, boot and ticks are
 * unknown, and no owner is reported as dead.
 */
export function getOwnerName(): string {
  const startTicks = readProcessStat(process.pid)?.startTicks ?? ''
  return `${findMachine() ?? `${findHostname()}//`}:${process.pid}:${startTicks}`
}

/** True only with proof: `name` is of this boot and pid namespace, and the process is gone. */
export function isOwnerDead(name: string): boolean {
  const [, where, pid, startTicks] = /^(.+):(\d+):(\d+)$/.exec(name) ?? []
  if (where === undefined || where !== findMachine()) return false
  const stat = readProcessStat(Number(pid))
  if (stat === null) return !exists(Number(pid))
  return stat.startTicks !== startTicks || stat.state === 'Z' || stat.state === 'X'
}

function findMachine(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${hostname()}/${boot}/${readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}`
  } catch {
    return null
  }
}

/** Edge functions may not read it. */
function findHostname(): string {
  try {
    return hostname()
  } catch {
    return 'unknown'
  }
}

/** Sends signal 0 instead of reading procfs, which may hide other users' processes (hidepid). */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return findErrno(error) !== 'ESRCH'
  }
}
