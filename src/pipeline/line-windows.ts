// The lines of each part that a partial run applies: `offset` and `limit` of a run, counted over
// all lines of its artifact.

import type { StoredPart } from '../db/write/artifacts.ts'
import type { RunOptions } from '../db/write/runs.ts'
import type { LineWindow } from './apply/part-position.ts'

/** True when the run applies only some lines of its artifact. Such a run never settles. */
export function isPartial({ offset, limit }: RunOptions): boolean {
  return offset !== undefined || limit !== undefined
}

/**
 * Returns a window for each part that has lines after `offset` and within `limit`. `parts`: all
 * parts of an artifact, in order.
 */
export function listWindows(
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
