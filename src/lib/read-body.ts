// Reads response bodies of limited size.

import { SyncError } from '../core/errors.ts'
import type { HttpResponse } from '../core/http.ts'
import { joinBytes } from './join-bytes.ts'

/**
 * Reads a body of at most `bytesMax` bytes and passes each chunk to `onChunk` as it arrives.
 *
 * @throws SyncError `source/too-large`
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
        `The response of ${toHost(response.url)} is larger than ${bytesMax} bytes`,
      )
    }
    chunks.push(chunk)
    onChunk?.(chunk)
  }
  return joinBytes(chunks)
}

export function toHost(url: string): string {
  return URL.parse(url)?.host ?? 'unknown host'
}
