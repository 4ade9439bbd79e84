// The HTTP client of an edge function, on `fetch`. It sends requests to the addresses of the source
// only, and follows no redirect: an API has none, and a redirect would carry the secrets to another
// address.

import { SyncError } from '../core/errors.ts'
import type { Http, HttpRequest } from '../core/http.ts'
import { describeFetchError } from '../node/system-errors.ts'
import { withTimeout } from '../lib/timeout.ts'
import type { AddressGuard } from '../node/address-guard.ts'

export interface FetchOptions {
  /** Addresses of which the origins may be requested. */
  readonly addresses: readonly string[]
  readonly guard: Pick<AddressGuard, 'check'>
  readonly userAgent: string
}

const FIRST_BYTE_MS = 60_000
const IDLE_MS = 30_000

export function createFetchHttp({ addresses, guard, userAgent }: FetchOptions): Http {
  const origins = new Set(addresses.map((address) => new URL(address).origin))
  return async (request, signal) => {
    const url = URL.parse(request.url)
    if (url === null || !origins.has(url.origin))
      throw new SyncError(
        'source/address-refused',
        `A request to ${url?.host ?? 'an invalid address'} is refused: it is not an address of the source`,
      )
    guard.check(url)
    const response = await send(url, request, userAgent, signal)
    return {
      status: response.status,
      headers: response.headers,
      url: url.href,
      body: readBody(response, url.host, request.idleTimeoutMs ?? IDLE_MS, signal),
      cancel: async () => response.body?.cancel().catch(() => {}),
    }
  }
}

async function send(
  url: URL,
  { method = 'GET', headers = {}, body, firstByteTimeoutMs = FIRST_BYTE_MS }: HttpRequest,
  userAgent: string,
  signal: AbortSignal,
): Promise<Response> {
  const tooLate = new AbortController()
  const timer = setTimeout(() => tooLate.abort(), firstByteTimeoutMs)
  try {
    return await fetch(url, {
      method,
      headers: { 'user-agent': userAgent, ...headers },
      redirect: 'manual',
      signal: AbortSignal.any([signal, tooLate.signal]),
      ...(body !== undefined && { body }),
    })
  } catch (error) {
    signal.throwIfAborted()
    const reason = tooLate.signal.aborted ? 'timeout' : describeFetchError(error)
    throw new SyncError('source/unavailable', `No response from ${url.host}: ${reason}`)
  } finally {
    clearTimeout(timer)
  }
}

async function* readBody(
  { body }: Response,
  host: string,
  idleMs: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await withTimeout(reader.read(), idleMs)
      if (done) return
      yield value
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new SyncError('source/cut-short', `The response of ${host} was cut short`, {
      cause: error,
    })
  } finally {
    await reader.cancel().catch(() => {})
  }
}
