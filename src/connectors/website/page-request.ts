// Requests one page: a conditional request when an earlier fetch has read it, and a whole HTML
// document in any charset as the response.

import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { readBytes } from '../../lib/read-body.ts'
import { challengeIn, refuseFailure } from './errors.ts'
import type { ReadPage } from './line.ts'
import { isOnSite, toRequestAddress } from './listed-pages.ts'
import type { Site } from './site.ts'

/** A line of the archive may have 8 MB, and quotes take two bytes in it. */
export const PAGE_BYTES_MAX = 3 * 1024 * 1024
const ACCEPT = 'text/html, application/xhtml+xml;q=0.9, */*;q=0.1'
const VALIDATOR_CHARS_MAX = 1_000
const CHARSET_CHARS = 4_096

/** The response to the request of a page. */
export type PageResponse =
  | { readonly kind: 'page'; readonly page: ReadPage }
  /** The site has responded, but it has no page at this address. */
  | { readonly kind: 'none'; readonly reason: 'gone' | 'elsewhere' | 'file' }

/** A way to request pages. */
export type RequestPage = (address: string, earlier: ReadPage | null) => Promise<PageResponse>

/** Requests pages from the site itself. */
export function requestDirectly(site: Site): RequestPage {
  return async (address, earlier) => {
    const response = await site.request(address, ACCEPT, toConditions(earlier))
    try {
      return await readResponse(site, { address, earlier, response })
    } finally {
      await response.cancel()
    }
  }
}

interface Exchange {
  readonly address: string
  readonly earlier: ReadPage | null
  readonly response: HttpResponse
}

/** @throws SyncError `source/…` */
async function readResponse(
  site: Site,
  { address, earlier, response }: Exchange,
): Promise<PageResponse> {
  const { status, headers } = response
  const where = nameOf(address)
  const url = URL.parse(response.url)
  if (url === null || !isOnSite(url, site.url)) return { kind: 'none', reason: 'elsewhere' }
  if (status === 304 && earlier !== null)
    return { kind: 'page', page: { ...earlier, readAtMs: Date.now() } }
  if (status === 404 || status === 410) return { kind: 'none', reason: 'gone' }
  await refuseFailure(response, address, where)
  const type = headers.get('content-type') ?? 'text/html'
  if (!/^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type))
    return { kind: 'none', reason: 'file' }
  const html = decodeHtml(await readBytes(response, PAGE_BYTES_MAX), type)
  const page: ReadPage = {
    address,
    url: toRequestAddress(url.href, site.url) ?? address,
    readAtMs: Date.now(),
    etag: toValidator(headers.get('etag')),
    lastModified: toValidator(headers.get('last-modified')),
    html: checkWhole(html, where),
  }
  return { kind: 'page', page }
}

function toConditions(earlier: ReadPage | null): Record<string, string> {
  return {
    ...(earlier?.etag != null && { 'if-none-match': earlier.etag }),
    ...(earlier?.lastModified != null && { 'if-modified-since': earlier.lastModified }),
  }
}

function toValidator(value: string | null): string | null {
  return value !== null &&
    /^[\x21-\x7e][\x20-\x7e]*$/.test(value) &&
    value.length <= VALIDATOR_CHARS_MAX
    ? value
    : null
}

/**
 * Returns the document. A response may end correctly but too early, when a proxy or a script of the
 * server fails.
 *
 * @throws SyncError `source/cut-short` · `source/blocked`
 */
export function checkWhole(html: string, where: string): string {
  if (html.trim() === '') throw new SyncError('source/cut-short', `${where} is empty`)
  const challenge = challengeIn(html, where)
  if (challenge !== null) throw challenge
  // Both end tags may be left out by the standard, but then usually the start tags are too.
  const isOpen = /<(html|body)\b/i.test(html) && !/<\/(html|body)\s*>/i.test(html)
  if (isOpen) throw new SyncError('source/cut-short', `${where} ends in the middle of its HTML`)
  return html
}

/** Decodes a document by the header, then by its own statement, then as UTF-8. */
function decodeHtml(bytes: Uint8Array, type: string): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, CHARSET_CHARS))
  const stated =
    /charset=["']?([\w:-]+)/i.exec(type)?.[1] ??
    /<meta[^>]+charset=["']?([\w:-]+)/i.exec(start)?.[1]
  try {
    return new TextDecoder(stated ?? 'utf-8').decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

/** `shop.example/products/a`, for messages. */
export function nameOf(address: string): string {
  const url = URL.parse(address)
  return url === null ? 'a page' : `${url.host}${url.pathname}`
}
