// Product numbers, reserved in blocks by a short transaction of their own, so that two lanes do not wait for each other's batch.

import { reserveSeqs } from '../db/batches.ts'
import type { Db } from '../db/pool.ts'

export class SeqBlock {
  /** The first free number. */
  next = 0
  #end = 0
  readonly #db: Db
  readonly #sourceId: number

  constructor(db: Db, sourceId: number) {
    this.#db = db
    this.#sourceId = sourceId
  }

  /** Makes sure that `count` numbers are free from `next` on. A block that is too short is left as a gap. */
  async reserve(count: number): Promise<void> {
    if (this.next + count <= this.#end) return
    this.next = await reserveSeqs(this.#db, this.#sourceId, count)
    this.#end = this.next + count
  }
}
