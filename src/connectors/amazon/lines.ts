// One archived line for each requested item, with the time at which it arrived: the licence counts
// from it. An item that Amazon refuses or omits has a line that says so, in place of its data.

import { BRACE_OPEN, BRACKET_OPEN, replaceLineBreaks } from '../../lib/byte-scan.ts'
import { SyncError } from '../../core/errors.ts'
import { joinBytes } from '../../lib/join-bytes.ts'
import { findMember, findValueStart, readElements, type Slice } from '../../lib/json-slices.ts'
import { isObject, type Members } from '../../lib/objects.ts'
import { cutText } from '../../lib/text.ts'
import type { Arrived } from './api.ts'
import { ASIN } from './records.ts'

/** The errors that are about an item; any other may pass. */
const ITEM_CODES: ReadonlySet<string> = new Set([
  'InvalidItemId',
  'InvalidParameterValue',
  'ItemNotAccessible',
  'ItemNotFound',
])
const UNKNOWN: Refusal = { code: 'ResourceNotFound', message: 'Amazon does not know this item' }
const OMITTED: Refusal = {
  code: 'Missing',
  message: 'Amazon has omitted this item without a reason',
}

const CODE_CHARS_MAX = 60
const MESSAGE_CHARS_MAX = 300
const ERROR_BYTES_MAX = 64 * 1024
const ERRORS_MAX = 100

/** Why an item has no data. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

export interface Lines {
  readonly bytes: Uint8Array
  readonly lineCount: number
  readonly warnings: readonly string[]
}

const [ENCODER, DECODER] = [new TextEncoder(), new TextDecoder()]
const CLOSING = ENCODER.encode('}\n')

/**
 * Assigns the parts of a response to the requested items, in any order.
 *
 * @throws SyncError `source/malformed` for a response that names no item
 */
export function toLines(
  marketplace: string,
  asins: readonly string[],
  { bytes, atMs }: Arrived,
): Lines {
  const head = { marketplace, fetchedAt: new Date(atMs).toISOString() }
  if (bytes === null) return joinLines(asins.map((asin) => toMissingLine(asin, head, UNKNOWN)))
  const missing = new Set(asins)
  const items = listItems(bytes).map((slice) => ({ ...slice, asin: readAsin(bytes, slice) }))
  const own = items.filter(({ asin }) => asin === null || asins.includes(asin))
  const lines = own.map(({ asin, start, end }) =>
    toItemLine({ asin, ...head }, bytes.slice(start, end)),
  )
  for (const { asin } of own) missing.delete(asin ?? '')
  const { refusals, isUnclear } = readErrors(bytes, missing)
  if (items.length === 0 && refusals.size === 0)
    throw new SyncError('source/malformed', 'The response of Amazon names no item, and no reason')
  for (const [asin, refusal] of refusals) {
    missing.delete(asin)
    lines.push(toMissingLine(asin, head, refusal))
  }
  // An item without its ASIN, or with another one, may be any of those that are missing.
  const isCertain = !isUnclear && own.length === items.length && own.every(({ asin }) => asin)
  if (isCertain) lines.push(...Array.from(missing, (asin) => toMissingLine(asin, head, OMITTED)))
  const unclear =
    `Amazon has not sent ${missing.size} of ${asins.length} items, and its response does not say ` +
    'why: they stay as they are'
  return joinLines(lines, isCertain || missing.size === 0 ? [] : [unclear])
}

/** The list of items, also under the name that the documentation prints by mistake. */
function listItems(bytes: Uint8Array): Slice[] {
  const root = findValueStart(bytes)
  const result = findMember(bytes, root, 'itemsResult') ?? findMember(bytes, root, 'itemResults')
  const items = result === null ? null : findMember(bytes, result.start, 'items')
  return items !== null && bytes[items.start] === BRACKET_OPEN
    ? [...readElements(bytes, items.start)]
    : []
}

function readAsin(bytes: Uint8Array, item: Slice): string | null {
  if (bytes[item.start] !== BRACE_OPEN) return null
  const member = findMember(bytes, item.start, 'asin')
  const text = member === null ? '' : DECODER.decode(bytes.subarray(member.start, member.end))
  const asin = /^"(.{10})"$/.exec(text)?.[1] ?? ''
  return ASIN.test(asin) ? asin : null
}

interface Errors {
  readonly refusals: ReadonlyMap<string, Refusal>
  /** True when an error says nothing about an item. */
  readonly isUnclear: boolean
}

/** Reads the errors by item. Most name it in their message only. */
function readErrors(bytes: Uint8Array, missing: ReadonlySet<string>): Errors {
  const refusals = new Map<string, Refusal>()
  const list = findMember(bytes, findValueStart(bytes), 'errors')
  if (list === null || bytes[list.start] !== BRACKET_OPEN) return { refusals, isUnclear: false }
  let [isUnclear, count] = [false, 0]
  for (const { start, end } of readElements(bytes, list.start)) {
    const isRead = bytes[start] === BRACE_OPEN && end - start <= ERROR_BYTES_MAX
    const error: unknown = isRead ? JSON.parse(DECODER.decode(bytes.subarray(start, end))) : null
    const { code, message, asins } = readError(isObject(error) ? error : {})
    const named = ITEM_CODES.has(code) ? asins.filter((asin) => missing.has(asin)) : []
    for (const asin of named) refusals.set(asin, { code, message })
    isUnclear ||= named.length === 0
    if (++count >= ERRORS_MAX) break
  }
  return { refusals, isUnclear }
}

function readError(error: Members): Refusal & { readonly asins: readonly string[] } {
  const [code, text] = [error['code'], error['message']].map((value) =>
    typeof value === 'string' ? value : '',
  )
  const own = error['asin'] ?? error['itemId']
  return {
    code: cutText(code ?? '', CODE_CHARS_MAX),
    message: cutText(text ?? '', MESSAGE_CHARS_MAX),
    asins: typeof own === 'string' ? [own] : (text?.match(/\b[A-Z0-9]{10}\b/g) ?? []),
  }
}

type Head = Readonly<Record<'marketplace' | 'fetchedAt', string>>

function toMissingLine(asin: string, head: Head, refusal: Refusal): Uint8Array {
  return ENCODER.encode(`${JSON.stringify({ asin, ...head, item: null, refusal })}\n`)
}

/** The item's own bytes; a line break between them becomes a space. */
function toItemLine(head: object, item: Uint8Array): Uint8Array {
  replaceLineBreaks(item, 0, item.byteLength)
  const opening = `${JSON.stringify(head).slice(0, -1)},"item":`
  return joinBytes([ENCODER.encode(opening), item, CLOSING])
}

function joinLines(lines: readonly Uint8Array[], warnings: readonly string[] = []): Lines {
  return { bytes: joinBytes(lines), lineCount: lines.length, warnings }
}
