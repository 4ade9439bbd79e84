// Converts a response that is not a list of products into an error. A plugin, the web server or a
// bot protection may respond in place of the shop; only 404 and 410 mean that nothing is there.

import { z } from 'zod'
import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { isBotChallenge, readStart } from '../../lib/bot-challenge.ts'
import {
  classifyStatus,
  isTransientStatus,
  readRetryAfter,
  SUPPLIER_CODES,
} from '../../lib/http-status.ts'

const ERROR_BYTES_MAX = 16 * 1024
/** A shop's own limit allows 25 requests in 10 seconds. */
const WAIT_MS = 10_000

/** An error of the REST API of WordPress. Its message may quote the request and is not used. */
const ApiError = z.object({ code: z.string().regex(/^[a-z_]{1,60}$/) })

/** The error of a response, and its code in the REST API, if it has one. */
export interface Failure {
  readonly error: SyncError
  readonly status: number
  readonly apiCode: string | null
}

/**
 * Returns the failure of a response with another status than 200, or null; with null, the body has
 * not been read. `where` begins the message.
 */
export async function failureOf(response: HttpResponse, where: string): Promise<Failure | null> {
  const { status } = response
  if (await isBotChallenge(response)) {
    await response.cancel()
    const message = `${where} responds with a bot challenge (${status})`
    return { error: new SyncError('source/blocked', message), status, apiCode: null }
  }
  if (status === 200) return null
  const apiCode = await readApiCode(response)
  return { error: errorOf(response, where, apiCode), status, apiCode }
}

function errorOf(
  { status, headers }: HttpResponse,
  where: string,
  apiCode: string | null,
): SyncError {
  const message = `${where} responds ${status}${apiCode === null ? '' : ` (${apiCode})`}`
  if (status === 429 || apiCode === 'rate_limit_exceeded')
    return new SyncError('source/rate-limited', `${message}: too many requests`, {
      retryAfterMs: readWait(headers),
    })
  if (isTransientStatus(status))
    return new SyncError(SUPPLIER_CODES[classifyStatus(status)], message, {
      retryAfterMs: readRetryAfter(headers),
    })
  const [code, reason] = refusalOf(status, apiCode)
  return new SyncError(code, `${message}: ${reason}`, { detail: { status } })
}

function refusalOf(status: number, apiCode: string | null): readonly [ErrorCode, string] {
  if ((status === 401 || status === 403) && apiCode !== null)
    return ['source/blocked', 'the shop has closed its public API; ask its owner to open it']
  if (status === 401) return ['source/password', 'the site asks visitors for a password']
  if (status === 403) return ['source/blocked', 'the site refuses automated requests']
  if (apiCode === 'rest_no_route')
    return ['source/gone', 'WooCommerce or its Store API is not active']
  if (status === 404 || status === 410) return ['source/gone', 'the list does not exist']
  return ['source/rejected', 'unexpected status']
}

/** WooCommerce states the wait in a separate header. */
function readWait(headers: Headers): number {
  const own = headers.get('ratelimit-retry-after') ?? ''
  const ownMs = /^\d{1,6}$/.test(own) ? Number(own) * 1000 : null
  return Math.max(ownMs ?? readRetryAfter(headers) ?? WAIT_MS, 1_000)
}

async function readApiCode(response: HttpResponse): Promise<string | null> {
  const text = await readStart(response.body, ERROR_BYTES_MAX)
  await response.cancel()
  try {
    return ApiError.safeParse(JSON.parse(text)).data?.code ?? null
  } catch {
    return null
  }
}
