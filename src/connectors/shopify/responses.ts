// Reads the JSON responses of a shop, and distinguishes the public list of products from similar
// documents: exports of the Admin API, flattened dumps and bare lists are often saved under the
// name products.json. A page is never parsed as a whole, to save memory.

import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { readBytes } from '../../lib/read-body.ts'
import { BRACE_OPEN, BRACKET_OPEN } from '../../lib/byte-scan.ts'
import { JsonCheck } from '../../lib/json-check.ts'
import { readElements, findMember, findValueStart, type Slice } from '../../lib/json-slices.ts'
import { countMarkBytes } from '../../lib/ndjson.ts'
import { failureOf } from './errors.ts'

/** For comparison: 250 products of the largest shops take about 10 MB. */
export const PAGE_BYTES_MAX = 64 * 1024 * 1024
/**
 * The limit for a page of one product. A product with 2,048 variants that share an image, which
 * lists the ids of all of them for each variant, takes 68 MB.
 */
const PRODUCT_BYTES_MAX = 2 * PAGE_BYTES_MAX
/** Limit for `/meta.json` and `/cart.js`, which have a few kilobytes, and for 250 collections. */
const FACTS_BYTES_MAX = 8 * 1024 * 1024
/** A larger error of a shop is reported by its size. */
const ERROR_BYTES_MAX = 1000

/**
 * Reads the whole response to a request for `limit` products, and verifies that it is one JSON
 * document. `where` begins every message.
 *
 * @throws SyncError any error of `failureOf` · `source/cut-short` when the JSON is incomplete ·
 * `source/malformed` · `source/too-large`
 */
export function readPage(
  response: HttpResponse,
  where: string,
  limit: number,
): Promise<Uint8Array> {
  return readChecked(response, where, limit === 1 ? PRODUCT_BYTES_MAX : PAGE_BYTES_MAX)
}

/** Reads and parses a small document. @throws SyncError as `readPage` */
export async function readFacts(response: HttpResponse, where: string): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await readChecked(response, where, FACTS_BYTES_MAX)))
}

async function readChecked(
  response: HttpResponse,
  where: string,
  bytesMax: number,
): Promise<Uint8Array> {
  const failure = await failureOf(response, where)
  if (failure) {
    await response.cancel()
    throw failure
  }
  const check = new JsonCheck()
  let begins = true
  const bytes = await readBytes(response, bytesMax, (chunk) => {
    check.push(begins ? chunk.subarray(countMarkBytes(chunk)) : chunk)
    begins = false
  })
  if (check.isWhole) return bytes
  if (check.faultAt === null)
    throw new SyncError('source/cut-short', `${where} ends in the middle, at byte ${bytes.length}`)
  throw new SyncError(
    'source/malformed',
    `${where} is not JSON: unexpected byte at ${check.faultAt + bytes.length - check.length}`,
  )
}

/**
 * Describes a response that is not a page of `/products.json`, or null when it is one. On later
 * pages the products may have any form.
 */
export function lookAlikeOf(bytes: Uint8Array, isBeginning = true): string | null {
  const start = findValueStart(bytes)
  const kind = bytes[start]
  if (kind === BRACKET_OPEN)
    return `a bare list${flavourOf(bytes, firstOf(bytes, start)) ?? ''} instead of {"products": […]}`
  if (kind !== BRACE_OPEN) return 'a single value instead of {"products": […]}'
  const product = findMember(bytes, start, 'product')
  if (product !== null && bytes[product.start] === BRACE_OPEN)
    return 'one product instead of {"products": […]}'
  const products = findMember(bytes, start, 'products')
  if (products === null || bytes[products.start] !== BRACKET_OPEN)
    return 'JSON without a list of products'
  const first = firstOf(bytes, products.start)
  const flavour = flavourOf(bytes, first)
  if (flavour !== null) return `a list${flavour}`
  if (first === null || !isBeginning) return null
  // A single malformed product is quarantined later. The list is refused only when every element is
  // malformed.
  for (const element of readElements(bytes, products.start))
    if (isPublic(bytes, element)) return null
  return 'a list of products without ids or variants'
}

/**
 * Returns the error inside a response as JSON, or its size when it is large, or null without one.
 */
export function errorOf(bytes: Uint8Array): string | null {
  const errors = findMember(bytes, findValueStart(bytes), 'errors')
  if (errors === null) return null
  const length = errors.end - errors.start
  // Reported completely or not at all, because the redactor does not recognise half of a secret.
  if (length > ERROR_BYTES_MAX) return `${length} bytes of errors`
  return JSON.stringify(
    JSON.parse(new TextDecoder().decode(bytes.subarray(errors.start, errors.end))),
  )
}

function firstOf(bytes: Uint8Array, list: number): Slice | null {
  return readElements(bytes, list).next().value ?? null
}

function flavourOf(bytes: Uint8Array, product: Slice | null): string | null {
  if (product === null) return null
  if (findMember(bytes, product.start, 'admin_graphql_api_id') !== null)
    return ' of the Admin API (admin_graphql_api_id)'
  if (findMember(bytes, product.start, 'source_data') !== null)
    return ' of a flattened export (source_data)'
  return null
}

function isPublic(bytes: Uint8Array, { start }: Slice): boolean {
  const variants = findMember(bytes, start, 'variants')
  return (
    findMember(bytes, start, 'id') !== null &&
    variants !== null &&
    bytes[variants.start] === BRACKET_OPEN
  )
}
