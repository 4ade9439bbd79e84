// Reads a response that is one JSON document of a known shape and limited size.

import type { z } from 'zod'
import { checkValue, formatProblems } from '../core/check-value.ts'
import { SyncError } from '../core/errors.ts'
import type { HttpResponse } from '../core/http.ts'
import { SUPPLIER_CODES, toStatusError } from './http-status.ts'
import { JsonCheck } from './json-check.ts'
import { describeJsonError } from './json-error.ts'
import { countMarkBytes } from './ndjson.ts'
import { readBytes, toHost } from './read-body.ts'

const BYTES_MAX = 64 * 1024 * 1024

/**
 * Returns the document, parsed by `schema`. It is whole.
 *
 * @throws SyncError `source/…` for any status but 200 · `source/cut-short` when the body ends inside
 * the document · `source/malformed` when it is not JSON or does not match `schema` ·
 * `source/too-large` above `bytesMax` bytes, by default 64 MiB
 */
export async function readJson<Document>(
  response: HttpResponse,
  schema: z.ZodType<Document>,
  bytesMax: number = BYTES_MAX,
): Promise<Document> {
  const host = toHost(response.url)
  if (response.status !== 200) {
    await response.cancel()
    throw toStatusError(response, SUPPLIER_CODES, `${host} responds ${response.status}`)
  }
  const { data, problems } = checkValue(schema, parse(await readBytes(response, bytesMax), host))
  if (problems !== null)
    throw new SyncError(
      'source/malformed',
      `The response of ${host} has another shape: ${formatProblems(problems)}`,
    )
  return data
}

/** @throws SyncError `source/cut-short` · `source/malformed` */
function parse(bytes: Uint8Array, host: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    const check = new JsonCheck()
    check.push(bytes.subarray(countMarkBytes(bytes)))
    if (!check.isWhole && check.faultAt === null)
      throw new SyncError(
        'source/cut-short',
        `The response of ${host} ends in the middle, at byte ${bytes.length}`,
        { cause },
      )
    throw new SyncError(
      'source/malformed',
      `The response of ${host} is not JSON: ${describeJsonError(cause)}`,
      { cause },
    )
  }
}
