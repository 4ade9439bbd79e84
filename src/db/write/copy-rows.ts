// Rows in the binary format of COPY: no escaping, no delimiters, and the supplier's bytes stay
// unchanged. https://www.postgresql.org/docs/current/sql-copy.html (File Formats, Binary Format)

/** A buffer that has grown beyond this for one large record is not kept for the next rows. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const TRAILER = Buffer.from([0xff, 0xff])
const POSTGRES_EPOCH_MS = 946_684_800_000

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

  /** The rows in the bytes `[from, to)` as a complete COPY; valid until the next write. */
  toCopy(from: number, to: number): Buffer {
    if (from > HEADER.length || to < this.#length)
      return Buffer.concat([HEADER, this.slice(Math.max(from, HEADER.length), to), TRAILER])
    this.raw(TRAILER)
    this.#length -= TRAILER.length
    return this.slice(0, this.#length + TRAILER.length)
  }

  /** Starts a COPY: call it before the first row. */
  header(): void {
    this.raw(HEADER)
  }

  row(fieldCount: number): void {
    this.#reserve(2)
    this.#length = this.#buffer.writeInt16BE(fieldCount, this.#length)
  }

  nothing(): void {
    this.#reserve(4)
    this.#length = this.#buffer.writeInt32BE(-1, this.#length)
  }

  int4(value: number | null): void {
    if (value === null) return this.nothing()
    this.#reserve(8)
    this.#buffer.writeInt32BE(4, this.#length)
    this.#length = this.#buffer.writeInt32BE(value, this.#length + 4)
  }

  int8(value: number | bigint | null): void {
    if (value === null) return this.nothing()
    this.#reserve(12)
    this.#buffer.writeInt32BE(8, this.#length)
    this.#length = this.#buffer.writeBigInt64BE(BigInt(value), this.#length + 4)
  }

  float8(value: number | null): void {
    if (value === null) return this.nothing()
    this.#reserve(12)
    this.#buffer.writeInt32BE(8, this.#length)
    this.#length = this.#buffer.writeDoubleBE(value, this.#length + 4)
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
    const bytes = this.#buffer.write(value, this.#length + 4)
    this.#buffer.writeInt32BE(bytes, this.#length)
    this.#length += 4 + bytes
  }

  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.length)
    this.#buffer.writeInt32BE(value.length, this.#length)
    this.#buffer.set(value, this.#length + 4)
    this.#length += 4 + value.length
  }

  /** jsonb: a version byte, then the text of the document. */
  jsonb(document: Uint8Array | string | null): void {
    if (document === null) return this.nothing()
    const bytesMax = typeof document === 'string' ? document.length * 3 : document.length
    this.#reserve(5 + bytesMax)
    this.#buffer[this.#length + 4] = 1
    let bytes = bytesMax
    if (typeof document === 'string') bytes = this.#buffer.write(document, this.#length + 5)
    else this.#buffer.set(document, this.#length + 5)
    this.#buffer.writeInt32BE(bytes + 1, this.#length)
    this.#length += 5 + bytes
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  clear(): void {
    this.#length = 0
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafe(this.#initialBytes)
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
