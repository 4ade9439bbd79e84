// Fills the session's staging tables by binary COPY. The products' COPY is fed while records are
// still being parsed, so that parsing overlaps Postgres' work; the small tables follow when it is
// through.

import { finished } from 'node:stream/promises'
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams'
import type { Draft } from '../../core/product.ts'
import type { CopyRows } from './copy-rows.ts'
import type { DbClient } from '../pool.ts'
import { COLUMNS, type StagedRecord, StagedRows } from './staged-rows.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * One batch on its way into staging. Feed it with `add`, then `finish`; after an error the
 * transaction must be rolled back.
 */
export class StagingCopy {
  readonly #client: DbClient
  readonly #copy: CopyStreamQuery
  readonly #failed: Promise<void>
  readonly #rows = new StagedRows(2 * CHUNK_BYTES)

  constructor(client: DbClient) {
    this.#client = client
    this.#copy = client.query(copyFrom(copyInto('products')))
    this.#failed = finished(this.#copy)
    this.#failed.catch(() => {})
    const { products, variants, prices, images } = this.#rows
    for (const rows of [products, variants, prices, images]) rows.header()
  }

  /** Stages one record. Resolves at once unless Postgres is behind. */
  add(record: StagedRecord, draft: Draft): Promise<void> | undefined {
    this.#rows.add(record, draft)
    return this.#rows.products.length >= CHUNK_BYTES ? this.#send() : undefined
  }

  /** Ends the products and sends the small tables. */
  async finish(): Promise<void> {
    const { products, variants, prices, images } = this.#rows
    products.trailer()
    this.#copy.end(products.slice(0, products.length))
    await this.#failed
    await this.#sendAll('variants', variants)
    await this.#sendAll('prices', prices)
    await this.#sendAll('images', images)
  }

  /** Leaves the COPY, so that the connection can be used again after a rollback. */
  async abandon(reason: Error): Promise<void> {
    this.#copy.destroy(reason)
    await this.#failed.catch(() => {})
  }

  /**
   * The buffer is used again: a chunk above the socket's high-water mark is called back when the
   * kernel has all of it.
   */
  async #send(): Promise<void> {
    const { products } = this.#rows
    const chunk = products.slice(0, products.length)
    await Promise.race([
      this.#failed,
      new Promise<void>((resolve) => void this.#copy.write(chunk, () => resolve())),
    ])
    products.clear()
  }

  async #sendAll(table: keyof typeof COLUMNS, rows: CopyRows): Promise<void> {
    rows.trailer()
    const copy = this.#client.query(copyFrom(copyInto(table)))
    copy.end(rows.slice(0, rows.length))
    await finished(copy)
  }
}

function copyInto(table: keyof typeof COLUMNS): string {
  return `copy pg_temp.staged_${table} (${COLUMNS[table]}) from stdin (format binary)`
}
