// Reads an archived line by its bytes alone: the envelope before the record, and the two members of
// `result.meta` that move by themselves. Read backwards, a quote with an even run of backslashes
// before it opens the string, so no text can pose as a member.

import type { Scan } from '../../core/connector.ts'
import { valueEnd } from '../../lib/json-slices.ts'
import { isTrusted } from './touched-at.ts'

/** What one line of the stream says, beside the record that it holds. */
export interface Envelope extends Scan {
  readonly total: number
  readonly index: number
  /** `result.meta.updatedAt`, unix seconds; null when it is no whole number. */
  readonly updatedAt: number | null
}

interface Span {
  readonly from: number
  readonly to: number
}

interface Meta {
  /** Where its `{` is. */
  readonly open: number
  readonly updatedAt: Span
  readonly embedUrl: Span
}

const ENCODER = new TextEncoder()
const META = ENCODER.encode('"meta"')
const RESULT = ENCODER.encode('"result"')
const TOTAL = ENCODER.encode('"total"')
const INDEX = ENCODER.encode('"index"')
const UPDATED_AT = ENCODER.encode('"updatedAt"')
const EMBED_URL = ENCODER.encode('"embedUrl"')
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

/**
 * Scans `bytes[from, to)`, one line with or without its `\n`:
 * `{"meta":{"total":2,"index":0},"result":{…}}` with any whitespace. The spans are the whole values
 * of `meta.embedUrl` and, when it is a time that can be trusted at `arrivedMs`, of
 * `meta.updatedAt`. Null unless the record's own `meta` has each exactly once, spelt without
 * escapes, among scalars only. `result` must be the last member; what it holds is not validated.
 */
export function scanLine(
  bytes: Uint8Array,
  from: number,
  to: number,
  arrivedMs = Infinity,
): Envelope | null {
  const head = scanHead(bytes, from, to)
  if (head === null) return null
  const { total, index, start } = head
  const outerClose = skipSpaceBack(bytes, to - 1)
  const close = skipSpaceBack(bytes, outerClose - 1)
  if (bytes[outerClose] !== CLOSE || bytes[close] !== CLOSE || close <= start) return null
  const meta = metaAtTheEnd(bytes, start, close) ?? metaAnywhere(bytes, start, close)
  if (meta === null) return null
  const updatedAt = readInteger(bytes, meta.updatedAt)
  const spans =
    updatedAt !== null && isTrusted(updatedAt, arrivedMs)
      ? [meta.updatedAt, meta.embedUrl]
      : [meta.embedUrl]
  const volatile = spans.sort((a, b) => a.from - b.from).flatMap((span) => [span.from, span.to])
  return { total, index, start, end: close + 1, updatedAt, volatile }
}

function scanHead(
  bytes: Uint8Array,
  from: number,
  to: number,
): { total: number; index: number; start: number } | null {
  let at = expectKey(bytes, expect(bytes, skipSpace(bytes, from), OPEN), META)
  at = expect(bytes, at, OPEN)
  let total = -1
  let index = -1
  for (;;) {
    const isTotal = matches(bytes, at, TOTAL)
    const digits = expectKey(bytes, at, isTotal ? TOTAL : INDEX)
    const end = skipDigits(bytes, digits)
    if (end === digits || end - digits > 15 || (isTotal ? total : index) !== -1) return null
    const value = readDigits(bytes, digits, end)
    if (isTotal) total = value
    else index = value
    at = skipSpace(bytes, end)
    if (bytes[at] !== COMMA) break
    at = skipSpace(bytes, at + 1)
  }
  at = expectKey(bytes, expect(bytes, expect(bytes, at, CLOSE), COMMA), RESULT)
  return total === -1 || index === -1 || bytes[at] !== OPEN || at >= to
    ? null
    : { total, index, start: at }
}

/** The usual place, found in the last few hundred bytes: the record ends with `,"meta":{…}}`. */
function metaAtTheEnd(bytes: Uint8Array, start: number, close: number): Meta | null {
  const meta = readMetaBack(bytes, skipSpaceBack(bytes, close - 1), start)
  if (meta === null) return null
  const colon = skipSpaceBack(bytes, meta.open - 1)
  const keyStart = skipSpaceBack(bytes, colon - 1) - META.length + 1
  const before = skipSpaceBack(bytes, keyStart - 1)
  const isMember = bytes[before] === COMMA ? before > start : before === start
  return bytes[colon] === COLON && matches(bytes, keyStart, META) && isMember ? meta : null
}

/**
 * The whole record, member by member: a third of what JSON.parse costs, where `metaAtTheEnd` costs
 * a hundredth.
 */
