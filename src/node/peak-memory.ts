// Peak memory of this process, as the kernel counts it.

import { readFileSync } from 'node:fs'

/**
 * Peak resident set size in bytes since the process started. Linux: VmHWM, which writing 5 to
 * `/proc/self/clear_refs` resets.
 */
export function readPeakMemoryBytes(): number {
  try {
    const [, kilobytes] =
      /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  } catch {
    // No procfs: not Linux.
  }
  return process.resourceUsage().maxRSS * 1024
}
