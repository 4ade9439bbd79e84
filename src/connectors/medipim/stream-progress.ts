// The progress of a stream: the announced indexes that have arrived, and the position to resume at.
// MediPim has no cursor, so a cut stream resumes with the products touched since the last line,
// which requires that the timestamps never decrease. A time in the future, such as milliseconds in
// place of seconds, changes neither the watermark nor the position.

import type { Cursor } from '../../core/connector.ts'
import { trustedTime } from '../../core/source-time.ts'

/**
 * The position at which a stream was cut. Everything touched before `touchedAt` is in the archive.
 */
export type Position = {
  /** Unix seconds of the newest line. */
  readonly touchedAt: number
  /** The number of products of the run that were touched before that second. */
  readonly seen: number
  /** The number that the first response of the run announced. */
  readonly expected: number
}

/** The position of one line in its stream; `updatedAt` is in unix seconds. */
export interface LineFacts {
  readonly total: number
  readonly index: number
  readonly updatedAt: number | null
}

/** Returns the position in a cursor of this connector, or null when it contains none. */
export function readPosition(cursor: Cursor | null): Position | null {
  if (cursor === null || typeof cursor !== 'object' || Array.isArray(cursor)) return null
  const { touchedAt, seen, expected } = cursor
  if (typeof touchedAt !== 'number' || typeof seen !== 'number' || typeof expected !== 'number')
    return null
  return { touchedAt, seen, expected }
}

export class Tally {
  /** The total of the latest line of this response. */
  total: number | null = null
  unreadable = 0
  /** Products whose time is not valid, or is in the future. */
  undated = 0
  readonly #resumed: Position | null
  readonly #now: () => number
  readonly #indexes = new IndexSet()
  #position: Position | null
  /** The newest trusted time, and the time of the latest line, both in unix seconds. */
  #newest: number | null
  #last: number | null
  #ordered = true
  /** Products of this response that were touched before `#newest`, and at `#newest`. */
  #before = 0
  #atNewest = 0

  /** `now` returns epoch milliseconds. */
  constructor(resumed: Position | null, now: () => number = Date.now) {
    this.#resumed = resumed
    this.#now = now
    this.#position = resumed
    this.#newest = this.#last = resumed?.touchedAt ?? null
  }

  /**
   * Counts a line. A line whose index is not below its total is a product that moved to the end of
   * the stream while it was read; its repetition does not count.
   */
  add({ total, index, updatedAt }: LineFacts): void {
    this.total = total
    if (index >= total || !this.#indexes.add(index)) return
    if (updatedAt === null || trustedTime(updatedAt * 1000, this.#now()) === null) this.undated++
    if (updatedAt === null) this.#ordered = false
    else this.#date(updatedAt)
    this.#atNewest++
  }

  /** Counts a line whose time was not read. */
  addUndated(total: number, index: number): void {
    this.total = total
    if (index < total && this.#indexes.add(index)) this.#atNewest++
  }

  addUnreadable(): void {
    this.unreadable++
    this.#atNewest++
  }

  get covered(): number {
    return this.#indexes.size
  }

  /**
   * The number of announced products that have not arrived. An unreadable line counts as one of
   * them.
   */
  get missing(): number {
    return Math.max(0, (this.total ?? 0) - this.covered - this.unreadable)
  }

  get expected(): number | null {
    return this.#resumed?.expected ?? this.total
  }

  get watermarkMs(): number | null {
    return this.#newest === null ? null : this.#newest * 1000
  }

  /**
   * The number of products that the run lacks although this response was complete: after a
   * resumption, the products seen before and those of this response together are fewer than first
   * announced. MediPim does not document whether `updatedSince` includes its own second.
   */
  get lost(): number {
    return this.#resumed === null
      ? 0
      : Math.max(0, this.#resumed.expected - this.#resumed.seen - (this.total ?? 0))
  }

  /**
   * Returns the position to resume at after the lines so far, which is before any gap in the
   * indexes. Returns null once a timestamp has decreased or was absent.
   */
  position(): Position | null {
    if (!this.#ordered) return null
    const expected = this.expected
    const gap = this.#indexes.end > this.covered + this.unreadable
    if (this.#newest !== null && expected !== null && !gap) {
      this.#position = {
        touchedAt: this.#newest,
        seen: (this.#resumed?.seen ?? 0) + this.#before,
        expected,
      }
    }
    return this.#position
  }

  #date(updatedAt: number): void {
    if (updatedAt === this.#last) return
    if (this.#last !== null && updatedAt < this.#last) this.#ordered = false
    this.#last = updatedAt
    // Products with a time in the future arrive again after a cut, so they do not count as seen.
    if (
      trustedTime(updatedAt * 1000, this.#now()) === null ||
      (this.#newest !== null && updatedAt < this.#newest)
    )
      return
    this.#newest = updatedAt
    this.#before += this.#atNewest
    this.#atNewest = 0
  }
}

/** A bit for each index: 5,000,000 products take at most 1 MB. */
class IndexSet {
  size = 0
  /** One more than the highest index. */
  end = 0
  #bits = new Uint8Array(1024)

  /** Returns false if the index was already present. */
  add(index: number): boolean {
    const at = Math.floor(index / 8)
    if (at >= this.#bits.length) this.#grow(at)
    const byte = this.#bits[at] ?? 0
    const bit = 1 << (index % 8)
    if ((byte & bit) !== 0) return false
    this.#bits[at] = byte | bit
    this.size++
    if (index >= this.end) this.end = index + 1
    return true
  }

  #grow(at: number): void {
    const bits = new Uint8Array(Math.max(at + 1, this.#bits.length * 2))
    bits.set(this.#bits)
    this.#bits = bits
  }
}
