// Fills the session's staging tables by binary COPY. The products' COPY is fed in chunks while the
// next rows are encoded; the small tables follow.

import { finished } from 'node:stream/promises'
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams'
import type { DbClient } from '../transaction.ts'
import type { StagedRecord } from './batch-writer.ts'
import type { CopyRows } from './copy-rows.ts'
import { COLUMNS, StagedRows } from './staged-rows.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * Copies records into the staging tables of `client`. After an error the transaction must be rolled
 * back.
 */
export async function copyRecords(
  client: DbClient,
  records: readonly StagedRecord[],
): Promise<void> {
  const copy = new StagingCopy(client)
  try {
    for (const record of records) {
      const sent = copy.add(record)
      if (sent) await sent
    }
    await copy.finish()
  } catch (error) {
    await copy.abandon(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

class StagingCopy {
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

  /** Encodes one record. Returns a promise to await when a chunk is full and on its way. */
  add(record: StagedRecord): Promise<void> | undefined {
    this.#rows.add(record)
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

  /** Ends the COPY, so that the connection can be used again after a rollback. */
  async abandon(reason: Error): Promise<void> {
    this.#copy.destroy(reason)
    await this.#failed.catch(() => {})
  }

  /**
   * Sends the rows so far and reuses their buffer. The callback of a chunk above the socket's
   * high-water mark comes when the kernel has taken all of it.
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
