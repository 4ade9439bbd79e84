// Converts a response other than 200 into an error. Amazon's words are not quoted, because they may
// repeat the request; its types and reasons are.

import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { readStart } from '../../lib/bot-challenge.ts'
import { classifyStatus, isTransientStatus, readRetryAfter } from '../../lib/http-status.ts'
import { isObject, type Members } from '../../lib/objects.ts'
import { toHost } from '../../lib/read-body.ts'

const ERROR_BYTES_MAX = 16 * 1024
/** The longest wait that a body may request: a quota of a day. */
const WAIT_SECONDS_MAX = 86_400

/** Reasons of 401 for which a new token helps, once. */
const TOKEN_REASONS: ReadonlySet<string | null> = new Set(['TokenExpired', 'InvalidToken'])

/** A refused request of the Creators API. */
export interface Failure {
  readonly status: number
  /** Such as `ThrottleException`. */
  readonly type: string | null
  /** Such as `TokenExpired`. */
  readonly reason: string | null
  /** The kind of thing that a 404 is about, such as `Item`. */
  readonly resource: string | null
  readonly error: SyncError
}

/** Reads the body of a response with another status than 200. */
export async function failureOf(response: HttpResponse): Promise<Failure> {
  const text = await readStart(response.body, ERROR_BYTES_MAX)
  await response.cancel()
  const body = parse(text)
  const type = wordOf(body?.['type']) ?? wordOf(nameOf(body?.['__type']))
  const reason = wordOf(body?.['reason']) ?? wordOf(body?.['error'])
  const { status } = response
  const error = toError({ response, body, type, reason })
  // Other requests of the same limits wait, too.
  if (error.code === 'source/rate-limited') await response.pause?.(error.retryAfterMs ?? 0)
  return { status, type, reason, resource: wordOf(body?.['resourceType']), error }
}

/** True when a new token may help. */
export function isTokenRefused({ status, reason }: Failure): boolean {
  return status === 401 && TOKEN_REASONS.has(reason)
}

/** True when Amazon does not know any of the items; any other 404 is of a wrong address. */
export function isNoItem({ status, type, resource }: Failure): boolean {
  const isItem = resource === null || resource === 'Item'
  return status === 404 && type === 'ResourceNotFoundException' && isItem
}

interface Facts {
  readonly response: HttpResponse
  readonly body: Members | null
  readonly type: string | null
  readonly reason: string | null
}

function toError({ response, body, type, reason }: Facts): SyncError {
  const { status, headers } = response
  const named = [type, reason, ...fieldsOf(body)].filter((word) => word !== null).join(', ')
  const message = `${toHost(response.url)} responds ${status}${named === '' ? '' : ` (${named})`}`
  if (status === 429 || type === 'ThrottleException') {
    const isDaily = isDailyQuota(body)
    return new SyncError(
      'source/rate-limited',
      `${message}: ${isDaily ? 'the quota of the day is used up' : 'too many requests'}`,
      { detail: { status }, retryAfterMs: waitOf(headers, body, isDaily) },
    )
  }
  if (isTransientStatus(status))
    return new SyncError('source/unavailable', message, {
      detail: { status },
      retryAfterMs: readRetryAfter(headers),
    })
  const [code, why] = refusalOf({ response, body, type, reason })
  return new SyncError(code, `${message}: ${why}`, { detail: { status } })
}

type Refusal = readonly [code: ErrorCode, cause: string]

const WRONG_CREDENTIAL: Refusal = [
  'source/unauthorized',
  'the id or the secret of the credential is wrong, or AMAZON_CREDENTIAL_VERSION is not the ' +
    'version that Amazon shows beside it',
]
const TAG_FAULT =
  'the associate tag is not valid for this marketplace, which needs its own, such as in ' +
  'AMAZON_PARTNER_TAG_DE'

/** The error and the cause of each reason of a refusal. */
const REASONS: ReadonlyMap<string | null, Refusal> = new Map<string, Refusal>([
  [
    'AssociateNotEligible',
    ['source/not-eligible', 'the account has too few sales to use the Creators API'],
  ],
  ['InvalidPartnerTag', ['source/rejected', TAG_FAULT]],
  ['InvalidAssociate', ['source/rejected', 'the associate tag is not of this account']],
  ['invalid_client', WRONG_CREDENTIAL],
  ['InvalidClient', WRONG_CREDENTIAL],
])

function refusalOf({ response, body, reason }: Facts): Refusal {
  const { status } = response
  const known = REASONS.get(reason)
  if (known !== undefined) return known
  if (String(body?.['__type']).includes('paapi'))
    return ['source/rejected', 'this address is that of PA-API 5.0, which ended in May 2026']
  if (body === null && status === 403) return ['source/blocked', 'a firewall refuses the request']
  const kind = classifyStatus(status)
  if (kind === 'unauthorized') return ['source/unauthorized', 'the credential is refused']
  if (kind === 'not-found') return ['source/gone', 'the API is not at this address']
  return ['source/rejected', 'the request is refused']
}

/** The longer one of the header and the body; for the quota of a day, at least until its end in UTC. */
function waitOf(headers: Headers, body: Members | null, isDaily: boolean): number | null {
  const seconds = body?.['retryAfterSeconds']
  const isWait = typeof seconds === 'number' && seconds >= 0 && seconds <= WAIT_SECONDS_MAX
  const waits = [readRetryAfter(headers), isWait ? Math.ceil(seconds * 1000) : null]
  if (isDaily) {
    const dateMs = Date.parse(headers.get('date') ?? '')
    const nowMs = Number.isNaN(dateMs) ? Date.now() : dateMs
    waits.push(86_400_000 - (nowMs % 86_400_000))
  }
  const stated = waits.filter((ms) => ms !== null)
  return stated.length === 0 ? null : Math.max(...stated)
}

function isDailyQuota(body: Members | null): boolean {
  const texts = [body?.['quotaCode'], body?.['message'], body?.['reason']]
  return texts.some(
    (text) => typeof text === 'string' && /\b(daily|per day|TPD)\b|PerDay|Daily/i.test(text),
  )
}

/** The fields that Amazon refuses: texts, or objects with a name. */
function fieldsOf(body: Members | null): (string | null)[] {
  const list: unknown = body?.['fieldList']
  if (!Array.isArray(list)) return []
  return list.slice(0, 5).map((field: unknown) => wordOf(isObject(field) ? field['name'] : field))
}

/** `com.amazon.paapi5#AccessDeniedException` → `AccessDeniedException`. */
function nameOf(type: unknown): unknown {
  return typeof type === 'string' ? type.split('#').at(-1) : null
}

function wordOf(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Za-z][\w.]{0,59}$/.test(value) ? value : null
}

function parse(text: string): Members | null {
  try {
    const body: unknown = JSON.parse(text)
    return isObject(body) ? body : null
  } catch {
    return null
  }
}
