// Recognises the page of a bot protection that is sent in place of the requested document.

import { isAbort } from '../core/errors.ts'
import type { HttpResponse } from '../core/http.ts'

/** A challenge page is recognisable by its first lines. */
const PEEK_BYTES_MAX = 64 * 1024
const PROTECTION_HEADERS = ['x-sucuri-id', 'x-amzn-waf-action', 'x-datadome']

/**
 * Returns true for a challenge:
 * https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
 * and the equivalent headers of other providers. It may read the beginning of a web page that is not
 * a success, so call it once per response.
 */
export async function isBotChallenge({ status, headers, body }: HttpResponse): Promise<boolean> {
  if (headers.get('cf-mitigated') === 'challenge') return true
  if (![202, 403, 429, 503].includes(status)) return false
  if (PROTECTION_HEADERS.some((name) => headers.has(name))) return true
  // Cloudflare marks every response that it forwards, so only the text of the page identifies a
  // challenge.
  const isPage = headers.get('content-type')?.split(';', 1)[0]?.trim() === 'text/html'
  return headers.has('cf-ray') && isPage && (await readStart(body)).includes('Just a moment')
}

/** Returns the first 64 KB of a body as text, or less when it ends or fails before. */
export async function readStart(
  body: HttpResponse['body'],
  bytesMax = PEEK_BYTES_MAX,
): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytesLeft = bytesMax
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk.subarray(0, bytesLeft), { stream: true })
      bytesLeft -= chunk.byteLength
      if (bytesLeft <= 0) break
    }
  } catch (error) {
    if (isAbort(error)) throw error
  }
  return text
}
