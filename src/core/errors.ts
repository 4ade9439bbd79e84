// The error class of Shelfsync. error-table.ts defines the action, status and hint of each code.

import { ERRORS, type Action, type ErrorCode } from './error-table.ts'

interface ErrorContext {
  readonly cause?: unknown
  /** Structured facts for logs and tests. Never a secret or a whole record. */
  readonly detail?: Readonly<Record<string, unknown>>
  /** The wait in milliseconds that the other side requested, or null. */
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

/** Returns true if `error` is a SyncError with this action. */
export function hasAction(error: unknown, action: Action): error is SyncError {
  return error instanceof SyncError && error.action === action
}

/** Returns the message of a thrown value of any type. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Returns true if the work ended because this process was asked to stop. */
export function isStop(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Returns true if `error` is a stop or the cancellation of a run, which are not failures. */
export function isAbort(error: unknown): boolean {
  return isStop(error) || (error instanceof SyncError && error.code === 'run/cancelled')
}
