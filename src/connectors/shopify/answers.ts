// Reads one JSON answer of a shop, and tells the public list of products from what merely looks like it:
// exports of the Admin API, flattened dumps and bare lists are often saved under the name products.json.

import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { readBytes } from '../../lib/http.ts'
import { jsonFaultOf } from '../../lib/json-fault.ts'
import { valueEnd, valueStart } from '../../lib/json-slices.ts'
import { failureOf } from './failures.ts'

/** 250 products of the largest shops are about 10 MB. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

interface Answer {
  readonly bytes: Uint8Array
  readonly json: unknown
}

/**
 * The whole answer, proved to be one JSON document. `where` begins every message.
 *
 * @throws SyncError a failure of `failureOf` · `source/cut-short` when the JSON ends in its middle · `source/malformed` · `source/too-large`
 */
export async function readJson(response: HttpResponse, where: string): Promise<Answer> {
  const failure = await failureOf(response, where)
  if (failure) {
    await response.cancel()
    throw failure
  }
  const bytes = await readBytes(response, ANSWER_BYTES_MAX)
  try {
    return { bytes, json: JSON.parse(new TextDecoder().decode(bytes)) }
  } catch (cause) {
    const start = valueStart(bytes)
    if (start === bytes.length || valueEnd(bytes, start) === null) {
      throw new SyncError('source/cut-short', `${where} ends in the middle, at byte ${bytes.length}`, { cause })
    }
    throw new SyncError('source/malformed', `${where} is not JSON: ${jsonFaultOf(cause)}`, { cause })
  }
}

/** What `json` is instead of a page of `/products.json`, in words, or null when it is one. */
export function lookAlikeOf(json: unknown): string | null {
  if (Array.isArray(json)) return `a bare list${flavourOf(json[0]) ?? ''} instead of {"products": […]}`
  if (!isObject(json)) return 'a single value instead of {"products": […]}'
  if (isObject(json['product'])) return 'one product instead of {"products": […]}'
  if (!Array.isArray(json['products'])) return 'JSON without a list of products'
  const [first]: unknown[] = json['products']
  const flavour = flavourOf(first)
  if (flavour !== null) return `a list${flavour}`
  const isPublic = first === undefined || (isObject(first) && 'id' in first && Array.isArray(first['variants']))
  return isPublic ? null : 'a list of products without ids or variants'
}

/** The error that a shop reports inside an answer, or null. */
export function errorOf(json: unknown): string | null {
  return isObject(json) && 'errors' in json ? JSON.stringify(json['errors']).slice(0, 200) : null
}

function flavourOf(product: unknown): string | null {
  if (!isObject(product)) return null
  if ('admin_graphql_api_id' in product) return ' of the Admin API (admin_graphql_api_id)'
  if ('source_data' in product) return ' of a flattened export (source_data)'
  return null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
