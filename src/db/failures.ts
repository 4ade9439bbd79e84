// What Postgres says, as our own errors: SQLSTATE SHELF carries one of our codes in its hint.

import { ERRORS, SyncError, type ErrorCode } from '../core/errors.ts'

interface PostgresError extends Error {
  readonly code?: string
  readonly hint?: string
}

/** What the query answers. Its failure comes in our words. */
export async function ask<Answer>(query: Promise<Answer>): Promise<Answer> {
  try {
    return await query
  } catch (error) {
    throw translateFailure(error)
  }
}

/** The same error in our words; one that we did not name comes back as it is. */
function translateFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SyncError) return error
  const { code, hint } = error as PostgresError
  if (code === 'SHELF' && hint !== undefined && hint in ERRORS) return new SyncError(hint as ErrorCode, error.message, { cause: error })
  if (code === '3F000' || code === '42P01') return new SyncError('db/not-migrated', `The database has not all of Shelfsync's tables: ${error.message}`, { cause: error })
  return error
}

/** SQLSTATE classes that a row brings about: one key twice, a value out of range, a broken constraint, a document too deep. */
const DATA_CLASSES: readonly string[] = ['21', '22', '23', '54']

/** Whether one of the rows is at fault, so that a smaller batch finds it. */
export function isDataFailure(error: unknown): error is Error {
  const code = error instanceof Error ? (error as PostgresError).code : undefined
  return code !== undefined && DATA_CLASSES.includes(code.slice(0, 2))
}
