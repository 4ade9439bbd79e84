// Turns errors of Postgres into SyncErrors. SQLSTATE SHELF has one of our codes as its hint, and
// facts as JSON in its detail.

import { ERRORS, type ErrorCode } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'

interface PostgresError extends Error {
  readonly code?: string
  readonly hint?: string
  readonly detail?: string
}

/** Returns the result of a query. A known error is thrown as SyncError. */
export async function translateErrors<Result>(query: Promise<Result>): Promise<Result> {
  try {
    return await query
  } catch (error) {
    throw toSyncError(error)
  }
}

/** Returns the SyncError for a known error. Any other error is returned unchanged. */
export function toSyncError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SyncError) return error
  const { code = '', hint, detail } = error as PostgresError
  if (code === 'SHELF' && hint !== undefined && Object.hasOwn(ERRORS, hint)) {
    return new SyncError(hint as ErrorCode, error.message, {
      cause: error,
      detail: parseFacts(detail),
    })
  }
  if (isConnectionError(error)) {
    const what =
      code === '53300' ? 'Postgres has no connection left' : 'The connection to Postgres is lost'
    return new SyncError('db/unreachable', `${what}: ${error.message || code}`, { cause: error })
  }
  const named = NAMED_STATES.find(({ states }) => states.test(code))
  return named
    ? new SyncError(named.code, `${named.what}: ${error.message}`, { cause: error })
    : error
}

/** Returns no facts when a proxy has changed the JSON: the code and the message are enough. */
function parseFacts(detail: string | undefined): Record<string, unknown> {
  try {
    return Object(JSON.parse(detail ?? '{}')) as Record<string, unknown>
  } catch {
    return {}
  }
}

const NAMED_STATES: readonly {
  readonly states: RegExp
  readonly code: ErrorCode
  readonly what: string
}[] = [
  {
    states: /^(3F000|42P01)$/,
    code: 'db/not-migrated',
    what: "The database does not have all of Shelfsync's tables",
  },
  { states: /^42501$/, code: 'db/denied', what: 'The login of DATABASE_URL lacks a right' },
  { states: /^53100$/, code: 'db/full', what: 'The disk of Postgres is full' },
  { states: /^25006$/, code: 'db/read-only', what: 'The database is read-only' },
  {
    states: /^(53...|57014|55P03|40001|40P01)$/,
    code: 'db/busy',
    what: 'Postgres is busy',
  },
]

/**
 * Network failures, SQLSTATE class 08, and a server that starts, stops, crashed or has no
 * connection left.
 */
const CONNECTION_CODES =
  /^(08...|57P0[1-5]|25P03|53300|E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|NOTFOUND|AI_AGAIN|(HOST|NET)UNREACH))$/
/** Messages of pg that come without a code. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout e(xceeded|xpired)|timeout when trying|Query read timeout|Client (has encountered|was closed))/i

/** True when the connection is lost, so that the same work may succeed on another one. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof SyncError) return error.code === 'db/unreachable'
  return (
    ('code' in error && CONNECTION_CODES.test(String(error.code))) ||
    CONNECTION_MESSAGES.test(error.message)
  )
}

/** True when the database lacks the function that was called, or its schema. */
export function isMissingFunction(error: unknown): boolean {
  if (error instanceof SyncError) return error.code === 'db/not-migrated'
  return error instanceof Error && (error as PostgresError).code === '42883'
}

/**
 * SQLSTATEs that the content of a record can cause. All others point to the database, the schema or
 * a bug, and must not quarantine a record. `catalog.write_batch` catches the same ones.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const RECORD_STATES: Readonly<Record<string, string>> = {
  '22001': 'string_data_right_truncation',
  '22003': 'numeric_value_out_of_range',
  '22007': 'invalid_datetime_format',
  '22008': 'datetime_field_overflow',
  '22021': 'character_not_in_repertoire',
  '22P02': 'invalid_text_representation',
  '22P05': 'untranslatable_character',
  '23502': 'not_null_violation',
  '23505': 'unique_violation',
  '23514': 'check_violation',
  // A value that is too long for an index.
  '54000': 'program_limit_exceeded',
  // A document that is nested too deeply.
  '54001': 'statement_too_complex',
}

/** True when Postgres refused the content of a record. Splitting the batch finds that record. */
export function isRecordRefusal(error: unknown): error is Error {
  return error instanceof Error && Object.hasOwn(RECORD_STATES, (error as PostgresError).code ?? '')
}
