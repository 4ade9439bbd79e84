// The meaning of a response that is not a page of products. A shop reports "closed" in many ways;
// only 404 and 410 mean "gone".

import type { ErrorCode } from '../../core/error-table.ts'
import { isAbort, SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import {
  classifyStatus,
  isTransientStatus,
  readRetryAfter,
  SUPPLIER_CODES,
} from '../../lib/http-status.ts'

const WEB_PAGE = 'a web page'
/** A challenge says what it is in its first lines. */
const PEEK_BYTES_MAX = 64 * 1024

/**
 * The reason why this response cannot be a JSON document of a shop, or null when it may be one:
 * then its body has not been read. `where` begins the message. Call it once: to distinguish a
 * challenge from a failure, it may read the beginning of a web page.
 */
export async function failureOf(response: HttpResponse, where: string): Promise<SyncError | null> {
  const { status, headers } = response
  const url = URL.parse(response.url)
  if (url && /\/password\/?$/.test(url.pathname))
    return new SyncError('source/password', `${url.host} sends visitors to its password page`)
  if (await isChallenge(response))
    return new SyncError('source/blocked', `${where} responds with a bot challenge (${status})`)
  if (status === 200) {
    if (headers.get('content-length') === '0')
      return new SyncError('source/cut-short', `${where} is empty`)
    return isJson(headers)
      ? null
      : new SyncError('source/malformed', `${where} answers ${contentOf(headers)}, not JSON`)
  }
  if (status === 429) {
    return new SyncError('source/rate-limited', `${where} responds 429: too many requests`, {
      retryAfterMs: retryAfterMsOf(headers),
    })
  }
  if (isTransientStatus(status))
    return new SyncError(SUPPLIER_CODES[classifyStatus(status)], `${where} answers ${status}`)
  const [code, reason] = REFUSALS.get(status) ?? [
    'source/rejected',
    'a shop does not respond like this here',
  ]
  return new SyncError(code, `${where} answers ${status}: ${reason}`)
}

/** True when Shopify's servers sent the response. */
export function isFromShopify({ url, headers }: HttpResponse): boolean {
  const marked =
    headers.has('x-shopid') ||
    headers.has('x-shopify-stage') ||
    /shopify/i.test(headers.get('powered-by') ?? '')
  return marked || (URL.parse(url)?.hostname.endsWith('.myshopify.com') ?? false)
}

/** 402, 423 and 430 are Shopify's own: https://shopify.dev/docs/api/usage/response-codes */
const REFUSALS = new Map<number, readonly [ErrorCode, string]>([
  [401, ['source/password', 'the shop is closed to visitors']],
  [402, ['source/closed', 'Shopify has frozen the shop until its owner pays']],
  [403, ['source/blocked', 'the shop refuses to be read by programs']],
  [404, ['source/gone', 'the list does not exist; the shop has moved or has closed it']],
  [410, ['source/gone', 'the list has been removed for good']],
  [423, ['source/closed', 'Shopify has locked the shop']],
  [430, ['source/blocked', 'Shopify refuses this client as a security risk']],
])

/**
 * https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
 * and the like of its competitors.
 */
async function isChallenge({ status, headers, body }: HttpResponse): Promise<boolean> {
  if (headers.get('cf-mitigated') === 'challenge') return true
  if (![202, 403, 429, 503].includes(status)) return false
  if (['x-sucuri-id', 'x-amzn-waf-action', 'x-datadome'].some((name) => headers.has(name)))
    return true
  // Cloudflare marks all that passes through it, so behind it only the words of the page tell.
  return (
    headers.has('cf-ray') &&
    contentOf(headers) === WEB_PAGE &&
    (await startOf(body)).includes('Just a moment')
  )
}

/** The first 64 KB of the body, or less when it ends or fails before. */
async function startOf(body: HttpResponse['body']): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytesLeft = PEEK_BYTES_MAX
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

/**
 * Shopify often leaves Retry-After out, and its penalty lasts minutes: 30 s then, at least 5 s
 * always, a longer wish as it is.
 */
function retryAfterMsOf(headers: Headers): number {
  return Math.max(readRetryAfter(headers) ?? 30_000, 5_000)
}

function isJson(headers: Headers): boolean {
  return /^(application|text)\/([\w.-]+\+)?json\b/i.test(headers.get('content-type') ?? '')
}

function contentOf(headers: Headers): string {
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim() ?? ''
  if (type === 'text/html') return WEB_PAGE
  return type === '' ? 'something unnamed' : type
}
