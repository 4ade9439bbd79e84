// Requests to Supabase Storage. It says most refusals with HTTP 400 and the real status in the JSON
// body, and a gateway in front of it says them with an HTML page, even with status 200: neither is
// what it looks like.

import { delayMs, wait as waitFor, type Waiter } from '../lib/back-off.ts'
import { classifyStatus, isTransientStatus, readRetryAfter } from '../lib/http-status.ts'
import { cutText } from '../lib/text.ts'
import { createRedactor, type Redactor } from '../telemetry/redact.ts'
import { fetchFailureOf } from '../node/system-errors.ts'

export interface ApiOptions {
  /** The address of the project. */
  readonly url: string
  /**
   * A secret key (`sb_secret_…`) or the older service-role token; both go into the same two
   * headers.
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

export interface ApiAnswer {
  readonly headers: Headers
  readonly bytes: Uint8Array
}

interface TroubleFacts {
  /** Null: there was no answer, or none that could be used. */
  readonly status?: number | null
  /** Whether it may pass by itself. */
  readonly passes: boolean
  readonly retryAfterMs?: number | null
}

/** Why a request failed, in words without a secret. It does not leave this folder. */
export class Trouble extends Error implements TroubleFacts {
  override readonly name = 'Trouble'
  readonly status: number | null
  readonly passes: boolean
  readonly retryAfterMs: number | null

  constructor(message: string, { status = null, passes, retryAfterMs = null }: TroubleFacts) {
    super(message)
    this.status = status
    this.passes = passes
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * At this many in a row without progress, some three seconds in, the caller's own retry is the
 * better place to wait: it says why.
 */
const RETRIES_MAX = 3
const BACK_OFF = { baseMs: 500, maxMs: 20_000, retryAfterMaxMs: 60_000 }
/** Of one request, body and answer: 6 MiB at 20 KB a second. */
const TIMEOUT_MS = 300_000

/** Two uploads of one object met; a later attempt finds it complete or free. */
const LOST_RACE = new Set([409, 423])

/** What a gateway means when it says it with a page; any other page is a disturbance of its own. */
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

  /**
   * Sends until there is an answer or no hope of one: for requests that may be repeated. @throws
   * Trouble
   */
  async ask(request: ApiRequest): Promise<ApiAnswer> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.send(request)
      } catch (error) {
        await this.pause(error, failures)
      }
    }
  }

  /**
   * Waits before the attempt after `failures` others in a row failed, or throws `error` when
   * another one would not help.
   */
  async pause(error: unknown, failures: number, retriesMax = RETRIES_MAX): Promise<void> {
    if (!(error instanceof Trouble) || !error.passes || failures >= retriesMax) throw error
    await this.#wait(
      delayMs(failures, { ...BACK_OFF, retryAfterMs: error.retryAfterMs }),
      new AbortController().signal,
    )
  }

  /** One attempt. @throws Trouble for whatever is not a success */
  async send({ method, path, headers = {}, body, json }: ApiRequest): Promise<ApiAnswer> {
    let response: Response
    let bytes: Uint8Array
    try {
      response = await fetch(this.#base + path, {
        method,
        headers: {
          ...this.#headers,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        // The type excludes only memory that threads share.
        body:
          json === undefined
            ? ((body as Uint8Array<ArrayBuffer> | undefined) ?? null)
            : JSON.stringify(json),
        // A redirect would carry the key to wherever it leads.
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      bytes = await response.bytes()
    } catch (error) {
      throw new Trouble(`no answer (${fetchFailureOf(error)})`, { passes: true })
    }
    const isPage = response.headers.get('content-type')?.startsWith('text/html') === true
    if (response.ok && !isPage) return { headers: response.headers, bytes }
    const refusal = readRefusal(response.status, isPage ? null : new TextDecoder().decode(bytes))
    throw new Trouble(`HTTP ${refusal.status}: ${shorten(this.#redact(refusal.message))}`, {
      status: refusal.status,
      passes:
        isTransientStatus(refusal.status) ||
        LOST_RACE.has(refusal.status) ||
        (isPage && !FINAL_PAGES.has(refusal.status)),
      retryAfterMs: readRetryAfter(response.headers),
    })
  }
}

/** `text` is the body, or null for a web page. */
function readRefusal(status: number, text: string | null): { status: number; message: string } {
  if (classifyStatus(status) === 'redirect')
    return { status, message: 'a redirect; correct SUPABASE_URL' }
  if (text === null) return { status, message: 'a web page in place of an answer' }
  try {
    const { statusCode, message, error } = Object(JSON.parse(text))
    const told = Number(statusCode)
    return {
      status: Number.isInteger(told) && told >= 400 ? told : status,
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
