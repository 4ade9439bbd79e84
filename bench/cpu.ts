// CPU time of process trees and of the machine, from the kernel's counters in /proc. Functions that
// read them return null outside Linux, and where /proc hides the processes.

import { readdirSync, readFileSync } from 'node:fs'
import { readProcessStat, type ProcessStat } from '../src/node/process-stat.ts'

/** 10 ms on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100

export interface MachineTicks {
  /** All CPU time of all cores, idle time included. */
  readonly total: number
  /** CPU time of all processes and of interrupts. */
  readonly busy: number
  /** CPU time that the host gave to other virtual machines. */
  readonly stolen: number
}

/**
 * Returns the CPU seconds of the processes `roots` and all their descendants, with those that have
 * ended.
 */
export function readTreeSeconds(roots: readonly number[]): number | null {
  for (;;) {
    const pids = listPids()
    if (pids === null) return null
    const stats = readStats(pids)
    if (!roots.every((pid) => stats.has(pid))) return null
    const seconds = sumTreeTicks(stats, roots) / TICKS_PER_SECOND
    // A process that ended during the reading would be counted twice or not at all.
    const tree = listTree(stats, roots)
    const after = listPids()
    if (after !== null && isSameTree(tree, listTree(readStats(after), roots))) return seconds
  }
}

/** Returns the pids of the running children of a process. */
export function listChildren(parentPid: number): number[] | null {
  const pids = listPids()
  if (pids === null) return null
  return [...readStats(pids)].filter(([, stat]) => stat.parentPid === parentPid).map(([pid]) => pid)
}

/** Each process is counted once, also when one root is a descendant of another. */
export function sumTreeTicks(
  stats: ReadonlyMap<number, ProcessStat>,
  roots: readonly number[],
): number {
  return listTree(stats, roots)
    .map((pid) => stats.get(pid))
    .reduce((sum, stat) => sum + (stat ? stat.cpuTicks + stat.endedChildrenTicks : 0), 0)
}

export function readMachineTicks(): MachineTicks | null {
  try {
    return parseMachineStat(readFileSync('/proc/stat', 'utf8'))
  } catch {
    return null
  }
}

/** See proc_stat(5). The time of guests is already contained in user and nice. */
export function parseMachineStat(text: string): MachineTicks {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(' ').map(Number) ?? []
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, hard = 0, soft = 0, stolen = 0] =
    fields
  const busy = user + nice + system + hard + soft
  return { busy, stolen, total: busy + idle + waiting + stolen }
}

function listTree(stats: ReadonlyMap<number, ProcessStat>, roots: readonly number[]): number[] {
  const childrenOf = Map.groupBy(stats.keys(), (pid) => stats.get(pid)?.parentPid ?? 0)
  const found = new Set<number>()
  const left = roots.filter((pid) => stats.has(pid))
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    if (found.has(pid)) continue
    found.add(pid)
    left.push(...(childrenOf.get(pid) ?? []))
  }
  return [...found].toSorted((a, b) => a - b)
}

function isSameTree(before: readonly number[], after: readonly number[]): boolean {
  return before.join() === after.join()
}

function readStats(pids: readonly number[]): Map<number, ProcessStat> {
  return new Map(
    pids.flatMap((pid) => {
      const stat = readProcessStat(pid)
      return stat ? [[pid, stat] as const] : []
    }),
  )
}

function listPids(): number[] | null {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return null
  }
}
