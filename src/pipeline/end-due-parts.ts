// Ends parts in time: rows do not wait for a supplier that takes long for its next page.

import type { Page } from '../core/connector.ts'
import { isSettledWithin } from '../lib/timeout.ts'

/** A supplier whose next page comes within this time is fast enough to fill the part. */
const READY_MS = 20
/** Longest time after which a part is due. */
const PART_AGE_MS_MAX = 60_000
/** The age at which a part is due doubles with every so many parts. */
const PARTS_PER_AGE = 32

/** The part of the writer that this file needs. */
interface PartSink {
  readonly dueMs: number | null
  endPart(): Promise<void>
}

/**
 * Returns the age at which part `no` is due. It grows, so that a fetch of hours has hundreds of parts, not
 * thousands.
 */
export function limitPartAge(firstMs: number, no: number): number {
  return Math.min(firstMs * 2 ** Math.floor((no - 1) / PARTS_PER_AGE), PART_AGE_MS_MAX)
}

/**
 * Yields the pages, and stores a part that is due while the next page is awaited. After an error of the
 * store, the caller stops the request for that page.
 */
export async function* endDueParts(
  pages: AsyncIterable<Page>,
  writer: PartSink,
): AsyncGenerator<Page> {
  const iterator = pages[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const next = iterator.next()
      next.catch(() => {})
      const { dueMs } = writer
      if (dueMs !== null && !(await isSettledWithin(next, Math.max(dueMs, READY_MS))))
        await writer.endPart()
      const { value, done } = await next
      ended = done === true
      if (ended) return
      yield value
    }
  } catch (error) {
    ended = true
    throw error
  } finally {
    if (!ended) await iterator.return?.()
  }
}
