// The hashed parts of a run that wait for a lane. The fetch may be faster than the lanes, so their
// number and their memory are limited. A part beyond the limits is read back.

import type { RunContext } from '../context.ts'
import { HashedPart, type HashTools } from './hashed-part.ts'
import type { KnownRecords } from './known-records.ts'

/** If more wait, other processes apply the parts of this run. */
const PARTS_MAX = 16
/** Memory for hashing a line; a larger record is hashed in pieces. */
const SCRATCH_BYTES = 1 << 20

export class HashedParts {
  readonly #known: () => Promise<KnownRecords>
  readonly #tools: Omit<HashTools, 'known'>
  readonly #bytesMax: number
  /** By the number of the part, ascending. */
  readonly #waiting = new Map<number, HashedPart>()
  #bytes = 0
  /** The highest number of a part that a lane has taken. */
  #lastTaken = 0

  constructor(
    { connector, options }: Pick<RunContext, 'connector' | 'options'>,
    known: () => Promise<KnownRecords>,
  ) {
    this.#known = known
    this.#bytesMax = options.hashedBytesMax
    this.#tools = {
      connector,
      scratch: Buffer.allocUnsafeSlow(SCRATCH_BYTES),
      recordBytesMax: options.recordBytesMax,
      reserve: (bytes) => this.#reserve(bytes),
    }
  }

  /**
   * Begins a part whose bytes arrive after `requestedMs`, epoch milliseconds by the server's clock.
   * Returns null when hashing it would be of no use.
   */
  async begin(requestedMs: number): Promise<HashedPart | null> {
    if (this.#waiting.size >= PARTS_MAX) this.#dropPassed()
    if (this.#waiting.size >= PARTS_MAX) return null
    const known = await this.#known()
    return known.size > 0 ? new HashedPart({ ...this.#tools, known }, requestedMs) : null
  }

  /** Keeps an archived part until it is applied. */
  keep(partNo: number, part: HashedPart): void {
    this.#waiting.set(partNo, part)
  }

  /** Calls `work` with the part, or with null when it must be read back. */
  async use<Result>(
    partNo: number,
    work: (part: HashedPart | null) => Promise<Result>,
  ): Promise<Result> {
    const part = this.#waiting.get(partNo) ?? null
    this.#waiting.delete(partNo)
    this.#lastTaken = Math.max(this.#lastTaken, partNo)
    try {
      return await work(part)
    } finally {
      this.#bytes -= part?.reservedBytes ?? 0
    }
  }

  #reserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) this.#dropPassed()
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    return true
  }

  /** Lanes take parts in order: earlier ones than the last are applied by other processes. */
  #dropPassed(): void {
    for (const [partNo, { reservedBytes }] of this.#waiting) {
      if (partNo >= this.#lastTaken) return
      this.#waiting.delete(partNo)
      this.#bytes -= reservedBytes
    }
  }
}
