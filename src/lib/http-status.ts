// Classes of HTTP status codes. Each caller maps a class to the error code of its area.

import type { ErrorCode } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'
import { parseRetryAfter } from './back-off.ts'

export type StatusClass =
  | 'success'
  | 'redirect'
  | 'unauthorized'
  | 'not-found'
  | 'throttled'
  /** The server, or a gateway before it, cannot respond now. */
  | 'unavailable'
  /** Any other refusal: the same request would be refused again. */
  | 'rejected'

/**
 * Classifies a status from 200. 408 and 425 count as `unavailable`, because the same request may
 * succeed later; 410 counts as `not-found`. A supplier that gives a status its own meaning looks it
 * up before it calls this function.
 */
export function classifyStatus(status: number): StatusClass {
  if (status < 300) return 'success'
  if (status < 400) return 'redirect'
  if (status === 401 || status === 403) return 'unauthorized'
  if (status === 404 || status === 410) return 'not-found'
  if (status === 429) return 'throttled'
  return status >= 500 || status === 408 || status === 425 ? 'unavailable' : 'rejected'
}

/** True when the same request may succeed later. */
export function isTransientStatus(status: number): boolean {
  return ['throttled', 'unavailable'].includes(classifyStatus(status))
}

/** The error code of each class; that of `success` is for a body that cannot be used. */
export type StatusCodes = Readonly<Record<StatusClass, ErrorCode>>

export const SUPPLIER_CODES: StatusCodes = {
  success: 'source/malformed',
  redirect: 'source/rejected',
  unauthorized: 'source/unauthorized',
  'not-found': 'source/gone',
  throttled: 'source/rate-limited',
  unavailable: 'source/unavailable',
  rejected: 'source/rejected',
}

export interface StatusLine {
  readonly status: number
  readonly headers: Headers
}

/** `detail` has the status; `retryAfterMs` is set when the server sent Retry-After. */
export function toStatusError(
  { status, headers }: StatusLine,
  codes: StatusCodes,
  message: string,
  detail: Readonly<Record<string, unknown>> = {},
): SyncError {
  return new SyncError(codes[classifyStatus(status)], message, {
    detail: { status, ...detail },
    retryAfterMs: readRetryAfter(headers),
  })
}

/** Milliseconds, by the server's own clock when the response has a Date. */
export function readRetryAfter(headers: Headers): number | null {
  const dateMs = Date.parse(headers.get('date') ?? '')
  return parseRetryAfter(headers.get('retry-after'), Number.isNaN(dateMs) ? Date.now() : dateMs)
}
