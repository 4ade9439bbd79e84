// Calls functions of a schema through Supabase's Data API, in web standards. Each call is one
// request to PostgREST and one transaction, so no state lasts between calls. A call is attempted
// once: the caller knows whether it may be repeated.

import type { ErrorCode } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'
import { describeFetchError } from './fetch-error.ts'
import { toHex } from './hex.ts'
import { classifyStatus, readRetryAfter, toStatusError, type StatusCodes } from './http-status.ts'
import { toStorableJson } from './storable-text.ts'
import { cutText } from './text.ts'

export interface DataApiAccess {
  /** The address of the project. */
  readonly url: string
  /**
   * A secret key (`sb_secret_…`) or the older service-role token. Both are sent in the same two
   * headers.
   */
  readonly secretKey: string
  /** Applied to the messages of the API, which may quote a key or a record. */
  readonly redact: (text: string) => string
}

/** The schema of the functions; not `api`, whose functions an operator may open to the public. */
const SCHEMA = 'pipeline'

/** Longer than the functions' own 55 s, so that Postgres ends a slow call first. */
const TIMEOUT_MS = 70_000

const NO_CONNECTION: Advice = ['db/unreachable', 'it has no connection to Postgres']
const OTHER_KEY: Advice = [
  'settings/invalid',
  'take SUPABASE_SECRET_KEY from the settings of the project at SUPABASE_URL, under API keys',
]

type Advice = readonly [code: ErrorCode, advice: string]

/** Codes of PostgREST itself: https://docs.postgrest.org/en/stable/references/errors.html */
const NAMED_CODES: Readonly<Record<string, Advice>> = {
  // The connection to Postgres broke during the call, so the SQLSTATE is empty; the status is 400.
  '': ['db/unreachable', 'its connection to Postgres broke'],
  PGRST000: NO_CONNECTION,
  PGRST001: NO_CONNECTION,
  // PostgREST reports an exposed schema that does not exist in the same way:
  // https://github.com/supabase/supabase/issues/45904
  PGRST002: [
    'db/unreachable',
    'it cannot read the database. If this lasts, an exposed schema does not exist: check that ' +
      `${SCHEMA} and every other schema in the project's settings under Data API exist in the ` +
      'database, and that the Data API is enabled',
  ],
  PGRST003: ['db/busy', 'all of its connections are in use'],
  PGRST106: ['db/not-exposed', `schema ${SCHEMA} is not exposed`],
  PGRST125: [
    'settings/invalid',
    'SUPABASE_URL is the address of the project alone, without a path',
  ],
  PGRST202: [
    'db/not-migrated',
    'paste supabase/db/init.sql into the SQL editor, or use `shelfsync migrations copy` and ' +
      '`supabase db push`',
  ],
  PGRST301: OTHER_KEY,
  PGRST302: OTHER_KEY,
  42501: [
    'settings/invalid',
    'the key may not do this: it must be a secret key, or the service-role one',
  ],
}

/**
 * For a token that the gateway created from a secret key, and for any token that is refused as not
 * yet valid. A later attempt succeeds.
 */
const TOKEN_NOT_YET_VALID: Advice = [
  'db/unreachable',
  'the clocks of its servers differ, which is temporary',
]
const TOKEN_EXPIRED: Advice = [
  'settings/invalid',
  "the key is an expired token: take a secret key (sb_secret_…) from the project's settings, " +
    'under API keys',
]

export class DataApiClient {
  readonly host: string
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #redact: DataApiAccess['redact']
  readonly #isToken: boolean

