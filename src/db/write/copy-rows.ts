// Rows in the binary format of COPY: no escaping, no delimiters, and the supplier's bytes stay
// unchanged. https://www.postgresql.org/docs/current/sql-copy.html (File Formats, Binary Format)

/** A buffer that has grown beyond this for one large record is not kept for the next rows. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024
/** Up to this length a loop is faster than the call of `Buffer.write`. */
const SHORT_CHARS_MAX = 32
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const TRAILER = Buffer.from([0xff, 0xff])
const POSTGRES_EPOCH_MS = 946_684_800_000

/**
 * Yields whole rows as a complete COPY, in messages of the size of `message`, which is overwritten:
 * each is valid until the next one is requested.
 */
export function* toCopyMessages(rows: Iterable<Uint8Array>, message: Buffer): Generator<Buffer> {
  let used = 0
  for (const piece of toFramed(rows)) {
    let from = 0
    while (piece.length - from >= message.length - used) {
      const to = from + message.length - used
      message.set(piece.subarray(from, to), used)
      yield message
      from = to
      used = 0
    }
    message.set(from === 0 ? piece : piece.subarray(from), used)
    used += piece.length - from
  }
  if (used > 0) yield message.subarray(0, used)
}

function* toFramed(rows: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield HEADER
  yield* rows
  yield TRAILER
}

/** A growing buffer of rows. Fields are appended in the order of the COPY's columns. */
export class CopyRows {
  #buffer: Buffer
  #length = 0
  readonly #initialBytes: number

  constructor(initialBytes = 64 * 1024) {
    this.#initialBytes = initialBytes
    this.#buffer = Buffer.allocUnsafe(initialBytes)
  }

  get length(): number {
    return this.#length
  }

  /** The bytes `[from, to)` written so far; valid until the next write. */
  slice(from: number, to: number): Buffer {
    return this.#buffer.subarray(from, to)
  }

  row(fieldCount: number): void {
    this.#reserve(2)
    this.#buffer[this.#length++] = fieldCount >> 8
    this.#buffer[this.#length++] = fieldCount
  }

  nothing(): void {
    this.#reserve(4)
    this.#append(-1)
  }

  int4(value: number | null): void {
    if (value === null) return this.nothing()
    this.#reserve(8)
    this.#append(4)
    this.#append(value)
  }

  int8(value: number | bigint | null): void {
    if (value === null) return this.nothing()
    this.#reserve(12)
    this.#append(8)
    if (typeof value === 'bigint') {
      this.#length = this.#buffer.writeBigInt64BE(value, this.#length)
    } else {
      this.#append(Math.floor(value / 2 ** 32))
      this.#append(value)
    }
  }

  float8(value: number | null): void {
    if (value === null) return this.nothing()
    this.#reserve(12)
    this.#append(8)
    this.#length = this.#buffer.writeDoubleBE(value, this.#length)
  }

  timestamp(epochMs: number | null): void {
    if (epochMs === null) return this.nothing()
    const ms = Math.round(epochMs - POSTGRES_EPOCH_MS)
    // From the year 2285 on, microseconds exceed the safe integers.
    this.int8(Number.isSafeInteger(ms * 1000) ? ms * 1000 : BigInt(ms) * 1000n)
  }

  text(value: string | null): void {
    if (value === null) return this.nothing()
    this.#reserve(4 + value.length * 3)
    this.#appendText(value, 0)
  }

  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.length)
    this.#append(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  /** jsonb: a version byte, then the text of the document. */
  jsonb(document: string | null): void {
    if (document === null) return this.nothing()
    this.#reserve(5 + document.length * 3)
    this.#buffer[this.#length + 4] = 1
    this.#appendText(document, 1)
  }

  /** The beginning of a value whose bytes, so many, follow the row. */
  byteCount(byteLength: number): void {
    this.#reserve(4)
    this.#append(byteLength)
  }

  /** The first `byteLength` bytes of a hash in the encoding `binary`. */
  digest(binary: string, byteLength: number): void {
    this.#reserve(4 + byteLength)
    this.#append(byteLength)
    this.#length += this.#buffer.write(binary, this.#length, byteLength, 'latin1')
  }

  /** Appends the bytes of `rows` from `from` to `to`, which is not included. */
  copy(rows: CopyRows, from: number, to = rows.#length): void {
    this.#reserve(to - from)
    this.#length += rows.#buffer.copy(this.#buffer, this.#length, from, to)
  }

  clear(): void {
    this.#length = 0
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafe(this.#initialBytes)
  }

  /** Appends the lower 32 bits of `value`. There must be room. */
  #append(value: number): void {
    const buffer = this.#buffer
    const at = this.#length
    buffer[at] = value >>> 24
    buffer[at + 1] = value >>> 16
    buffer[at + 2] = value >>> 8
    buffer[at + 3] = value
    this.#length = at + 4
  }

  /** Appends the length, `prefixBytes` that are set already, and the text. There must be room. */
  #appendText(text: string, prefixBytes: number): void {
    const from = this.#length + 4 + prefixBytes
    const bytes = this.#writeShort(text, from) ? text.length : this.#buffer.write(text, from)
    this.#append(bytes + prefixBytes)
    this.#length = from + bytes
  }

  /** Writes a short ASCII text and returns true; for any other text returns false. */
  #writeShort(text: string, from: number): boolean {
    if (text.length > SHORT_CHARS_MAX) return false
    const buffer = this.#buffer
    for (let n = 0; n < text.length; n++) {
      const code = text.charCodeAt(n)
      if (code > 127) return false
      buffer[from + n] = code
    }
    return true
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, Math.ceil(this.#buffer.length * 1.5)))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
