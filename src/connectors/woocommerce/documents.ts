// Reads one page of a list as bytes. Themes and plugins print notices of PHP around the JSON: such a
// page is used only when the list between them is whole.

import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { BRACE_OPEN, BRACKET_OPEN, findValueEnd, skipSpace } from '../../lib/byte-scan.ts'
import { JsonCheck } from '../../lib/json-check.ts'
import { findFirstMember, findValueStart, readElements, type Slice } from '../../lib/json-slices.ts'
import { readBytes } from '../../lib/read-body.ts'
import { failureOf, type Failure } from './errors.ts'

/** For comparison: 100 products of a large shop take about 1 MB. */
const PAGE_BYTES_MAX = 64 * 1024 * 1024
const ID_BYTES_MAX = 64
/** The errors for a page beyond the last one; other versions respond with `[]`. */
const BEYOND = /invalid_(page_number|offset)$/

const DECODER = new TextDecoder()

/** One element of a list. */
export interface Item extends Slice {
  /** The id as JSON, or the first bytes of an element without an id. */
  readonly id: string
}

export interface ListPage {
  readonly bytes: Uint8Array
  readonly items: readonly Item[]
  /** `X-WP-Total`: the number of all elements of the list. Some caches remove it. */
  readonly total: number | null
  /** True when something was printed around the list. */
  readonly isPolluted: boolean
}

const NOTHING: ListPage = { bytes: new Uint8Array(), items: [], total: null, isPolluted: false }

/**
 * Reads the whole response. A page beyond the last one is empty. `where` begins every message, and
 * `toError` converts the failure of a response.
 *
 * @throws SyncError any error of `failureOf` · `source/cut-short` · `source/malformed` ·
 * `source/too-large`
 */
export async function readListPage(
  response: HttpResponse,
  where: string,
  toError: (failure: Failure) => SyncError = ({ error }) => error,
): Promise<ListPage> {
  const failure = await failureOf(response, where)
  if (failure !== null) {
    if (BEYOND.test(failure.apiCode ?? '')) return NOTHING
    throw toError(failure)
  }
  const bytes = await readBytes(response, PAGE_BYTES_MAX)
  const { start, isPolluted } = findList(bytes, where)
  const items = Array.from(readElements(bytes, start), (slice) => ({
    ...slice,
    id: readItemId(bytes, slice),
  }))
  const total = response.headers.get('x-wp-total') ?? ''
  return { bytes, items, isPolluted, total: /^\d{1,9}$/.test(total) ? Number(total) : null }
}

/** Returns a member of an element as text: JSON, cut after `bytesMax` bytes. */
export function readMember(
  bytes: Uint8Array,
  item: Slice,
  name: string,
  bytesMax = ID_BYTES_MAX,
): string | null {
  const member = findFirstMember(bytes, item.start, name)
  if (member === null) return null
  return DECODER.decode(bytes.subarray(member.start, Math.min(member.end, member.start + bytesMax)))
}

function readItemId(bytes: Uint8Array, item: Slice): string {
  const id = readMember(bytes, item, 'id')
  if (id !== null && id !== 'null') return id
  return DECODER.decode(bytes.subarray(item.start, Math.min(item.end, item.start + ID_BYTES_MAX)))
}

/** @throws SyncError `source/cut-short` · `source/malformed` */
function findList(
  bytes: Uint8Array,
  where: string,
): { readonly start: number; readonly isPolluted: boolean } {
  const first = findValueStart(bytes)
  const { isWhole, faultAt } = checkJson(bytes.subarray(first))
  if (isWhole && bytes[first] === BRACKET_OPEN) return { start: first, isPolluted: false }
  if (isWhole)
    throw new SyncError('source/malformed', `${where} is JSON, but not a list of products`)
  if (faultAt === null) throw cutShort(bytes, where)
  const start = bytes[first] === BRACKET_OPEN ? first : findFirstList(bytes, first)
  if (start === null || isWebPage(bytes))
    throw new SyncError(
      'source/malformed',
      `${where} responds with ${isWebPage(bytes) ? 'a web page' : 'text'}, not JSON`,
    )
  const end = findValueEnd(bytes, start)
  if (end === null) throw cutShort(bytes, where)
  if (!checkJson(bytes.subarray(start, end)).isWhole || !isListOfProducts(bytes, start))
    throw new SyncError(
      'source/malformed',
      `${where} has other text between its products: unexpected byte at ${first + faultAt}`,
    )
  return { start, isPolluted: true }
}

function cutShort(bytes: Uint8Array, where: string): SyncError {
  return new SyncError('source/cut-short', `${where} ends in the middle, at byte ${bytes.length}`)
}

function checkJson(bytes: Uint8Array): JsonCheck {
  const check = new JsonCheck()
  check.push(bytes)
  return check
}

/**
 * Returns the position of the first `[{`. Only that one is tried: a later one may be a whole list
 * inside a product that was cut short.
 */
function findFirstList(bytes: Uint8Array, from: number): number | null {
  for (
    let at = bytes.indexOf(BRACKET_OPEN, from);
    at !== -1;
    at = bytes.indexOf(BRACKET_OPEN, at + 1)
  )
    if (bytes[skipSpace(bytes, at + 1)] === BRACE_OPEN) return at
  return null
}

function isListOfProducts(bytes: Uint8Array, start: number): boolean {
  const first = readElements(bytes, start).next().value
  return (
    first === undefined ||
    (readMember(bytes, first, 'id') !== null &&
      ['name', 'price'].some((name) => readMember(bytes, first, name) !== null))
  )
}

function isWebPage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype|html)\b/i.test(DECODER.decode(bytes.subarray(0, 256)))
}
