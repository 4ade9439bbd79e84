// Which lines of which part a hand-made run asks for, when it asks for some lines of its artifact
// only.

import type { StoredPart } from '../db/write/artifacts.ts'
import type { RunOptions } from '../db/write/runs.ts'
import type { LineWindow } from '../pipeline/apply/part-position.ts'

/** Whether only some lines are asked for. */
export function isPartial({ offset, limit }: RunOptions): boolean {
  return offset !== undefined || limit !== undefined
}

/**
 * A window for each of `parts` that has lines after `offset` and within `limit`. `parts`: all of an
 * artifact, in order.
 */
export function windowsOf(
  parts: readonly Pick<StoredPart, 'no' | 'lineCount'>[],
  { offset = 0, limit }: RunOptions,
): ReadonlyMap<number, LineWindow> {
  const end = limit === undefined ? Infinity : offset + limit
  const windows = new Map<number, LineWindow>()
  let before = 0
  for (const { no, lineCount } of parts) {
    const window = { from: Math.max(0, offset - before), to: Math.min(lineCount, end - before) }
    if (window.from < window.to) windows.set(no, window)
    before += lineCount
  }
  return windows
}
