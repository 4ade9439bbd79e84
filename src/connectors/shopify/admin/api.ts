// Requests to the GraphQL Admin API of a shop. It limits the cost of requests instead of their
// number: https://shopify.dev/docs/api/usage/limits

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import type { Http, HttpResponse } from '../../../core/http.ts'
import { isBotChallenge } from '../../../lib/bot-challenge.ts'
import { readRetryAfter } from '../../../lib/http-status.ts'
import { readJson } from '../../../lib/read-json.ts'
import { toHost } from '../../../lib/read-body.ts'
import { failureOf } from '../errors.ts'

/** Shopify supports a version for at least a year, and then responds as the oldest one it has. */
export const API_VERSION = '2026-10'
const BYTES_MAX = 1024 * 1024
const MESSAGE_CHARS_MAX = 200
/** The wait without a cost in the response: a shop restores at least 50 points a second. */
const THROTTLED_MS = 5_000

const Cost = z.object({
  requestedQueryCost: z.number(),
  throttleStatus: z.object({ currentlyAvailable: z.number(), restoreRate: z.number().positive() }),
})

const Answer = z.object({
  data: z.unknown().optional(),
  errors: z
    .union([
      z.string(),
      z.array(
        z.object({
          message: z.string().catch('no message'),
          extensions: z.object({ code: z.string().nullish() }).nullish().catch(null),
        }),
      ),
    ])
    .nullish(),
  extensions: z
    .object({ cost: Cost.nullish().catch(null) })
    .nullish()
    .catch(null),
})
type Answer = z.infer<typeof Answer>

/** The Admin API of one shop. */
export interface AdminApi {
  readonly host: string
  /** @throws SyncError `source/…` */
  ask<Data>(query: string, variables: object, data: z.ZodType<Data>): Promise<Data>
}

/** `token` is sent to `origin` only. */
export function openAdminApi(
  http: Http,
  {
    origin,
    token,
    warn,
  }: {
    readonly origin: string
    readonly token: string
    readonly warn: (message: string) => void
  },
  signal: AbortSignal,
): AdminApi {
  const host = toHost(origin)
  let isWarned = false
  return {
    host,
    async ask(query, variables, schema) {
      const response = await http(
        {
          url: `${origin}/admin/api/${API_VERSION}/graphql.json`,
          method: 'POST',
          headers: {
            accept: 'application/json',
            'content-type': 'application/json',
            'x-shopify-access-token': token,
          },
          body: JSON.stringify({ query, variables }),
        },
        signal,
      )
      const served = response.headers.get('x-shopify-api-version') ?? API_VERSION
      if (served !== API_VERSION && !isWarned) {
        warn(
          `${host} responds with version ${served} of the Admin API in place of ${API_VERSION}: install a newer version of Shelfsync`,
        )
        isWarned = true
      }
      return parse(await readAnswer(response, host), schema, host)
    },
  }
}

async function readAnswer(response: HttpResponse, host: string): Promise<Answer> {
  const where = `The Admin API of ${host}`
  const { status, headers } = response
  if (status === 401 || status === 403) {
    const isBlocked = await isBotChallenge(response)
    await response.cancel()
    if (isBlocked) throw new SyncError('source/blocked', `${where} responds with a bot challenge`)
    throw new SyncError('source/unauthorized', `${where} responds ${status}: it refuses the token`)
  }
  const failure = await failureOf(response, where)
  if (failure === null) return readJson(response, Answer, BYTES_MAX)
  await response.cancel()
  if (failure.code !== 'source/rate-limited') throw failure
  throw new SyncError(failure.code, failure.message, {
    retryAfterMs: readRetryAfter(headers) ?? THROTTLED_MS,
  })
}

function parse<Data>(answer: Answer, schema: z.ZodType<Data>, host: string): Data {
  const { errors } = answer
  if (errors != null && errors.length > 0) throw toError(answer, host)
  const { data } = schema.safeParse(answer.data)
  if (data === undefined)
    throw new SyncError(
      'source/malformed',
      `The Admin API of ${host} responds without the requested data`,
    )
  return data
}

function toError({ errors, extensions }: Answer, host: string): SyncError {
  const first = typeof errors === 'string' ? null : errors?.[0]
  const message = typeof errors === 'string' ? errors : (first?.message ?? 'no message')
  const code = first?.extensions?.code ?? ''
  const text = `The Admin API of ${host} responds: ${message.slice(0, MESSAGE_CHARS_MAX)}`
  if (code === 'THROTTLED') {
    const cost = extensions?.cost
    return new SyncError('source/rate-limited', text, {
      retryAfterMs: cost == null ? THROTTLED_MS : waitMsOf(cost),
    })
  }
  if (code === 'ACCESS_DENIED')
    return new SyncError('source/unauthorized', `${text}. The token needs the scope read_products`)
  if (code === 'INTERNAL_SERVER_ERROR' || code === 'TIMEOUT')
    return new SyncError('source/unavailable', text)
  return new SyncError('source/rejected', text)
}

/** The time in which the shop restores the points that the request needs. */
function waitMsOf({ requestedQueryCost, throttleStatus }: z.infer<typeof Cost>): number {
  const { currentlyAvailable, restoreRate } = throttleStatus
  const waitMs = Math.ceil(((requestedQueryCost - currentlyAvailable) / restoreRate) * 1000)
  return Math.min(Math.max(1_000, waitMs), 60_000)
}
