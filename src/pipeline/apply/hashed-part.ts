// The lines of a part as the fetch hashed them, on the way to the archive: a known line as the
// number of its product, any other as its bytes. Lines that are in it are not read back.

import {
  findWholeLines,
  readLines,
  type Lines,
  type LongLine,
} from '../../artifacts/line-batches.ts'
import { readPart } from '../../artifacts/parts.ts'
import type { ArtifactStore } from '../../artifacts/store.ts'
import type { Connector, Scan } from '../../core/connector.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import type { MemberFinder } from '../../lib/member-finder.ts'
import { hashRecord } from '../../node/hash.ts'
import type { RunContext } from '../context.ts'
import type { KnownRecords } from './known-records.ts'
import { newIdFinder } from './line-id.ts'

/** Bytes of unknown lines that are kept of one part. */
const ARENA_BYTES_MAX = 4 * 1024 * 1024
/** The first sizes; each next one is twice as large, so that a small part takes little memory. */
const ARENA_BYTES_MIN = 4 * 1024
const LINES_MIN = 64
/** Bytes in which a line is recorded: its product number and its end. */
const LINE_BYTES = Int32Array.BYTES_PER_ELEMENT + Float64Array.BYTES_PER_ELEMENT
/** Time within which a part arrives. A later part is read back. */
const WAIT_MS_MAX = 86_400_000
/** In place of the product number of a line that must be read. */
const UNKNOWN = -1

/** Consecutive lines whose hashes are known. */
export interface KnownLines {
  readonly kind: 'known'
  /** The number of the first line, from 1. */
  readonly firstLine: number
  /** The product number of each line. */
  readonly seqs: Int32Array
  /** The raw offset in the part after each line and its `\n`. */
  readonly ends: Float64Array
}

/** Consecutive lines of a part, or one that is too long. */
export type LineBatch = KnownLines | Lines | LongLine<MemberFinder>

export interface HashTools {
  readonly connector: Connector
  readonly known: KnownRecords
  /** For hashing a line. */
  readonly scratch: Buffer
  /** Longer lines are not hashed. */
  readonly recordBytesMax: number
  /** Returns false when the process must not keep so many bytes more. */
  readonly reserve: (bytes: number) => boolean
}

/** Has the first lines of a part without a gap: all of them, or those up to a limit. */
export class HashedPart {
  /** Bytes reserved so far. */
  reservedBytes = 0
  /** Raw bytes of its lines. */
  #byteLength = 0
  #lineCount = 0
  #isOpen = true
  #seqs = new Int32Array()
  #ends = new Float64Array()
  #arena = Buffer.alloc(0)
  #arenaUsed = 0
  readonly #tools: HashTools
  readonly #requestedMs: number

  /**
   * `requestedMs`: an instant of the server's clock before the part arrives, in epoch milliseconds.
   */
  constructor(tools: HashTools, requestedMs: number) {
    this.#tools = tools
    this.#requestedMs = requestedMs
  }

