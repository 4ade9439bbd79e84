// One finding of the doctor.

import { SyncError } from '../core/errors.ts'
import { toSyncError } from '../db/errors.ts'

export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly message: string
  /** What to do, when it is not ok. */
  readonly hint?: string
}

/** An error that we named, as a finding. Others are thrown on. */
export function toFailedCheck(name: string, thrown: unknown): Check {
  const error = toSyncError(thrown)
  if (!(error instanceof SyncError)) throw error
  return { name, state: 'fail', message: error.message, hint: error.hint }
}