function metaAnywhere(bytes: Uint8Array, start: number, close: number): Meta | null {
  let metaClose = -1
  let at = skipSpace(bytes, start + 1)
  for (;;) {
    const keyEnd = bytes[at] === QUOTE ? valueEnd(bytes, at) : null
    if (keyEnd === null || hasEscape(bytes, at, keyEnd)) return null
    const value = expect(bytes, skipSpace(bytes, keyEnd), COLON)
    const end = value === -1 ? null : valueEnd(bytes, value)
    if (end === null) return null
    if (keyEnd - at === META.length && matches(bytes, at, META)) {
      if (metaClose !== -1 || bytes[value] !== OPEN) return null
      metaClose = end - 1
    }
    at = skipSpace(bytes, end)
    if (bytes[at] !== COMMA) break
    at = skipSpace(bytes, at + 1)
  }
  return at === close && metaClose !== -1 ? readMetaBack(bytes, metaClose, start) : null
}

/** Reads an object of scalars backwards from the `}` at `close`. Null when it is anything else. */
function readMetaBack(bytes: Uint8Array, close: number, floor: number): Meta | null {
  let updatedAt: Span | null = null
  let embedUrl: Span | null = null
  let at = close
  if (bytes[close] !== CLOSE) return null
  do {
    const to = skipSpaceBack(bytes, at - 1) + 1
    const from = scalarStart(bytes, to, floor)
    const colon = skipSpaceBack(bytes, from - 1)
    const keyTo = skipSpaceBack(bytes, colon - 1) + 1
    if (from === -1 || bytes[colon] !== COLON || bytes[keyTo - 1] !== QUOTE) return null
    const keyFrom = stringStart(bytes, keyTo, floor)
    if (keyFrom === -1 || hasEscape(bytes, keyFrom, keyTo)) return null
    if (keyTo - keyFrom === UPDATED_AT.length && matches(bytes, keyFrom, UPDATED_AT)) {
      if (updatedAt !== null) return null
      updatedAt = { from, to }
    } else if (keyTo - keyFrom === EMBED_URL.length && matches(bytes, keyFrom, EMBED_URL)) {
      if (embedUrl !== null) return null
      embedUrl = { from, to }
    }
    at = skipSpaceBack(bytes, keyFrom - 1)
  } while (bytes[at] === COMMA)
  return bytes[at] === OPEN && at > floor && updatedAt !== null && embedUrl !== null
    ? { open: at, updatedAt, embedUrl }
    : null
}

/** Where the string or literal that ends before `to` begins, or -1 when neither ends there. */
function scalarStart(bytes: Uint8Array, to: number, floor: number): number {
  if (bytes[to - 1] === QUOTE) return stringStart(bytes, to, floor)
  let from = to
  while (from > floor && isLiteral(bytes[from - 1])) from--
  return from === to ? -1 : from
}

/**
 * Where the string whose closing quote is at `to - 1` opens, or -1 when it does not open behind
 * `floor`.
 */
function stringStart(bytes: Uint8Array, to: number, floor: number): number {
  for (let at = to - 2; at > floor; at--) {
    if (bytes[at] !== QUOTE) continue
    let before = at - 1
    while (before > floor && bytes[before] === BACKSLASH) before--
    if ((at - 1 - before) % 2 === 0) return at
    at = before + 1
  }
  return -1
}

function hasEscape(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === BACKSLASH) return true
  return false
}

function matches(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let n = 0; n < word.length; n++) if (bytes[at + n] !== word[n]) return false
  return true
}

/** The next token behind `byte`, which must be at `at`; -1 when it is not, and from there on. */
function expect(bytes: Uint8Array, at: number, byte: number): number {
  return bytes[at] === byte ? skipSpace(bytes, at + 1) : -1
}

/** The value behind `key` and its colon; -1 when another key is there, and from there on. */
function expectKey(bytes: Uint8Array, at: number, key: Uint8Array): number {
  return at !== -1 && matches(bytes, at, key)
    ? expect(bytes, skipSpace(bytes, at + key.length), COLON)
    : -1
}

function readInteger(bytes: Uint8Array, { from, to }: Span): number | null {
  const [start, end] = bytes[from] === QUOTE ? [from + 1, to - 1] : [from, to]
  return start < end && end - start <= 15 && skipDigits(bytes, start) === end
    ? readDigits(bytes, start, end)
    : null
}

function readDigits(bytes: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + (bytes[at] ?? 0) - 0x30
  return value
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let at = from
  for (let byte = bytes[at] ?? 0; byte >= 0x30 && byte <= 0x39; byte = bytes[at] ?? 0) at++
  return at
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

function skipSpaceBack(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at--
  return at
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** A byte of a number, `true`, `false` or `null`. */
function isLiteral(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const isDigit = byte >= 0x30 && byte <= 0x39
  const isLetter = byte >= 0x61 && byte <= 0x7a
  return isDigit || isLetter || byte === 0x2e || byte === 0x2d || byte === 0x2b || byte === 0x45
}
