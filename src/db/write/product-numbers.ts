// Product numbers (`seq`): reserved for new products, and looked up for known ones.

import { type Catalog, one } from '../catalog.ts'

/**
 * Numbers for the new products of one lane. They are reserved in blocks, each by a short
 * transaction, so that two lanes never wait for each other's batch.
 */
export class ProductNumbers {
  /** The first free number. */
  next = 0
  #end = 0
  readonly #db: Catalog
  readonly #sourceId: number
  readonly #blockMin: number

  /** Reserves at least `blockMin` numbers at a time. Numbers left over at the end stay unused. */
  constructor(db: Catalog, sourceId: number, blockMin = 0) {
    this.#db = db
    this.#sourceId = sourceId
    this.#blockMin = blockMin
  }

  /** Ensures that `count` numbers are free from `next` on. Abandons a block that is too short. */
  async reserve(count: number): Promise<void> {
    if (this.next + count <= this.#end) return
    const reserved = Math.max(count, this.#blockMin)
    this.next = one(
      await this.#db.call<number>('reserve_seqs', { source: this.#sourceId, count: reserved }),
    )
    this.#end = this.next + reserved
  }
}

/** The supplier's ids of the products with these numbers. */
export function listProductIds(
  db: Catalog,
  sourceId: number,
  seqs: readonly number[],
): Promise<string[]> {
  return db.call<string>('list_product_ids', { source: sourceId, seqs })
}

/** The numbers of those products that exist. */
export function listProductSeqs(
  db: Catalog,
  sourceId: number,
  ids: readonly string[],
): Promise<number[]> {
  return db.call<number>('list_product_seqs', { source: sourceId, ids })
}
