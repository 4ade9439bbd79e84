// Requests to Supabase Storage. The service reports most errors with HTTP 400 and the real status
// in the JSON body; a gateway in front of it reports its own with an HTML page, sometimes with
// status 200.

import { chooseDelayMs, wait as waitFor, type Waiter } from '../../lib/back-off.ts'
import { classifyStatus, isTransientStatus, readRetryAfter } from '../../lib/http-status.ts'
import { cutText } from '../../lib/text.ts'
import { createRedactor, type Redactor } from '../../telemetry/redact.ts'
import { describeFetchError } from '../../node/system-errors.ts'

export interface ApiOptions {
  /** The address of the project. */
  readonly url: string
  /**
   * A secret key (`sb_secret_…`) or the older service-role token; both use the same two headers.
   */
  readonly secretKey: string
  /** Other secrets that its messages may quote. */
  readonly secrets?: readonly string[]
  readonly wait?: Waiter
}

export interface ApiRequest {
  readonly method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/storage/v1`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Sent as JSON, in place of `body`. */
  readonly json?: unknown
}

export interface ApiResponse {
  readonly headers: Headers
  readonly bytes: Uint8Array
}

interface StorageErrorFacts {
  /** Null without a usable response. */
  readonly status?: number | null
  /** True when the same request may succeed later. */
  readonly isTransient: boolean
  readonly retryAfterMs?: number | null
}

/** A failed request, described without secrets. Callers convert it into a SyncError. */
export class StorageError extends Error implements StorageErrorFacts {
  override readonly name = 'StorageError'
  readonly status: number | null
  readonly isTransient: boolean
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    { status = null, isTransient, retryAfterMs = null }: StorageErrorFacts,
  ) {
    super(message)
    this.status = status
    this.isTransient = isTransient
    this.retryAfterMs = retryAfterMs
  }
}

/** Attempts in a row without progress, about 3 s in total. The caller retries after that. */
const RETRIES_MAX = 3
const BACK_OFF = { baseMs: 500, maxMs: 20_000, retryAfterMaxMs: 60_000 }
/** Limit of one request and its response: 6 MiB at 20 KB per second. */
const TIMEOUT_MS = 300_000

/** Two uploads of one object ran at the same time. A later attempt succeeds. */
const LOST_RACE = new Set([409, 423])

/** Statuses of web pages that are final; any other page is a transient error of the gateway. */
const FINAL_PAGES = new Set([301, 302, 307, 308, 413])

export class StorageApi {
  readonly host: string
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #redact: Redactor
  readonly #wait: Waiter

  constructor({ url, secretKey, secrets = [], wait = waitFor }: ApiOptions) {
    this.host = new URL(url).host
    this.#base = `${url.replace(/\/+$/, '')}/storage/v1`
    this.#headers = { apikey: secretKey, authorization: `Bearer ${secretKey}` }
    this.#redact = createRedactor([secretKey], secrets)
    this.#wait = wait
  }

  /** Retries transient errors; only for requests that may be repeated. @throws StorageError */
  async sendWithRetries(request: ApiRequest): Promise<ApiResponse> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.send(request)
      } catch (error) {
        await this.waitBeforeRetry(error, failures)
      }
    }
  }

  /**
   * Waits before the attempt that follows `failures` failed ones, or throws `error` when it is not
   * transient or `retriesMax` is reached.
   */
  async waitBeforeRetry(error: unknown, failures: number, retriesMax = RETRIES_MAX): Promise<void> {
    if (!(error instanceof StorageError) || !error.isTransient || failures >= retriesMax)
      throw error
    await this.#wait(
      chooseDelayMs(failures, { ...BACK_OFF, retryAfterMs: error.retryAfterMs }),
      new AbortController().signal,
    )
  }

  /** One attempt. @throws StorageError unless it succeeds */
  async send(request: ApiRequest): Promise<ApiResponse> {
    const { response, bytes } = await this.#fetch(request)
    const isPage = response.headers.get('content-type')?.startsWith('text/html') === true
    if (response.ok && !isPage) return { headers: response.headers, bytes }
    const { status, message } = readError(
      response.status,
      isPage ? null : new TextDecoder().decode(bytes),
    )
    throw new StorageError(`HTTP ${status}: ${shorten(this.#redact(message))}`, {
      status,
      isTransient:
        isTransientStatus(status) || LOST_RACE.has(status) || (isPage && !FINAL_PAGES.has(status)),
      retryAfterMs: readRetryAfter(response.headers),
    })
  }

  async #fetch({
    method,
    path,
    headers = {},
    body,
    json,
  }: ApiRequest): Promise<{ response: Response; bytes: Uint8Array }> {
    const type = json === undefined ? {} : { 'content-type': 'application/json' }
    // The type excludes only memory that threads share.
    const raw = (body as Uint8Array<ArrayBuffer> | undefined) ?? null
    try {
      const response = await fetch(this.#base + path, {
        method,
        headers: { ...this.#headers, ...type, ...headers },
        body: json === undefined ? raw : JSON.stringify(json),
        // A redirect would send the key to another host.
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      return { response, bytes: await response.bytes() }
    } catch (error) {
      throw new StorageError(`no response (${describeFetchError(error)})`, { isTransient: true })
    }
  }
}

/** `text` is the body, or null for a web page. */
function readError(status: number, text: string | null): { status: number; message: string } {
  if (classifyStatus(status) === 'redirect')
    return { status, message: 'a redirect; correct SUPABASE_URL' }
  if (text === null) return { status, message: 'a web page instead of a response' }
  try {
    const { statusCode, message, error } = Object(JSON.parse(text))
    const inBody = Number(statusCode)
    return {
      status: Number.isInteger(inBody) && inBody >= 400 ? inBody : status,
      message: String(message ?? error),
    }
  } catch {
    return { status, message: text }
  }
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return cutText(line, 200) || 'no reason given'
}
