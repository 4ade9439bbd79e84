// State, parent and CPU time of a process, as the kernel counts them in `/proc/PID/stat`.

import { readFileSync } from 'node:fs'

export interface ProcessStat {
  readonly state: string
  readonly parentPid: number
  /** CPU time in ticks, user and system, of all its threads. */
  readonly cpuTicks: number
  /** CPU time in ticks of its children that have ended, with their own ended children. */
  readonly endedChildrenTicks: number
  /** Ticks from the start of the machine to the start of the process. */
  readonly startTicks: string
}

/** Returns null for a process that has ended or is hidden, and outside Linux. */
export function readProcessStat(pid: number): ProcessStat | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return null
  }
}

/**
 * See proc_pid_stat(5): the name in parentheses may contain spaces and parentheses. State is field
 * 3, the parent 4, the CPU times 14 to 17, the start time 22.
 */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number)
  return {
    state: fields[0] ?? '',
    parentPid: Number(fields[1]),
    cpuTicks: (user ?? Number.NaN) + (system ?? Number.NaN),
    endedChildrenTicks: (endedUser ?? Number.NaN) + (endedSystem ?? Number.NaN),
    startTicks: fields[19] ?? '',
  }
}
