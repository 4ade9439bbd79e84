// Calls of the schema's functions through Supabase's Data API. Each call is one request to
// PostgREST and one transaction, so no state lasts between calls. A call is attempted once: the
// caller knows whether it may be repeated.

import type { ErrorCode } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'
import {
  classifyStatus,
  readRetryAfter,
  toStatusError,
  type StatusCodes,
} from '../lib/http-status.ts'
import { toStorableJson } from '../lib/storable-text.ts'
import { cutText } from '../lib/text.ts'
import { createRedactor, type Redactor } from '../telemetry/redact.ts'
import { describeFetchError } from '../node/system-errors.ts'
import type { Args } from './catalog.ts'
import { toSyncError } from './errors.ts'
import type { PipelineDb, TakeHash } from './pipeline-db.ts'
import { readKnownPages } from './read/known-hashes.ts'
import type { BatchWriter, WriterOptions } from './write/batch-writer.ts'
import { DataApiWriter } from './write/data-api-writer.ts'

export interface DataApiOptions {
  /** The address of the project. */
  readonly url: string
  /**
   * A secret key (`sb_secret_…`) or the older service-role token. Both are sent in the same two
   * headers.
   */
  readonly secretKey: string
  /** Other secrets that its messages may quote, for example from a record. */
  readonly secrets?: readonly string[]
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

export class DataApi implements PipelineDb {
  readonly host: string
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #redact: Redactor
  readonly #isToken: boolean

  constructor({ url, secretKey, secrets = [] }: DataApiOptions) {
    this.host = new URL(url).host
    this.#base = `${url.replace(/\/+$/, '')}/rest/v1/rpc/`
    this.#headers = {
      apikey: secretKey,
      authorization: `Bearer ${secretKey}`,
      'content-type': 'application/json',
      'content-profile': SCHEMA,
    }
    this.#redact = createRedactor([secretKey], secrets)
    this.#isToken = !secretKey.startsWith('sb_')
  }

  async call<Row>(name: string, args: Args, timeoutMs = TIMEOUT_MS): Promise<Row[]> {
    const { response, text } = await this.#post(name, renderArgs(args), timeoutMs)
    const rows = response.ok && isJson(response) ? readRows<Row>(text) : null
    if (rows !== null) return rows
    throw toSyncError(this.#toError(response, text))
  }

  readKnownHashes(sourceId: number, take: TakeHash): Promise<void> {
    return readKnownPages(this, sourceId, take)
  }

  openWriter(options: WriterOptions): BatchWriter {
    return new DataApiWriter(this, options)
  }

  /** @throws SyncError `db/not-migrated` when the project does not have Shelfsync's functions */
  listAppliedVersions(): Promise<string[]> {
    return this.call<string>('list_applied_versions', {})
  }

  /** Does nothing: only the owner of the tables may analyse them, and autovacuum does it soon. */
  analyzeAfterLoad(): Promise<void> {
    return Promise.resolve()
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

function renderArgs(args: Args): string {
  const member = (value: unknown): unknown =>
    value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value
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
