// Removes copies that no image has named for the grace period. The row of a copy is deleted after its
// object, so that a process that is killed in between leaves nothing behind.

import { messageOf } from '../../core/errors.ts'
import type { Db } from '../../db/pool.ts'
import { beginBlobRemoval, endBlobRemoval, markUnusedImages } from '../../db/write/images.ts'
import type { Log } from '../../telemetry/log.ts'
import type { ImageTarget } from './targets/target.ts'

export interface RemovalTools {
  readonly db: Db
  readonly log: Log
  readonly target: ImageTarget
  readonly graceMs: number
}

const BATCH = 100

/** Returns the number of copies that were removed. @throws SyncError as `ImageTarget.remove` */
export async function removeUnused(
  { db, log, target, graceMs }: RemovalTools,
  signal: AbortSignal,
): Promise<number> {
  await markUnusedImages(db)
  let removed = 0
  for (;;) {
    const blobs = await beginBlobRemoval(db, graceMs, BATCH)
    for (const blob of blobs) {
      if (signal.aborted) return removed
      // Only the settings of the present target are known.
      if (blob.target === target.name) await target.remove(blob.object, signal)
      else
        log.warn(
          { target: blob.target, object: blob.object },
          'an unused image stays at a target that IMAGES does not name any more',
        )
      await endBlobRemoval(db, blob.sha256)
      removed += 1
    }
    if (blobs.length < BATCH) break
  }
  if (removed > 0) log.info({ removed, target: target.name }, 'unused images removed')
  return removed
}

/** Removes unused copies once an hour. An error is logged, and the next hour tries again. */
export class HourlyRemoval {
  readonly #tools: RemovalTools
  #nextMs = performance.now()

  constructor(tools: RemovalTools) {
    this.#tools = tools
  }

  async runIfDue(signal: AbortSignal): Promise<void> {
    if (performance.now() < this.#nextMs) return
    this.#nextMs = performance.now() + 3_600_000
    await removeUnused(this.#tools, signal).catch((error: unknown) => {
      if (!signal.aborted)
        this.#tools.log.warn({ cause: messageOf(error) }, 'unused images could not be removed')
    })
  }
}