  /** Adds the next page of the part, which has whole lines. */
  add(page: Uint8Array): void {
    if (!this.#isOpen) return
    const chunk = Buffer.from(page.buffer, page.byteOffset, page.byteLength)
    const offset = this.#byteLength
    const position = { from: 0, line: this.#lineCount + 1, offset }
    for (const lines of findWholeLines(chunk, position, this.#tools.recordBytesMax)) {
      if (lines.kind === 'long') return this.#close()
      for (let i = 0; i < lines.bounds.length; i += 2) {
        const to = lines.bounds[i + 1] ?? 0
        const seq = this.#findSeq(chunk.subarray(lines.bounds[i], to))
        const isKept =
          seq === UNKNOWN ? this.#keep(chunk.subarray(this.#byteLength - offset, to + 1)) : true
        if (!isKept || !this.#record(seq, offset + to + 1)) return this.#close()
      }
    }
  }

  /**
   * Yields its lines in order. Returns true when they are the whole part. Stops before a known line
   * whose product was staged meanwhile, because such a line must be read.
   */
  *lines(
    part: StoredPart,
    isStaged: (seq: number) => boolean,
  ): Generator<KnownLines | Lines, boolean> {
    const waitMs = part.createdAt.getTime() - this.#requestedMs
    // Otherwise, the part took too long or the server's clock was set back.
    if (waitMs < 0 || waitMs > WAIT_MS_MAX) return false
    const seqs = this.#seqs.subarray(0, this.#lineCount)
    let arenaAt = 0
    for (let from = 0, to = 0; from < seqs.length; from = to) {
      const firstLine = from + 1
      if (seqs[from] === UNKNOWN) {
        while (seqs[to] === UNKNOWN) to++
        const offset = from === 0 ? 0 : this.#endOf(from - 1)
        const bytes = this.#arena.subarray(arenaAt, (arenaAt += this.#endOf(to - 1) - offset))
        yield* this.#cut(bytes, firstLine, offset)
        continue
      }
      for (let seq = seqs[from]; seq !== undefined && seq !== UNKNOWN; seq = seqs[++to])
        if (isStaged(seq)) break
      const ends = this.#ends.subarray(from, to)
      if (to > from) yield { kind: 'known', firstLine, seqs: seqs.subarray(from, to), ends }
      if (to < seqs.length && seqs[to] !== UNKNOWN) return false
    }
    return this.#byteLength === part.rawBytes
  }

  /** Ignores all further pages: the lines in them are read back. */
  #close(): void {
    this.#isOpen = false
  }

  /** Yields whole lines that are short enough to be read. */
  *#cut(bytes: Buffer, line: number, offset: number): Generator<Lines> {
    const { recordBytesMax } = this.#tools
    for (const lines of findWholeLines(bytes, { from: 0, line, offset }, recordBytesMax))
      if (lines.kind === 'lines') yield lines
  }

  /** Returns the product number of a line whose hash is known, or `UNKNOWN`. */
  #findSeq(line: Buffer): number {
    const { connector, known, scratch } = this.#tools
    const scan = connector.scan(line, this.#requestedMs)
    const latestMs = this.#requestedMs + WAIT_MS_MAX
    const seq = scan === null ? UNKNOWN : known.find(hashRecord(line, scan, scratch))
    // A time that cannot be trusted yet may be trusted when the part arrives. Then the hash differs.
    return seq === UNKNOWN || isSameScan(scan, connector.scan(line, latestMs)) ? seq : UNKNOWN
  }

  /** Returns false when the line does not fit. */
  #record(seq: number, end: number): boolean {
    const at = this.#lineCount
    if (at === this.#seqs.length) {
      const length = Math.max(LINES_MIN, at * 2)
      if (!this.#reserve((length - at) * LINE_BYTES)) return false
      const [seqs, ends] = [this.#seqs, this.#ends]
      this.#seqs = new Int32Array(length)
      this.#seqs.set(seqs)
      this.#ends = new Float64Array(length)
      this.#ends.set(ends)
    }
    this.#seqs[at] = seq
    this.#ends[at] = end
    this.#lineCount = at + 1
    this.#byteLength = end
    return true
  }

  /** Returns false when the bytes do not fit. */
  #keep(bytes: Buffer): boolean {
    const used = this.#arenaUsed + bytes.length
    if (used > ARENA_BYTES_MAX) return false
    let { length } = this.#arena
    if (used > length) {
      while (length < used) length = Math.max(ARENA_BYTES_MIN, length * 2)
      if (!this.#reserve(length - this.#arena.length)) return false
      const arena = Buffer.allocUnsafeSlow(length)
      this.#arena.copy(arena, 0, 0, this.#arenaUsed)
      this.#arena = arena
    }
    bytes.copy(this.#arena, this.#arenaUsed)
    this.#arenaUsed = used
    return true
  }

  #reserve(bytes: number): boolean {
    if (!this.#tools.reserve(bytes)) return false
    this.reservedBytes += bytes
    return true
  }

  #endOf(line: number): number {
    return this.#ends[line] ?? 0
  }
}

/**
 * Yields the lines of an archived part, in order: first those that the fetch hashed, then the others
 * from the store.
 *
 * @throws SyncError `artifact/corrupt` · `artifact/missing`
 */
export async function* readPartLines(
  {
    connector,
    options,
    store,
  }: Pick<RunContext, 'connector' | 'options'> & { readonly store: ArtifactStore },
  part: StoredPart,
  hashed: HashedPart | null,
  isStaged: (seq: number) => boolean,
): AsyncGenerator<LineBatch, void> {
  if (hashed !== null && (yield* hashed.lines(part, isStaged))) return
  yield* readLines(readPart(store, part), options.recordBytesMax, () => newIdFinder(connector))
}

/** True when both found the same record with the same volatile members. */
function isSameScan(one: Scan | null, other: Scan | null): boolean {
  if (one === null || other === null) return one === other
  return (
    one.start === other.start &&
    one.end === other.end &&
    one.volatile.length === other.volatile.length &&
    one.volatile.every((at, index) => at === other.volatile[index])
  )
}
