// Reads the body of a request to a server, in web standards.

import { SyncError } from '../core/errors.ts'
import { joinBytes } from './join-bytes.ts'

/**
 * Returns the body as text, without blanks around it; an absent body is empty. It reads no more than
 * `bytesMax`, also when Content-Length states less.
 *
 * @throws SyncError `request/too-large` · `request/invalid` if the body is incomplete or not UTF-8
 */
export async function readRequestText(
  { headers, body }: Pick<Request, 'headers' | 'body'>,
  bytesMax: number,
): Promise<string> {
  if (Number(headers.get('content-length') ?? 0) > bytesMax) throw createTooLargeError(bytesMax)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body ?? []) {
      size += chunk.byteLength
      if (size > bytesMax) throw createTooLargeError(bytesMax)
      chunks.push(chunk)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(joinBytes(chunks)).trim()
  } catch (cause) {
    throw cause instanceof SyncError
      ? cause
      : new SyncError('request/invalid', 'The body is incomplete or not UTF-8', { cause })
  }
}

function createTooLargeError(bytesMax: number): SyncError {
  return new SyncError('request/too-large', `The body is larger than ${bytesMax} bytes`)
}
