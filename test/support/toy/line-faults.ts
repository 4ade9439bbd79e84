// Faults at a line of the toy supplier's list. Each affects the page that contains its line.

import type { CommonFault } from '../../../simulators/support/faults.ts'

interface Entry {
  readonly fault: CommonFault
  skip: number
  left: number
}

export class LineFaults {
  #entries: Entry[] = []

  add(fault: CommonFault): void {
    this.#entries.push({ fault, skip: fault.skip, left: fault.times ?? Infinity })
  }

  clear(): void {
    this.#entries = []
  }

  /**
   * Takes the faults of the `count` lines from `firstLine` on, each with its line counted from the
   * first line of the page.
   */
  take(firstLine: number, count: number): CommonFault[] {
    const struck = this.#entries
      .filter(({ fault }) => {
        const line = lineOf(fault)
        return line !== null && line >= firstLine && line < firstLine + count
      })
      .filter((entry) => entry.skip-- <= 0)
    for (const entry of struck) entry.left -= 1
    this.#entries = this.#entries.filter(({ left }) => left > 0)
    return struck.map(({ fault }) => shiftLine(fault, firstLine))
  }
}

/** The line that a fault affects, or null for a fault of the whole response. */
export function lineOf(fault: CommonFault): number | null {
  if ('at' in fault) return fault.at
  if ('afterLines' in fault && fault.afterLines > 0) return fault.afterLines
  return null
}

/** The same fault with its line counted from the first line of the page. */
function shiftLine(fault: CommonFault, firstLine: number): CommonFault {
  if ('at' in fault) return { ...fault, at: fault.at - firstLine }
  if ('afterLines' in fault) return { ...fault, afterLines: fault.afterLines - firstLine }
  return fault
}