  constructor({ url, secretKey, redact }: DataApiAccess) {
    this.host = new URL(url).host
    this.#base = `${url.replace(/\/+$/, '')}/rest/v1/rpc/`
    this.#headers = {
      apikey: secretKey,
      authorization: `Bearer ${secretKey}`,
      'content-type': 'application/json',
      'content-profile': SCHEMA,
    }
    this.#redact = redact
    this.#isToken = !secretKey.startsWith('sb_')
  }

  /**
   * Returns the rows of the function. Arguments are named without `p_`; bytes are passed as bytes.
   *
   * @throws SyncError `db/…` · Error with the SQLSTATE as its `code`, and `hint` and `detail` of
   * Postgres
   */
  async call<Row>(
    name: string,
    args: Readonly<Record<string, unknown>>,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Row[]> {
    const { response, text } = await this.#post(name, renderArgs(args), timeoutMs)
    const rows = response.ok && isJson(response) ? readRows<Row>(text) : null
    if (rows !== null) return rows
    throw this.#toError(response, text)
  }

  async #post(
    name: string,
    body: string,
    timeoutMs: number,
  ): Promise<{ response: Response; text: string }> {
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(this.#base + name, {
        method: 'POST',
        headers: this.#headers,
        body,
        redirect: 'manual',
        signal,
      })
      return { response, text: await response.text() }
    } catch (error) {
      throw new SyncError(
        'db/unreachable',
        `The Data API at ${this.host} does not respond (${describeFetchError(error)})`,
      )
    }
  }

  /** The message is redacted and cut to one line. */
  #toError(response: Response, body: string): Error {
    const { status } = response
    const { code, message, details, hint } = isJson(response) ? readRefusal(body) : noJson(status)
    const reason = shorten(this.#redact(message))
    const text = `The Data API at ${this.host} responds ${status}: ${reason}`
    const named = this.#adviceOn(code, message)
    if (named) {
      return new SyncError(named[0], `${text}: ${named[1]}`, {
        retryAfterMs: readRetryAfter(response.headers),
      })
    }
    if (code !== undefined && /^[0-9A-Z]{5}$/.test(code)) {
      return Object.assign(new Error(this.#redact(message)), {
        code,
        ...(hint && { hint }),
        ...(details && { detail: details }),
      })
    }
    return toStatusError(response, GATEWAY_CODES, text)
  }

  #adviceOn(code: string | undefined, message: string): Advice | undefined {
    if (code === 'PGRST303')
      return this.#isToken && !/future|not yet/i.test(message) ? TOKEN_EXPIRED : TOKEN_NOT_YET_VALID
    return code === undefined ? undefined : NAMED_CODES[code]
  }
}

function renderArgs(args: Readonly<Record<string, unknown>>): string {
  const member = (value: unknown): unknown =>
    value instanceof Uint8Array ? `\\x${toHex(value)}` : value
  return toStorableJson(
    JSON.stringify(
      Object.fromEntries(Object.entries(args).map(([name, value]) => [`p_${name}`, member(value)])),
    ),
  )
}

/** Returns null when the body is not a JSON list. */
function readRows<Row>(text: string): Row[] | null {
  try {
    const rows: unknown = JSON.parse(text)
    return Array.isArray(rows) ? (rows as Row[]) : null
  } catch {
    return null
  }
}

/** An error of PostgREST, or of the gateway before it, which has no code. */
interface Refusal {
  readonly code?: string
  readonly message: string
  readonly details?: string | null
  readonly hint?: string | null
}

function readRefusal(text: string): Refusal {
  try {
    const { code, message, error, details, hint } = Object(JSON.parse(text)) as Record<
      string,
      unknown
    >
    const reason =
      [message, error].find((one) => typeof one === 'string' && one !== '') ?? 'no reason given'
    const more = { details: details as string | null, hint: hint as string | null }
    return { message: reason as string, ...more, ...(typeof code === 'string' && { code }) }
  } catch {
    return { message: 'invalid JSON' }
  }
}

/** A redirect is not followed: it would send the key to another address. */
function noJson(status: number): Refusal {
  return {
    message:
      classifyStatus(status) === 'redirect'
        ? 'a redirect, so SUPABASE_URL is not the address itself'
        : 'a web page instead of a response',
  }
}

/**
 * Codes for responses of a gateway, which often sends a web page, sometimes even with status 200.
 * PostgREST itself sends a code.
 */
const GATEWAY_CODES: StatusCodes = {
  success: 'db/unreachable',
  redirect: 'settings/invalid',
  unauthorized: 'settings/invalid',
  'not-found': 'settings/invalid',
  throttled: 'db/busy',
  unavailable: 'db/unreachable',
  rejected: 'db/unsuitable',
}

function isJson(response: Response): boolean {
  return response.headers.get('content-type')?.includes('json') === true
}

function shorten(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim()
  return cutText(line, 300)
}
