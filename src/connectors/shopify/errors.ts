// Converts a response that is not a page of products into an error. A closed shop responds in many
// ways; only 404 and 410 mean that it is gone.

import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { isBotChallenge } from '../../lib/bot-challenge.ts'
import {
  classifyStatus,
  isTransientStatus,
  readRetryAfter,
  SUPPLIER_CODES,
} from '../../lib/http-status.ts'

const WEB_PAGE = 'a web page'

/**
 * Returns the error of a response that cannot be a JSON document of a shop, or null; with null, the
 * body has not been read. `where` begins the message. Call it once per response: it may read the
 * beginning of a web page to distinguish a challenge from a failure.
 */
export async function failureOf(response: HttpResponse, where: string): Promise<SyncError | null> {
  const { status, headers } = response
  const url = URL.parse(response.url)
  if (url && /\/password\/?$/.test(url.pathname))
    return new SyncError('source/password', `${url.host} sends visitors to its password page`)
  if (await isBotChallenge(response))
    return new SyncError('source/blocked', `${where} responds with a bot challenge (${status})`)
  if (status === 200) {
    if (headers.get('content-length') === '0')
      return new SyncError('source/cut-short', `${where} is empty`)
    return isJson(headers)
      ? null
      : new SyncError('source/malformed', `${where} responds with ${contentOf(headers)}, not JSON`)
  }
  if (status === 429) {
    return new SyncError('source/rate-limited', `${where} responds 429: too many requests`, {
      retryAfterMs: retryAfterMsOf(headers),
    })
  }
  if (isTransientStatus(status))
    return new SyncError(SUPPLIER_CODES[classifyStatus(status)], `${where} responds ${status}`)
  const [code, reason] = REFUSALS.get(status) ?? ['source/rejected', 'unexpected status']
  return new SyncError(code, `${where} responds ${status}: ${reason}`)
}

/** The error of a shop at `host` that states another currency than the setting of its source. */
export function toCurrencyError(host: string, setting: string, stated: string): SyncError {
  return new SyncError(
    'source/malformed',
    `${host} has changed its currency from ${setting} to ${stated}. If that is right: shelfsync sources set NAME --set currency=${stated}`,
  )
}

/** Returns true if Shopify's servers sent the response. */
export function isFromShopify({ url, headers }: HttpResponse): boolean {
  const marked =
    headers.has('x-shopid') ||
    headers.has('x-shopify-stage') ||
    /shopify/i.test(headers.get('powered-by') ?? '')
  return marked || (URL.parse(url)?.hostname.endsWith('.myshopify.com') ?? false)
}

/**
 * 402, 423 and 430 have a meaning specific to Shopify:
 * https://shopify.dev/docs/api/usage/response-codes
 */
const REFUSALS = new Map<number, readonly [ErrorCode, string]>([
  [401, ['source/password', 'the shop is closed to visitors']],
  [402, ['source/closed', 'Shopify has frozen the shop until its owner pays']],
  [403, ['source/blocked', 'the shop refuses automated requests']],
  [404, ['source/gone', 'the list does not exist; the shop has moved or has closed it']],
  [410, ['source/gone', 'the list has been removed permanently']],
  [423, ['source/closed', 'Shopify has locked the shop']],
  [430, ['source/blocked', 'Shopify rejects this client as a security risk']],
])

/**
 * Returns the requested wait, but at least 5 s. Without Retry-After, which Shopify often omits, it
 * is 30 s.
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
  return type === '' ? 'an unknown content type' : type
}
