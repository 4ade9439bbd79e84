// The one error class. error-table.ts says what each code means for the run and for the operator.

import { ERRORS, type Action, type ErrorCode } from './error-table.ts'

interface ErrorContext {
  readonly cause?: unknown
  /** Facts for machines: never a secret, never a whole record. */
  readonly detail?: Readonly<Record<string, unknown>>
  /** Requested wait of the other side, or null. */
  readonly retryAfterMs?: number | null
}

/** A named error. Any other error is a bug: it is logged with its stack and shown to no caller. */
export class SyncError extends Error {
  override readonly name = 'SyncError'
  readonly code: ErrorCode
  readonly detail: Readonly<Record<string, unknown>>
  readonly retryAfterMs: number | null

  constructor(
    code: ErrorCode,
    message: string,
    { cause, detail = {}, retryAfterMs = null }: ErrorContext = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
    this.retryAfterMs = retryAfterMs
  }

  get action(): Action {
    return ERRORS[this.code].action
  }

  get hint(): string {
    return ERRORS[this.code].hint
  }
}

/** Whether `error` is a SyncError with this action. */
export function hasAction(error: unknown, action: Action): error is SyncError {
  return error instanceof SyncError && error.action === action
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whether `error` is a cancellation, which is not a failure. */
export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error instanceof SyncError && error.code === 'run/cancelled'))
  )
}
