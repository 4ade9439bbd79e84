// One line of a part, for a person who looks for a record.

import { LINE_FEED } from '../lib/byte-scan.ts'
import { readPart, type Part } from './parts.ts'
import type { ArtifactStore } from './store.ts'

/**
 * Yields the bytes of a line of the part, counted from 1, with its line feed. Yields nothing if the
 * part has fewer lines. A long line is never whole in memory.
 *
 * @throws as `readPart`
 */
export async function* readLine(
  store: ArtifactStore,
  part: Part,
  lineNo: number,
): AsyncGenerator<Buffer, void> {
  let current = 1
  for await (const chunk of readPart(store, part)) {
    let from = 0
    while (current < lineNo) {
      const end = chunk.indexOf(LINE_FEED, from)
      if (end === -1) break
      from = end + 1
      current += 1
    }
    if (current < lineNo) continue
    const end = chunk.indexOf(LINE_FEED, from)
    if (end !== -1) return yield chunk.subarray(from, end + 1)
    if (from < chunk.length) yield chunk.subarray(from)
  }
}
