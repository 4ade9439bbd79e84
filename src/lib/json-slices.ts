// Finds the elements of a JSON array as bytes, so that a record is archived exactly as it was sent.
// It searches only for quotes and brackets, so the bytes must be valid JSON.

import {
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COMMA,
  findValueEnd,
  LINE_FEED,
  replaceLineBreaks,
  skipSpace,
} from './byte-scan.ts'
import { countMarkBytes } from './ndjson.ts'

const NAME_BYTES_MAX = 1024
const BLOCK_LINES_MAX = 10_000

/** `bytes[start, end)` is one JSON value, without the whitespace around it. */
export interface Slice {
  readonly start: number
  readonly end: number
}

/** Returns the position of the first byte that is neither white space nor a byte order mark. */
export function findValueStart(bytes: Uint8Array): number {
  return skipSpace(bytes, countMarkBytes(bytes))
}

/**
 * Returns the value of the member `name` of the object at `start`, the last one of that name, like
 * JSON.parse. Null without one.
 */
export function findMember(bytes: Uint8Array, start: number, name: string): Slice | null {
  let found: Slice | null = null
  for (const member of readMembers(bytes, start)) if (member.name === name) found = member.value
  return found
}

/** Returns the first one of that name, without reading further. */
export function findFirstMember(bytes: Uint8Array, start: number, name: string): Slice | null {
  for (const member of readMembers(bytes, start)) if (member.name === name) return member.value
  return null
}

/** Yields the elements of the array `member` of the object in `bytes`; none for another type. */
export function* readMemberElements(bytes: Uint8Array, member: string): Generator<Slice> {
  const value = findMember(bytes, findValueStart(bytes), member)
  if (value !== null && bytes[value.start] === BRACKET_OPEN) yield* readChildren(bytes, value.start)
}

/** Yields the elements of the array at `start`. */
export function readElements(bytes: Uint8Array, start: number): Generator<Slice> {
  return readChildren(bytes, start)
}

/**
 * Yields the slices as NDJSON, one line each, in blocks of at most 10,000 that exceed `blockBytes`
 * by less than a line. A line break between tokens becomes a space; other bytes are unchanged. It
 * needs memory for one block.
 */
export function* toLineBlocks(
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
    yield { bytes: joinLines(bytes, bounds, byteLength), lineCount: bounds.length / 2 }
    bounds = []
    byteLength = 0
  }
  if (bounds.length > 0)
    yield { bytes: joinLines(bytes, bounds, byteLength), lineCount: bounds.length / 2 }
}

export interface LinesOfBlock {
  readonly bytes: Uint8Array
  readonly lineCount: number
}

function joinLines(bytes: Uint8Array, bounds: readonly number[], byteLength: number): Uint8Array {
  const lines = new Uint8Array(byteLength)
  let offset = 0
  for (let i = 0; i < bounds.length; i += 2) {
    const [start = 0, end = 0] = [bounds[i], bounds[i + 1]]
    lines.set(bytes.subarray(start, end), offset)
    replaceLineBreaks(lines, offset, offset + end - start)
    offset += end - start + 1
    lines[offset - 1] = LINE_FEED
  }
  return lines
}

function* readMembers(
  bytes: Uint8Array,
  start: number,
): Generator<{ readonly name: unknown; readonly value: Slice }> {
  if (bytes[start] !== BRACE_OPEN) return
  const decoder = new TextDecoder()
  for (const name of readChildren(bytes, start)) {
    const from = skipSpace(bytes, skipSpace(bytes, name.end) + 1)
    // A longer name is not decoded: no requested name is that long.
    const text: unknown =
      name.end - name.start > NAME_BYTES_MAX
        ? null
        : JSON.parse(decoder.decode(bytes.subarray(name.start, name.end)))
    yield { name: text, value: { start: from, end: findValueEnd(bytes, from) ?? bytes.length } }
  }
}

/** Yields the elements of the array, or the names of the members of the object, at `start`. */
function* readChildren(bytes: Uint8Array, start: number): Generator<Slice> {
  const isObject = bytes[start] === BRACE_OPEN
  let at = skipSpace(bytes, start + 1)
  while (at < bytes.length && bytes[at] !== BRACE_CLOSE && bytes[at] !== BRACKET_CLOSE) {
    const end = findValueEnd(bytes, at) ?? bytes.length
    yield { start: at, end }
    at = skipSpace(bytes, end)
    if (isObject)
      at = skipSpace(bytes, findValueEnd(bytes, skipSpace(bytes, at + 1)) ?? bytes.length)
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1)
  }
}
