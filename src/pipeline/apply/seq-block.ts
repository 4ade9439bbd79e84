// Product numbers, reserved in blocks by a short transaction of their own, so that two lanes do not
// wait for each other's batch.

import { reserveSeqs } from '../../db/write/batches.ts'
import type { Catalog } from '../../db/catalog.ts'

export class SeqBlock {
  /** The first free number. */
  next = 0
  #end = 0
  readonly #db: Catalog
  readonly #sourceId: number
  readonly #countMin: number

  /** `countMin`: how many are reserved at least. What is left of them in the end is a gap. */
  constructor(db: Catalog, sourceId: number, countMin = 0) {
    this.#db = db
    this.#sourceId = sourceId
    this.#countMin = countMin
  }

  /**
   * Makes sure that `count` numbers are free from `next` on. A block that is too short is left as a
   * gap.
   */
  async reserve(count: number): Promise<void> {
    if (this.next + count <= this.#end) return
    const reserved = Math.max(count, this.#countMin)
    this.next = await reserveSeqs(this.#db, this.#sourceId, reserved)
    this.#end = this.next + reserved
  }
}
