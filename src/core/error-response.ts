// The response to an error, for every server and edge function: JSON with its code, message and
// hint. An error without a code is a bug, and its response reveals nothing of it.

import { ERRORS, type ErrorCode } from './error-table.ts'
import { SyncError } from './errors.ts'

/**
 * Returns the status, the headers and the body. `hints` replace those of the error table. For a bug,
 * the caller logs the stack with the correlation id.
 */
export function toErrorResponse(
  error: unknown,
  correlationId: string,
  hints: { readonly [Code in ErrorCode]?: string } = {},
) {
  if (!(error instanceof SyncError)) {
    const hint = `This is a bug. Search the log for correlation id ${correlationId}.`
    const body = { error: { code: null, message: 'internal error', hint } }
    return { status: 500 as const, headers: {}, body }
  }
  const { code, message, retryAfterMs } = error
  return {
    status: ERRORS[code].status,
    headers: retryAfterMs === null ? {} : { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) },
    body: { error: { code, message, hint: hints[code] ?? error.hint } },
  }
}
