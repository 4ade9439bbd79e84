// Reads the body, query and path of a request. Bodies are bounded and JSON only; every value is
// validated against a schema, and the error names all problems at once.

import type { Context } from 'hono'
import type { z } from 'zod'
import { checkValue, formatProblems } from '../../core/check-value.ts'
import { SyncError } from '../../core/errors.ts'
import { readRequestText } from '../../lib/read-request-text.ts'
import type { ServerEnv } from './responses.ts'

export const BODY_BYTES_MAX = 64 * 1024

/**
 * Returns the body, validated by `schema`. An empty body is read as `{}`. A route that also has a query
 * sets `hasQuery`.
 *
 * @throws SyncError `request/too-large` · `request/not-json` · `request/invalid`
 */
export async function readBody<Schema extends z.ZodType>(
  c: Context<ServerEnv>,
  schema: Schema,
  { hasQuery = false } = {},
): Promise<z.output<Schema>> {
  if (!hasQuery && new URL(c.req.url).search !== '')
    throw new SyncError(
      'request/invalid',
      'This route takes its parameters as JSON in the body, not in the query string',
    )
  const text = await readRequestText(c.req.raw, BODY_BYTES_MAX)
  if (text === '') return parseValue(schema, {})
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    throw new SyncError('request/not-json', 'The Content-Type of the body is not application/json')
  return parseValue(schema, parseJson(text))
}

/**
 * Returns the query parameters, validated by `schema`. A parameter given twice becomes a list, which
 * no schema accepts.
 *
 * @throws SyncError `request/invalid`
 */
export function readQuery<Schema extends z.ZodType>(
  c: Context<ServerEnv>,
  schema: Schema,
): z.output<Schema> {
  const given = Object.entries(c.req.queries()).map(([name, values]) => [
    name,
    values.length === 1 ? values[0] : values,
  ])
  return parseValue(schema, Object.fromEntries(given))
}

/** Returns the path parameters, validated by `schema`. @throws SyncError `request/invalid` */
export function readPath<Schema extends z.ZodType>(
  c: Context<ServerEnv>,
  schema: Schema,
): z.output<Schema> {
  return parseValue(schema, c.req.param())
}

function parseValue<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { data, problems } = checkValue(schema, value)
  if (problems === null) return data
  throw new SyncError('request/invalid', `The request is not valid: ${formatProblems(problems)}`)
}

/** Drops the message of JSON.parse, because it quotes the body. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyncError('request/invalid', 'The body is not JSON')
  }
}
