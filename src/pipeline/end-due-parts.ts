// Ends parts in time: rows do not wait for a supplier that takes long for its next page.

import type { Page } from '../core/connector.ts'
import { isSettledWithin } from '../lib/timeout.ts'
import type { ArtifactWriter } from './artifact-writer.ts'

/** A supplier whose next page comes within this time is fast enough to fill the part. */
const READY_MS = 20

/**
 * Yields the pages, and stores a part that is due while the next page is awaited. After an error of the
 * store, the caller stops the request for that page.
 */
export async function* endDueParts(
  pages: AsyncIterable<Page>,
  writer: Pick<ArtifactWriter, 'dueMs' | 'endPart'>,
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
