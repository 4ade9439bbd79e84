// Small helpers around an HTTP answer.

import { SyncError } from '../core/errors.ts'
import type { HttpResponse } from '../core/http.ts'

/**
 * Reads a body of at most `bytesMax` bytes, and gives `onChunk` each piece as it comes. @throws
 * SyncError `source/too-large` beyond that.
 */
export async function readBytes(
  response: HttpResponse,
  bytesMax: number,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.byteLength
    if (size > bytesMax) {
      await response.cancel()
      throw new SyncError(
        'source/too-large',
        `The answer of ${hostOf(response.url)} is larger than ${bytesMax} bytes`,
      )
    }
    chunks.push(chunk)
    onChunk?.(chunk)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'unknown host'
}
