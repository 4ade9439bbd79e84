// Finds the elements of a JSON array as bytes, so that a record is archived exactly as it was sent.
// It searches only for quotes and brackets: except for `valueEnd`, the bytes must be valid JSON.

/** `bytes[start, end)` is one JSON value, without the whitespace around it. */
export interface Slice {
  readonly start: number
  readonly end: number
}

/** Returns the end of the value at `start`, or null when the bytes end inside it. */
export function valueEnd(bytes: Uint8Array, start: number): number | null {
  const first = bytes[start]
  if (first === QUOTE) return stringEnd(bytes, start)
  if (first !== BRACE_OPEN && first !== BRACKET_OPEN) return scalarEnd(bytes, start)
  let depth = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const end = stringEnd(bytes, at)
      if (end === null) return null
      at = end - 1
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      depth++
    } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) {
      depth--
      if (depth === 0) return at + 1
    }
  }
  return null
}

/** Returns the index of the first byte that is neither whitespace nor a byte order mark. */
export function valueStart(bytes: Uint8Array): number {
  return skipSpace(bytes, bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0)
}

/**
 * Counts the values of a JSON document without parsing it: each except the first follows a comma or
 * an opening bracket.
 */
export function countValues(bytes: Uint8Array): number {
  let count = 1
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = (stringEnd(bytes, at) ?? bytes.length) - 1
    else if (byte === COMMA || byte === BRACE_OPEN || byte === BRACKET_OPEN) count++
  }
  return count
}

/**
 * Returns the value of the member `name` of the object at `start`, the last one of that name, like
 * JSON.parse. Null without one.
 */
export function memberValue(bytes: Uint8Array, start: number, name: string): Slice | null {
  let found: Slice | null = null
  for (const member of members(bytes, start)) if (member.name === name) found = member.value
  return found
}

/** Returns the first one of that name, without reading further. */
export function firstMemberValue(bytes: Uint8Array, start: number, name: string): Slice | null {
  for (const member of members(bytes, start)) if (member.name === name) return member.value
  return null
}

/** Yields the elements of the array `member` of the object in `bytes`; none for another type. */
export function* memberElements(bytes: Uint8Array, member: string): Generator<Slice> {
  const value = memberValue(bytes, valueStart(bytes), member)
  if (value !== null && bytes[value.start] === BRACKET_OPEN) yield* children(bytes, value.start)
}

/** Yields the elements of the array at `start`. */
export function elements(bytes: Uint8Array, start: number): Generator<Slice> {
  return children(bytes, start)
}

/**
 * Yields the slices as NDJSON, one line each, in blocks of at most 10,000 that exceed `blockBytes`
 * by less than a line. A line break between tokens becomes a space; other bytes are unchanged. It
 * needs memory for one block.
 */
export function* lineBlocks(
  bytes: Uint8Array,
  slices: Iterable<Slice>,
  blockBytes: number,
): Generator<LinesOfBlock> {
  let bounds: number[] = []
  let byteLength = 0
  for (const { start, end } of slices) {
    bounds.push(start, end)
    byteLength += end - start + 1
    if (byteLength < blockBytes && bounds.length < 2 * BLOCK_LINES_MAX) continue
    yield { bytes: linesIn(bytes, bounds, byteLength), lineCount: bounds.length / 2 }
    bounds = []
    byteLength = 0
  }
  if (bounds.length > 0)
    yield { bytes: linesIn(bytes, bounds, byteLength), lineCount: bounds.length / 2 }
}

export interface LinesOfBlock {
  readonly bytes: Uint8Array
  readonly lineCount: number
}

function linesIn(bytes: Uint8Array, bounds: readonly number[], byteLength: number): Uint8Array {
  const lines = new Uint8Array(byteLength)
  let offset = 0
  for (let i = 0; i < bounds.length; i += 2) {
    const [start = 0, end = 0] = [bounds[i], bounds[i + 1]]
    lines.set(bytes.subarray(start, end), offset)
    for (let at = offset; at < offset + end - start; at++)
      if (lines[at] === LINE_FEED || lines[at] === CARRIAGE_RETURN) lines[at] = SPACE
    offset += end - start + 1
    lines[offset - 1] = LINE_FEED
  }
  return lines
}

function* members(
  bytes: Uint8Array,
  start: number,
): Generator<{ readonly name: unknown; readonly value: Slice }> {
  if (bytes[start] !== BRACE_OPEN) return
  const decoder = new TextDecoder()
  for (const name of children(bytes, start)) {
    const from = skipSpace(bytes, skipSpace(bytes, name.end) + 1)
    // A name that is longer than the requested one is not decoded.
    const text: unknown =
      name.end - name.start > NAME_BYTES_MAX
        ? null
        : JSON.parse(decoder.decode(bytes.subarray(name.start, name.end)))
    yield { name: text, value: { start: from, end: valueEnd(bytes, from) ?? bytes.length } }
  }
}

/** Yields the elements of the array, or the names of the members of the object, at `start`. */
function* children(bytes: Uint8Array, start: number): Generator<Slice> {
  const isObject = bytes[start] === BRACE_OPEN
  let at = skipSpace(bytes, start + 1)
  while (at < bytes.length && bytes[at] !== BRACE_CLOSE && bytes[at] !== BRACKET_CLOSE) {
    const end = valueEnd(bytes, at) ?? bytes.length
    yield { start: at, end }
    at = skipSpace(bytes, end)
    if (isObject) at = skipSpace(bytes, valueEnd(bytes, skipSpace(bytes, at + 1)) ?? bytes.length)
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1)
  }
}

function stringEnd(bytes: Uint8Array, start: number): number | null {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++
    else if (bytes[at] === QUOTE) return at + 1
  }
  return null
}

function scalarEnd(bytes: Uint8Array, start: number): number {
  let at = start
  while (
    at < bytes.length &&
    !isSpace(bytes[at]) &&
    bytes[at] !== COMMA &&
    bytes[at] !== BRACE_CLOSE &&
    bytes[at] !== BRACKET_CLOSE
  )
    at++
  return at
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (isSpace(bytes[at])) at++
  return at
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB
}

const NAME_BYTES_MAX = 1024
const BLOCK_LINES_MAX = 10_000
const TAB = 0x09
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const BRACKET_OPEN = 0x5b
const BACKSLASH = 0x5c
const BRACKET_CLOSE = 0x5d
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
