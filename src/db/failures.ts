// What Postgres says, as our own errors: SQLSTATE SHELF carries one of our codes in its hint.

import { ERRORS, SyncError, type ErrorCode } from '../core/errors.ts'
import { isConnectionError } from './pool.ts'

interface PostgresError extends Error {
  readonly code?: string
  readonly hint?: string
}

/** What the query answers. Its failure comes in our words. */
export async function ask<Answer>(query: Promise<Answer>): Promise<Answer> {
  try {
    return await query
  } catch (error) {
    throw nameFailure(error)
  }
}

/** The same error in our words; one that we did not name comes back as it is. */
export function nameFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SyncError) return error
  const { code = '', hint } = error as PostgresError
  if (code === 'SHELF' && hint !== undefined && hint in ERRORS) return new SyncError(hint as ErrorCode, error.message, { cause: error })
  if (isConnectionError(error)) return new SyncError('db/unreachable', `The connection to Postgres is gone: ${error.message || code}`, { cause: error })
  const named = NAMED_STATES.find(({ states }) => states.test(code))
  return named ? new SyncError(named.code, `${named.what}: ${error.message}`, { cause: error }) : error
}

const NAMED_STATES: readonly { readonly states: RegExp; readonly code: ErrorCode; readonly what: string }[] = [
  { states: /^(3F000|42P01)$/, code: 'db/not-migrated', what: 'The database has not all of Shelfsync\'s tables' },
  // Supabase makes a database read-only when its disk is full: https://supabase.com/docs/guides/platform/database-size
  { states: /^(53100|25006)$/, code: 'db/full', what: 'Postgres takes no more rows' },
  { states: /^(53...|57014|55P03|40001|40P01)$/, code: 'db/busy', what: 'Postgres could not do it now' },
]

/** SQLSTATE classes that a row brings about: one key twice, a value out of range, a broken constraint, a document too deep. */
const DATA_CLASSES: readonly string[] = ['21', '22', '23', '54']

/** Whether one of the rows is at fault, so that a smaller batch finds it. */
export function isDataFailure(error: unknown): error is Error {
  const code = error instanceof Error ? (error as PostgresError).code : undefined
  return code !== undefined && DATA_CLASSES.includes(code.slice(0, 2))
}
