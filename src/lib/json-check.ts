// Checks that bytes are one JSON document (RFC 8259) without parsing them: JSON.parse needs forty
// times the memory for a list of short elements. Strings are not decoded, so invalid UTF-8 is
// accepted.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  findPlainTextEnd,
  isDigit,
  isSpace,
  MINUS,
  PLUS,
  POINT,
  QUOTE,
  ZERO,
} from './byte-scan.ts'

type State =
  | 'value'
  | 'value-or-end'
  | 'name'
  | 'name-or-end'
  | 'colon'
  | 'after'
  | 'string'
  | 'escape'
  | 'hex'
  | 'number'
  | 'literal'

/** The part of a number that was read last. */
type Digits = 'minus' | 'zero' | 'whole' | 'point' | 'fraction' | 'e' | 'e-sign' | 'exponent'

/** Checks one document piece by piece. */
export class JsonCheck {
  /** Number of bytes so far. */
  length = 0
  /** Position of the first invalid byte, or null. */
  faultAt: number | null = null
  #state: State = 'value'
  #digits: Digits = 'minus'
  #isName = false
  #literal = ''
  #hexLeft = 0
  #depth = 0
  /** By depth, 1 for an object and 0 for a list. */
  #kinds = new Uint8Array(64)

  /** True when the bytes so far are a complete document. */
  get isWhole(): boolean {
    const ended =
      this.#state === 'after' || (this.#state === 'number' && COMPLETE.has(this.#digits))
    return this.faultAt === null && this.#depth === 0 && ended
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.faultAt === null; at++) {
      const byte = bytes[at] ?? 0
      if (this.#state === 'string') at = this.#skipText(bytes, at)
      else if (!this.#take(byte)) this.faultAt = this.length + at
    }
    this.length += bytes.length
  }

  /** Skips the plain bytes of a string from `from`. Returns the index of the last byte it read. */
  #skipText(bytes: Uint8Array, from: number): number {
    const at = findPlainTextEnd(bytes, from)
    if (at === bytes.length) return at
    if (bytes[at] === QUOTE) this.#state = this.#isName ? 'colon' : 'after'
    else if (bytes[at] === BACKSLASH) this.#state = 'escape'
    else this.faultAt = this.length + at
    return at
  }

  #take(byte: number): boolean {
    if (this.#state === 'number') return this.#takeDigit(byte)
    if (this.#state === 'literal') return this.#takeLetter(byte)
    if (this.#state === 'escape') return this.#takeEscape(byte)
    if (this.#state === 'hex') return this.#takeHex(byte)
    return isSpace(byte) || this.#takeToken(byte)
  }

  #takeToken(byte: number): boolean {
    if (this.#state === 'after') return this.#takeAfter(byte)
    if (this.#state === 'value') return this.#openValue(byte)
    if (this.#state === 'value-or-end')
      return byte === BRACKET_CLOSE ? this.#close(byte) : this.#openValue(byte)
    if (this.#state === 'name') return this.#openName(byte)
    if (this.#state === 'name-or-end')
      return byte === BRACE_CLOSE ? this.#close(byte) : this.#openName(byte)
    this.#state = 'value'
    return byte === COLON
  }

  #takeAfter(byte: number): boolean {
    if (this.#depth === 0) return false
    if (byte !== COMMA) return this.#close(byte)
    this.#state = this.#kinds[this.#depth] === 1 ? 'name' : 'value'
    return true
  }

  #openName(byte: number): boolean {
    this.#isName = true
    this.#state = 'string'
    return byte === QUOTE
  }

  #openValue(byte: number): boolean {
    if (byte === QUOTE) {
      this.#isName = false
      this.#state = 'string'
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      this.#open(byte === BRACE_OPEN)
    } else if (byte === MINUS || isDigit(byte)) {
      this.#state = 'number'
      this.#digits = byte === MINUS ? 'minus' : byte === ZERO ? 'zero' : 'whole'
    } else {
      this.#literal = LITERALS.get(byte) ?? ''
      this.#state = 'literal'
      return this.#literal !== ''
    }
    return true
  }

  #open(isObject: boolean): void {
    this.#depth += 1
    if (this.#depth === this.#kinds.length) {
      const kinds = new Uint8Array(this.#kinds.length * 2)
      kinds.set(this.#kinds)
      this.#kinds = kinds
    }
    this.#kinds[this.#depth] = isObject ? 1 : 0
    this.#state = isObject ? 'name-or-end' : 'value-or-end'
  }

  #close(byte: number): boolean {
    const expected = this.#kinds[this.#depth] === 1 ? BRACE_CLOSE : BRACKET_CLOSE
    this.#depth -= 1
    this.#state = 'after'
    return byte === expected
  }

  #takeEscape(byte: number): boolean {
    this.#hexLeft = 4
    this.#state = byte === LETTER_U ? 'hex' : 'string'
    return byte === LETTER_U || ESCAPED.has(byte)
  }

  #takeHex(byte: number): boolean {
    this.#hexLeft -= 1
    if (this.#hexLeft === 0) this.#state = 'string'
    return isHex(byte)
  }

  #takeLetter(byte: number): boolean {
    const isNext = byte === this.#literal.charCodeAt(0)
    this.#literal = this.#literal.slice(1)
    if (this.#literal === '') this.#state = 'after'
    return isNext
  }

  #takeDigit(byte: number): boolean {
    const next = nextDigits(this.#digits, byte)
    if (next !== null) {
      this.#digits = next
      return true
    }
    if (!COMPLETE.has(this.#digits)) return false
    this.#state = 'after'
    return this.#take(byte)
  }
}

function nextDigits(digits: Digits, byte: number): Digits | null {
  const digit = isDigit(byte)
  if (digits === 'minus') return byte === ZERO ? 'zero' : digit ? 'whole' : null
  if (digits === 'whole' && digit) return 'whole'
  if (digits === 'point' || digits === 'fraction') {
    if (digit) return 'fraction'
    if (digits === 'point') return null
  }
  if (digits === 'e' || digits === 'e-sign' || digits === 'exponent') {
    if (digit) return 'exponent'
    return digits === 'e' && (byte === PLUS || byte === MINUS) ? 'e-sign' : null
  }
  if (byte === POINT) return digits === 'fraction' ? null : 'point'
  return byte === 0x65 || byte === 0x45 ? 'e' : null
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
}

const LETTER_U = 0x75
const COMPLETE: ReadonlySet<Digits> = new Set(['zero', 'whole', 'fraction', 'exponent'])
const ESCAPED = new Set(new TextEncoder().encode('"\\/bfnrt'))
const LITERALS = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word.slice(1)]),
)
