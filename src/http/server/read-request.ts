// Reading what a request says: bounded, JSON only, and checked against a schema that names every
// problem at once.

import type { Context } from 'hono'
import type { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import type { ServerEnv } from './responses.ts'

export const BODY_BYTES_MAX = 64 * 1024

/**
 * The body as `schema` reads it; none at all is the same as `{}`.
 *
 * @throws SyncError `request/too-large` · `request/not-json` · `request/invalid`
 */
export async function readBody<Schema extends z.ZodType>(
  c: Context<ServerEnv>,
  schema: Schema,
): Promise<z.output<Schema>> {
  if (new URL(c.req.url).search !== '')
    throw new SyncError(
      'request/invalid',
      'What is asked for stands in the body, as JSON: the address takes no parameters',
    )
  const text = await readText(c)
  if (text === '') return check(schema, {})
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    throw new SyncError('request/not-json', 'The Content-Type of the body is not application/json')
  return check(schema, parseJson(text))
}

/**
 * The parameters of the address as `schema` reads them; one that is given twice is a list, which
 * none may be. @throws SyncError `request/invalid`
 */
export function readQuery<Schema extends z.ZodType>(
  c: Context<ServerEnv>,
  schema: Schema,
): z.output<Schema> {
  const given = Object.entries(c.req.queries()).map(([name, values]) => [
    name,
    values.length === 1 ? values[0] : values,
  ])
  return check(schema, Object.fromEntries(given))
}

/** @throws SyncError `request/invalid`, with every problem in its message */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(value)
  if (!error) return data
  const problems = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  )
  throw new SyncError('request/invalid', `The request cannot be used: ${problems.join('; ')}`)
}

async function readText(c: Context<ServerEnv>): Promise<string> {
  if (Number(c.req.header('Content-Length') ?? 0) > BODY_BYTES_MAX) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of c.req.raw.body ?? []) {
      size += chunk.byteLength
      if (size > BODY_BYTES_MAX) throw tooLarge()
      chunks.push(chunk)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).trim()
  } catch (cause) {
    throw cause instanceof SyncError
      ? cause
      : new SyncError('request/invalid', 'The body ended too early, or is not UTF-8', { cause })
  }
}

function tooLarge(): SyncError {
  return new SyncError('request/too-large', `The body is larger than ${BODY_BYTES_MAX} bytes`)
}

/** Without what JSON.parse says, because that quotes the body. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyncError('request/invalid', 'The body is not JSON')
  }
}
