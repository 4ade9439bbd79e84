// Finds a member of a JSON document by its path, in bytes that arrive piece by piece. It reads only
// quotes, brackets, colons and commas, so its memory does not grow with the document, and it works
// on a document that is truncated or invalid elsewhere.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  QUOTE,
  SPACE,
} from './byte-scan.ts'

/** Longer texts are not kept, because ids are shorter. */
const TEXT_BYTES_MAX = 8 * 1024

export interface FoundMember {
  /** Its path, one of the requested ones. */
  readonly path: string
  /** A string, boolean, null or number; an integer beyond 2^53 as its digits. */
  readonly value: unknown
}

/** Reads one document. Paths are dotted, with `*` for any index: `result.id`, `results.*.id`. */
export class MemberFinder {
  readonly #paths: ReadonlySet<string>
  readonly #depthMax: number
  readonly #decoder = new TextDecoder()
  /** By depth, the name of the current member, `*` in a list, or null. */
  readonly #names: (string | null)[] = [null]
  #depth = 0
  #ended = false
  #followed = false
  /** The current position: in a string, in a bare word, or between them. */
  #inside: 'string' | 'word' | null = null
  #escaped = false
  #expectsValue = false
  #keeps = false
  #kept: number[] = []
  #text: unknown = null
  #found: FoundMember | null = null

  constructor(paths: readonly string[]) {
    this.#paths = new Set(paths)
    this.#depthMax = Math.max(0, ...paths.map((path) => path.split('.').length))
  }

  /**
   * The last member found so far, like JSON.parse; null when it is one of several in a list, or
   * when another document follows.
   */
  get found(): FoundMember | null {
    return this.#followed ? null : this.#found
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (this.#inside === 'string') this.#addToString(byte)
      else if (byte === QUOTE) this.#open('string', byte)
      else if (STRUCTURAL.has(byte)) this.#take(byte)
      else if (byte > SPACE && this.#inside === null) this.#open('word', byte)
      else if (byte > SPACE) this.#keep(byte)
      else this.#closeWord()
    }
  }

  #open(inside: 'string' | 'word', byte: number): void {
    this.#closeWord()
    if (this.#ended) this.#followed = true
    this.#inside = inside
    this.#keeps = this.#depth <= this.#depthMax && this.#depth > 0
    this.#kept = []
    this.#keep(byte)
  }

  #addToString(byte: number): void {
    this.#keep(byte)
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) this.#close()
  }

  #closeWord(): void {
    if (this.#inside === 'word') this.#close()
  }

  #close(): void {
    this.#inside = null
    this.#text = this.#keeps ? valueOf(this.#decoder.decode(new Uint8Array(this.#kept))) : undefined
    if (this.#expectsValue) this.#note(this.#text)
    this.#expectsValue = false
  }

  #keep(byte: number): void {
    if (!this.#keeps) return
    if (this.#kept.length < TEXT_BYTES_MAX) this.#kept.push(byte)
    else this.#keeps = false
  }

  #take(byte: number): void {
    this.#closeWord()
    if (byte === COLON) {
      this.#expectsValue = this.#depth <= this.#depthMax
      if (this.#expectsValue)
        this.#names[this.#depth] = typeof this.#text === 'string' ? this.#text : null
    } else if (byte === COMMA) {
      this.#expectsValue = this.#names[this.#depth] === '*'
    } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) {
      this.#depth = Math.max(0, this.#depth - 1)
      this.#ended = this.#depth === 0
      this.#expectsValue = false
    } else {
      if (this.#ended) this.#followed = true
      if (this.#expectsValue) this.#note(undefined)
      this.#depth += 1
      if (this.#depth <= this.#depthMax)
        this.#names[this.#depth] = byte === BRACKET_OPEN ? '*' : null
      this.#expectsValue = byte === BRACKET_OPEN && this.#depth <= this.#depthMax
    }
  }

  /** `undefined` is an object, a list or a text that is too long. */
  #note(value: unknown): void {
    const path = this.#names.slice(1, this.#depth + 1).join('.')
    if (!this.#paths.has(path)) return
    // A second element of a list makes the value ambiguous.
    if (path.includes('*') && this.#found?.path === path) this.#followed = true
    this.#found = value === undefined ? null : { path, value }
  }
}

/** Builds the document that has only `value`, at `path`. */
export function documentOf({ path, value }: FoundMember): unknown {
  return path
    .split('.')
    .reduceRight((inner, name) => (name === '*' ? [inner] : { [name]: inner }), value)
}

function valueOf(text: string): unknown {
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))) return text
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const STRUCTURAL = new Set([COMMA, COLON, BRACKET_OPEN, BRACKET_CLOSE, BRACE_OPEN, BRACE_CLOSE])
