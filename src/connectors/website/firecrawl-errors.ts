// Converts the failures of Firecrawl's API into errors: of the page, the rate, the account, the service.

import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { classifyStatus, readRetryAfter } from '../../lib/http-status.ts'
import { cutText } from '../../lib/text.ts'

const WAIT_MS = 30_000
const MESSAGE_CHARS_MAX = 200

const Failure = z.object({
  error: z.string().optional(),
  code: z.string().optional(),
})

/** Failures of one page; any other one is a failure of Firecrawl or of the account. */
const PAGE_CODES = /^(SCRAPE_|MAP_TIMEOUT|UNKNOWN_ERROR)/

/** Returns the error of a response. `where` begins the message. */
export function toFailure(
  { status, headers }: Pick<HttpResponse, 'status' | 'headers'>,
  where: string,
  { error = 'no reason', code = '' }: z.infer<typeof Failure>,
): SyncError {
  const message = `${where} responds ${status}${code === '' ? '' : ` (${code})`}: ${cutReason(error)}`
  if (status === 429) {
    const stated = /retry after (\d{1,5}) ?s/i.exec(error)?.[1]
    const waitMs = stated === undefined ? WAIT_MS : Number(stated) * 1000
    return new SyncError('source/rate-limited', message, {
      retryAfterMs: readRetryAfter(headers) ?? waitMs,
    })
  }
  if (PAGE_CODES.test(code) || status === 408) return new SyncError('source/unavailable', message)
  const detail = { wholeSite: true, status }
  if (status === 401) return new SyncError('source/unauthorized', message, { detail })
  if (status === 402)
    return new SyncError('source/rejected', `${message}. The account has no credits left`, {
      detail,
    })
  if (status === 403) return new SyncError('source/blocked', message, { detail })
  if (classifyStatus(status) === 'unavailable')
    return new SyncError('source/unavailable', message, {
      detail,
      retryAfterMs: readRetryAfter(headers),
    })
  return status === 200
    ? new SyncError('source/unavailable', message)
    : new SyncError('source/rejected', message, { detail })
}

export function readFailure(text: string): z.infer<typeof Failure> {
  return Failure.safeParse(parseJson(text)).data ?? {}
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export function cutReason(text: string): string {
  return cutText(text.replaceAll(/\s+/g, ' ').trim(), MESSAGE_CHARS_MAX)
}
