// Archived bytes on standard output.

import { escapeLines } from '../../lib/escape-controls.ts'

/**
 * Writes the bytes unchanged to standard output, at the speed of the reader, and stops when the
 * reader closes it, as `head` does. On a terminal, control characters are escaped.
 */
export async function writeBytes(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  const decoder = new TextDecoder()
  let isClosed = false
  process.stdout.once('error', () => (isClosed = true))
  for await (const chunk of chunks) {
    if (isClosed) return
    const text = process.stdout.isTTY ? escapeLines(decoder.decode(chunk, { stream: true })) : chunk
    await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))
  }
}
