// What every face answers with: JSON without secrets, failures included. A failure that we did not
// name says nothing about itself outside; its stack is in the log, under the correlation id that
// the caller got.

import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ERRORS, SyncError, type ErrorCode } from '../../core/errors.ts'
import { toSyncError } from '../../db/errors.ts'
import { redactJson, type Log } from '../../telemetry/log.ts'
import type { Redactor } from '../../telemetry/redact.ts'

/** What each request carries with it. */
export interface ServerEnv {
  Bindings: HttpBindings
  Variables: {
    correlationId: string
    /** The address of the caller. */
    client: string
    log: Log
    redact: Redactor
    /** The error that was answered, for the access log. */
    errorCode?: ErrorCode | 'internal error'
  }
}

const JSON_TYPE = 'application/json'

export function answer(
  c: Context<ServerEnv>,
  status: ContentfulStatusCode,
  body: object,
): Response {
  return sendText(c, status, JSON_TYPE, redactJson(body, c.var.redact))
}

/** `text` as it is: whoever made it has taken the secrets out. */
export function sendText(
  c: Context<ServerEnv>,
  status: ContentfulStatusCode,
  type: string,
  text: string,
): Response {
  return c.body(text, status, {
    'Content-Type': type,
    'Content-Length': String(Buffer.byteLength(text)),
  })
}

export function sendJson(
  c: Context<ServerEnv>,
  status: ContentfulStatusCode,
  json: string,
): Response {
  return sendText(c, status, JSON_TYPE, json)
}

/** `{"error":{"code","message","hint"}}`, with the status of the error's code. */
export function sendError(c: Context<ServerEnv>, error: unknown): Response {
  const failure = toSyncError(error)
  if (!(failure instanceof SyncError)) {
    c.set('errorCode', 'internal error')
    c.var.log.error({ err: failure }, 'internal error')
    const hint = `This is a bug. The log has more, under the correlation id ${c.var.correlationId}.`
    return answer(c, 500, { error: { code: null, message: 'internal error', hint } })
  }
  const { code, message, hint } = failure
  const { status } = ERRORS[code]
  c.set('errorCode', code)
  if (status >= 500) c.var.log.warn({ code, cause: message }, 'a request failed')
  return answer(c, status, { error: { code, message, hint } })
}
