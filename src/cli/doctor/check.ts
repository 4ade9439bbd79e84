// The result of one check of `shelfsync doctor`.

import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import { toSyncError } from '../../db/errors.ts'

export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly message: string
  /** Advice for the operator, unless the state is ok. */
  readonly hint?: string
  /** The error that failed the check. */
  readonly code?: ErrorCode
}

/** Converts a named error into a failed check, and throws any other error again. */
export function toFailedCheck(name: string, thrown: unknown): Check {
  const error = toSyncError(thrown)
  if (!(error instanceof SyncError)) throw error
  return { name, state: 'fail', message: error.message, hint: error.hint, code: error.code }
}
