// The bytes of JSON and NDJSON, and scans over them that neither decode nor validate. Scans are on
// the hot path of every line: they take and return positions, and loops over bytes are here,
// because V8 folds the constants of a module only inside that module.

const TAB = 0x09
export const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
export const SPACE = 0x20
export const QUOTE = 0x22
export const PLUS = 0x2b
export const COMMA = 0x2c
export const MINUS = 0x2d
export const POINT = 0x2e
export const ZERO = 0x30
const NINE = 0x39
export const COLON = 0x3a
export const BRACKET_OPEN = 0x5b
export const BACKSLASH = 0x5c
export const BRACKET_CLOSE = 0x5d
export const BRACE_OPEN = 0x7b
export const BRACE_CLOSE = 0x7d

export function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

/** The first position from `from` on that is not white space. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

/** The last position up to `from` that is not white space; -1 when there is none. */
export function skipSpaceBack(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at--
  return at
}

export function skipDigits(bytes: Uint8Array, from: number): number {
  let at = from
  while (isDigit(bytes[at])) at++
  return at
}

/** Returns the number of the decimal digits in `bytes[from, to)`; exact up to 15 digits. */
export function readDigits(bytes: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + (bytes[at] ?? 0) - ZERO
  return value
}

export function matchesAt(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let n = 0; n < word.length; n++) if (bytes[at + n] !== word[n]) return false
  return true
}

export function hasEscape(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === BACKSLASH) return true
  return false
}

/**
 * The number of values in a JSON document, without parsing it: each but the first comes after a
 * comma or an opening bracket.
 */
export function countValues(bytes: Uint8Array): number {
  let count = 1
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = (findStringEnd(bytes, at) ?? bytes.length) - 1
    else if (byte === COMMA || byte === BRACE_OPEN || byte === BRACKET_OPEN) count++
  }
  return count
}

/** The number of levels of objects and arrays in a JSON document, without parsing it. */
export function measureDepth(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = (findStringEnd(bytes, at) ?? bytes.length) - 1
    else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) deepest = Math.max(deepest, ++depth)
    else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) depth--
  }
  return deepest
}

/** Replaces the line breaks in `bytes[from, to)` by spaces. */
export function replaceLineBreaks(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++)
    if (bytes[at] === LINE_FEED || bytes[at] === CARRIAGE_RETURN) bytes[at] = SPACE
}

/** The first position from `from` on of a quote, a backslash or a control character. */
export function findPlainTextEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) return at
  }
  return bytes.length
}

/** The end of the value that begins at `start`, or null when the bytes end inside it. */
export function findValueEnd(bytes: Uint8Array, start: number): number | null {
  const first = bytes[start]
  if (first === QUOTE) return findStringEnd(bytes, start)
  if (first !== BRACE_OPEN && first !== BRACKET_OPEN) return findScalarEnd(bytes, start)
  let depth = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const end = findStringEnd(bytes, at)
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

/** The end of the string that opens at `start`, or null when it does not end. */
export function findStringEnd(bytes: Uint8Array, start: number): number | null {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++
    else if (bytes[at] === QUOTE) return at + 1
  }
  return null
}

/**
 * The position at which the string opens whose closing quote is at `to - 1`, or -1 when that is not
 * after `floor`. Read backwards, a quote after an even number of backslashes opens the string.
 */
export function findStringStart(bytes: Uint8Array, to: number, floor: number): number {
  for (let at = to - 2; at > floor; at--) {
    if (bytes[at] !== QUOTE) continue
    let before = at - 1
    while (before > floor && bytes[before] === BACKSLASH) before--
    if ((at - 1 - before) % 2 === 0) return at
    at = before + 1
  }
  return -1
}

function findScalarEnd(bytes: Uint8Array, start: number): number {
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
