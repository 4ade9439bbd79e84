// Responses of every server: JSON without secrets, errors included. The response to an error
// without a code does not reveal its cause; the stack is logged with the correlation id of the
// request.

import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { toErrorResponse } from '../../core/error-response.ts'
import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import { toSyncError } from '../../db/errors.ts'
import type { Log } from '../../telemetry/log.ts'
import { redactJson } from '../../telemetry/redact-json.ts'
import type { Redactor } from '../../telemetry/redact.ts'

/** Values that every request carries. */
export interface ServerEnv {
  Bindings: HttpBindings
  Variables: {
    correlationId: string
    /** The address of the caller. */
    client: string
    log: Log
    redact: Redactor
    /** Returns true if the error belongs to an outage, which is logged once. */
    reportOutage: (error: SyncError) => boolean
    /** The error in the response, for the access log. */
    errorCode?: ErrorCode | 'internal error'
  }
}

const JSON_TYPE = 'application/json'

export function sendJson(
  c: Context<ServerEnv>,
  status: ContentfulStatusCode,
  body: object,
): Response {
  return sendText(c, status, JSON_TYPE, redactJson(body, c.var.redact))
}

/** `json` is sent unchanged: the caller has already redacted it. */
export function sendJsonText(
  c: Context<ServerEnv>,
  status: ContentfulStatusCode,
  json: string,
): Response {
  return sendText(c, status, JSON_TYPE, json)
}

/** `text` is sent unchanged: the caller has already redacted it. */
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

/** Sends `{"error":{"code","message","hint"}}` with the status of the error's code. */
export function sendError(c: Context<ServerEnv>, thrown: unknown): Response {
  const error = toSyncError(thrown)
  const { status, headers, body } = toErrorResponse(error, c.var.correlationId)
  if (error instanceof SyncError) {
    const { code, message } = error
    c.set('errorCode', code)
    if (status >= 500 && !c.var.reportOutage(error))
      c.var.log.warn({ code, cause: message }, 'a request failed')
  } else {
    c.set('errorCode', 'internal error')
    c.var.log.error({ err: error }, 'internal error')
  }
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  return sendJson(c, status, body)
}
