// Access tokens. One is valid for an hour and counts as a request, so all sources of a process with
// the same credential share it, and concurrent requests wait for one response.

import { z } from 'zod'
import { isAbort, SyncError } from '../../core/errors.ts'
import type { Http, HttpRequest } from '../../core/http.ts'
import { readJson } from '../../lib/read-json.ts'
import type { Credential } from './credentials.ts'
import { failureOf } from './errors.ts'

const TokenResponse = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,8000}$/),
  expires_in: z.number().min(1).max(86_400).default(3_600),
})

const RESPONSE_BYTES_MAX = 64 * 1024
const FIRST_BYTE_TIMEOUT_MS = 30_000
/** A token is not used in its last minute: clocks differ, and a request takes time. */
const SKEW_MS = 60_000
const TOKENS_MAX = 100

interface Token {
  readonly text: string
  readonly expiresAtMs: number
}

/** The endpoint, and the credential that is sent to it. */
export interface TokenRequest {
  readonly url: string
  readonly credential: Credential
}

export class TokenCache {
  readonly #tokens = new Map<string, Promise<Token>>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /**
   * Returns a valid token, of the cache or a new one. One caller requests it, and the others wait.
   *
   * @throws SyncError `source/…`
   */
  async get(request: TokenRequest, http: Http, signal: AbortSignal): Promise<string> {
    const key = keyOf(request)
    for (;;) {
      const shared = this.#tokens.get(key)
      try {
        const token = await (shared ?? this.#request(key, request, http, signal))
        if (token.expiresAtMs - SKEW_MS > this.#now()) return token.text
        if (shared === undefined) return token.text
        this.#forget(key, shared)
      } catch (error) {
        signal.throwIfAborted()
        // Only the caller that requested it was stopped.
        if (shared === undefined || !isAbort(error)) throw error
      }
    }
  }

  /** Removes a token that the API has refused, unless another caller has already replaced it. */
  async refuse(request: TokenRequest, text: string): Promise<void> {
    const key = keyOf(request)
    const shared = this.#tokens.get(key)
    const token = await shared?.catch(() => null)
    if (shared !== undefined && token?.text === text) this.#forget(key, shared)
  }

  async #request(
    key: string,
    request: TokenRequest,
    http: Http,
    signal: AbortSignal,
  ): Promise<Token> {
    const requested = requestToken(request, http, signal, this.#now)
    this.#tokens.set(key, requested)
    for (const oldest of this.#tokens.keys()) {
      if (this.#tokens.size <= TOKENS_MAX) break
      this.#tokens.delete(oldest)
    }
    try {
      return await requested
    } catch (error) {
      this.#forget(key, requested)
      throw error
    }
  }

  #forget(key: string, shared: Promise<Token>): void {
    if (this.#tokens.get(key) === shared) this.#tokens.delete(key)
  }
}

/** Requests a token without the cache. @throws SyncError `source/…` */
export async function requestToken(
  { url, credential }: TokenRequest,
  http: Http,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<Token> {
  const response = await http({ url, ...toRequest(credential) }, signal)
  if (response.status !== 200) {
    const { error, status } = await failureOf(response)
    // Both servers refuse a wrong credential with 400 or 401.
    if (error.code !== 'source/rejected' || status !== 400) throw error
    throw new SyncError('source/unauthorized', error.message, { detail: error.detail })
  }
  const { access_token: text, expires_in: seconds } = await readJson(
    response,
    TokenResponse,
    RESPONSE_BYTES_MAX,
  )
  return { text, expiresAtMs: now() + seconds * 1000 }
}

/** The header of a request: 2.x states the version beside the token. */
export function toAuthorization(token: string, { version }: Credential): string {
  return version.startsWith('2') ? `Bearer ${token}, Version ${version}` : `Bearer ${token}`
}

/** 2.x is a form (Cognito), 3.x is JSON (Login with Amazon), and the scopes differ in one sign. */
function toRequest({ id, secret, version }: Credential): Omit<HttpRequest, 'url'> {
  const isForm = version.startsWith('2')
  const fields = {
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
    scope: isForm ? 'creatorsapi/default' : 'creatorsapi::default',
  }
  return {
    method: 'POST',
    firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS,
    facts: { operation: 'token' },
    headers: {
      'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
      accept: 'application/json',
    },
    body: isForm ? new URLSearchParams(fields).toString() : JSON.stringify(fields),
  }
}

function keyOf({ url, credential: { id, secret, version } }: TokenRequest): string {
  return JSON.stringify([url, id, secret, version])
}
