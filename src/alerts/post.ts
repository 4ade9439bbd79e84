// Sends a body to the service of a channel, within a time, and without following a redirect: the address
// is a secret, and a page that it redirects to would respond 200.

import { messageOf } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import { parseRetryAfter } from '../lib/back-off.ts'
import { readBytes } from '../lib/read-body.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { SendError } from './channel.ts'

const TIMEOUT_MS = 10_000

export interface PostTools {
  readonly http: Http
  readonly redact: Redactor
  /** From the request to the end of the response. Default: 10 s. */
  readonly timeoutMs?: number
}

export interface Post {
  /** The name of the service, for errors. */
  readonly service: string
  readonly url: string
  readonly contentType: string
  readonly body: string
  readonly responseBytesMax: number
}

export interface PostResponse {
  readonly status: number
  readonly text: string
  readonly retryAfterMs: number | null
}

/** @throws SendError if no response arrives; the reason of `signal` when it is aborted */
export async function post(
  { http, redact, timeoutMs = TIMEOUT_MS }: PostTools,
  { service, url, contentType, body, responseBytesMax }: Post,
  signal: AbortSignal,
): Promise<PostResponse> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const request = {
    url,
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
    firstByteTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    followsRedirects: false,
  } as const
  try {
    const response = await http(request, limited)
    return {
      status: response.status,
      text: new TextDecoder().decode(await readBytes(response, responseBytesMax)),
      retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), Date.now()),
    }
  } catch (error) {
    if (signal.aborted) throw error
    const cause = limited.aborted ? `no response within ${timeoutMs / 1000} s` : messageOf(error)
    throw new SendError(redact(`${service} could not be reached: ${cause}`))
  }
}
