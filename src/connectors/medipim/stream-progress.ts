// The progress of a stream: which of the announced indexes have arrived, and how far its timestamps
// can be trusted. A time in the future, such as milliseconds in place of seconds, moves neither the
// watermark nor the position. MediPim has no cursor; a cut stream resumes with the products touched
// since the last line, which requires an ordered stream.

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

/** One line's own words about itself; `updatedAt` in unix seconds. */
export interface LineFacts {
  readonly total: number
  readonly index: number
  readonly updatedAt: number | null
}

/** The position in a cursor of ours, or null when it holds none. */
export function readPosition(cursor: Cursor | null): Position | null {
  if (cursor === null || typeof cursor !== 'object' || Array.isArray(cursor)) return null
  const { touchedAt, seen, expected } = cursor
  if (typeof touchedAt !== 'number' || typeof seen !== 'number' || typeof expected !== 'number')
    return null
  return { touchedAt, seen, expected }
}

export class Tally {
  /** The last total that a line of this response stated. */
  total: number | null = null
  unreadable = 0
  /** Products whose time is not one, or in the future. */
  undated = 0
  readonly #resumed: Position | null
  readonly #now: () => number
  readonly #indexes = new IndexSet()
  #position: Position | null
  /** The newest time that can be trusted, and the one stated last, both in unix seconds. */
  #newest: number | null
  #last: number | null
  #ordered = true
  /** Products of this response that were touched before `#newest`, and at it. */
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
   * A line beyond its own total, a product that moved to the end meanwhile, is a repetition: it
   * covers nothing.
   */
  add({ total, index, updatedAt }: LineFacts): void {
    this.total = total
    if (index >= total || !this.#indexes.add(index)) return
    if (updatedAt === null || trustedTime(updatedAt * 1000, this.#now()) === null) this.undated++
    if (updatedAt === null) this.#ordered = false
    else this.#date(updatedAt)
    this.#atNewest++
  }

  /** The same for a line whose time is not looked at. */
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
   * Products that the run lacks although this response was complete: it contained only the rest,
   * and the products before it together with the rest are fewer than first announced. Whether
   * `updatedSince` includes its own second is not documented.
   */
  get lost(): number {
    return this.#resumed === null
      ? 0
      : Math.max(0, this.#resumed.expected - this.#resumed.seen - (this.total ?? 0))
  }

  /**
   * The position to resume at after the lines so far: before any gap in the indexes. Null once
   * timestamps have decreased or were absent.
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
    // The products of a time in the future come again after a cut, so they do not count as seen
    // before it.
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

/** A bit for each index: 5,000,000 products cost 1 MB at most. */
class IndexSet {
  size = 0
  /** One more than the highest index. */
  end = 0
  #bits = new Uint8Array(1024)

  /** False when it was there already. */
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
