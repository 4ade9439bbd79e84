// Error responses of MediPim: https://docs.dev.medipim.be/error-handling. The status determines the
// error code. The body `{"error":{"status","code","message"}}` only explains it; behind a proxy it
// may be HTML or empty.

import { isAbort, type SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { SUPPLIER_CODES, toStatusError } from '../../lib/http-status.ts'
import { toHost, readBytes } from '../../lib/read-body.ts'
import { createHider } from '../../lib/secret-spellings.ts'
import { cutText } from '../../lib/text.ts'
import type { Key } from './credentials.ts'
import { isObject } from '../../lib/objects.ts'
import { textOf } from './values.ts'

export interface SupplierError {
  readonly code: string
  readonly message: string
}

const CODE_CHARS_MAX = 60
const MESSAGE_CHARS_MAX = 300
const EXPLANATION_BYTES_MAX = 64 * 1024

/**
 * Returns the error in a parsed response or line, unchanged and of any length, or null without one.
 */
export function errorOfAnswer(answer: unknown): SupplierError | null {
  if (!isObject(answer) || answer.error === undefined || answer.result !== undefined) return null
  const error = isObject(answer.error) ? answer.error : { message: answer.error }
  const message = textOf(error.message) ?? 'no message'
  return { code: textOf(error.code) ?? 'unknown', message }
}

/**
 * Reads an error response to its end and converts it. `retryAfterMs` is set when the supplier sent
 * Retry-After.
 */
export async function refusalOf(response: HttpResponse, key: Key): Promise<SyncError> {
  const { status } = response
  const explanation = await explanationOf(response)
  const explained = explanation && tellable(explanation, hideKey(key))
  const reason = explained === null ? '' : `: ${explained.code}: ${explained.message}`
  return toStatusError(
    response,
    SUPPLIER_CODES,
    `${toHost(response.url)} responded ${status}${reason}`,
    explained ? { supplierCode: explained.code } : {},
  )
}

async function explanationOf(response: HttpResponse): Promise<SupplierError | null> {
  try {
    return errorOfAnswer(
      JSON.parse(new TextDecoder().decode(await readBytes(response, EXPLANATION_BYTES_MAX))),
    )
  } catch (error) {
    if (isAbort(error)) throw error
    return null
  }
}

/** Returns the error without the key, on one line and cut to a length that fits a log line. */
export function tellable(
  { code, message }: SupplierError,
  hide: (text: string) => string,
): SupplierError {
  return {
    code: cutText(oneLine(hide(code)), CODE_CHARS_MAX),
    message: cutText(oneLine(hide(message)), MESSAGE_CHARS_MAX),
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}

/**
 * Creates a function that removes the key from a text, because a supplier may quote the request.
 */
export function hideKey({ id, secret }: Key): (text: string) => string {
  return createHider([secret, `${id}:${secret}`], '…')
}

/**
 * Returns the token after `Basic ` by RFC 7617, in UTF-8 as MediPim requires:
 * https://docs.dev.medipim.be/authentication
 */
export function basicToken({ id, secret }: Key): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(`${id}:${secret}`)))
}
