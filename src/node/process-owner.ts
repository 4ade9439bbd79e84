// Who holds a lease, written so that the next process on the same machine can tell at once that the
// holder is dead, instead of waiting for the lease to run out. A pid alone proves nothing: it is
// reused, and means another process in each container.

import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { errnoOf } from './system-errors.ts'

/**
 * This process as `host/boot/namespace:pid:startTicks`. Off Linux boot and ticks are unknown, and
 * no owner is ever called dead.
 */
export function owner(): string {
  return `${machine() ?? `${hostname()}//`}:${process.pid}:${processStat(process.pid)?.startTicks ?? ''}`
}

/**
 * True only when it is proved: `name` was of this very boot and pid namespace, and that process is
 * gone.
 */
export function isOwnerDead(name: string): boolean {
  const [, where, pid, startTicks] = /^(.+):(\d+):(\d+)$/.exec(name) ?? []
  if (where === undefined || where !== machine()) return false
  const stat = processStat(Number(pid))
  if (stat === null) return !exists(Number(pid))
  return stat.startTicks !== startTicks || stat.state === 'Z' || stat.state === 'X'
}

function machine(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${hostname()}/${boot}/${readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}`
  } catch {
    return null
  }
}

/**
 * See proc_pid_stat(5): the name in parentheses may itself hold spaces and parentheses; state is
 * field 3, the start time 22.
 */
function processStat(pid: number): { readonly state: string; readonly startTicks: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' }
  } catch {
    return null
  }
}

/** Asks the kernel instead of procfs, which may hide other users' processes (hidepid). */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}
