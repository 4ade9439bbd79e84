// Fills the session's staging tables by binary COPY. The products' COPY is fed while records are still being parsed, so that
// parsing overlaps Postgres' work; the small tables follow when it is through.

import { hash } from 'node:crypto'
import { finished } from 'node:stream/promises'
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams'
import type { Draft } from '../core/product.ts'
import { CopyRows } from './copy-rows.ts'
import type { DbClient } from './pool.ts'

const PRODUCTS = `copy pg_temp.staged_products (line_no, external_id, status, title, description, brand, manufacturer, url, identifiers,
  attributes, successor, expires_at, warnings, source_updated_at, record_hash, content_hash, raw) from stdin (format binary)`
const VARIANTS = `copy pg_temp.staged_variants (line_no, external_id, position, title, sku, gtin, options, weight_grams, pack_count,
  availability) from stdin (format binary)`
const PRICES = `copy pg_temp.staged_prices (line_no, variant_external_id, price_type, amount_minor, currency, compare_at_minor)
  from stdin (format binary)`
const IMAGES = 'copy pg_temp.staged_images (line_no, position, url, alt) from stdin (format binary)'

const CHUNK_BYTES = 256 * 1024
const HASH_BYTES = 16
// A row's field count, the length and the value of its line number: no part of its content.
const CHILD_PREFIX_BYTES = 2 + 4 + 4

/** Where a record stood and what its bytes were. */
export interface StagedRecord {
  readonly lineNo: number
  /** 16 bytes: the record without its volatile members. */
  readonly recordHash: Uint8Array
  /** The record's JSON as jsonb can hold it. */
  readonly raw: Uint8Array | string
}

/** One batch on its way into staging. Feed it with `add`, then `finish`; after an error the transaction must be rolled back. */
export class StagingCopy {
  readonly #client: DbClient
  readonly #copy: CopyStreamQuery
  readonly #failed: Promise<void>
  readonly #products = new CopyRows(2 * CHUNK_BYTES)
  readonly #variants = new CopyRows()
  readonly #prices = new CopyRows()
  readonly #images = new CopyRows()
  readonly #content = new CopyRows()

  constructor(client: DbClient) {
    this.#client = client
    this.#copy = client.query(copyFrom(PRODUCTS))
    this.#failed = finished(this.#copy)
    this.#failed.catch(() => {})
    for (const rows of [this.#products, this.#variants, this.#prices, this.#images]) rows.header()
  }

  /** Stages one record. Resolves at once unless Postgres is behind. */
  add(record: StagedRecord, draft: Draft): Promise<void> | undefined {
    this.#content.clear()
    this.#addVariants(record, draft)
    this.#addImages(record, draft)
    this.#addPrices(record, draft)
    this.#addProduct(record, draft)
    return this.#products.length >= CHUNK_BYTES ? this.#send() : undefined
  }

  /** Ends the products and sends the small tables. */
  async finish(): Promise<void> {
    this.#products.trailer()
    this.#copy.end(this.#products.slice(0, this.#products.length))
    await this.#failed
    await this.#sendAll(VARIANTS, this.#variants)
    await this.#sendAll(PRICES, this.#prices)
    await this.#sendAll(IMAGES, this.#images)
  }

  /** Leaves the COPY, so that the connection can be used again after a rollback. */
  async abandon(reason: Error): Promise<void> {
    this.#copy.destroy(reason)
    await this.#failed.catch(() => {})
  }

  /** The buffer is used again: a chunk above the socket's high-water mark is called back when the kernel has all of it. */
  async #send(): Promise<void> {
    const chunk = this.#products.slice(0, this.#products.length)
    await Promise.race([this.#failed, new Promise<void>((resolve) => void this.#copy.write(chunk, () => resolve()))])
    this.#products.clear()
  }

  async #sendAll(sql: string, rows: CopyRows): Promise<void> {
    rows.trailer()
    const copy = this.#client.query(copyFrom(sql))
    copy.end(rows.slice(0, rows.length))
    await finished(copy)
  }

  #addProduct({ lineNo, recordHash, raw }: StagedRecord, draft: Draft): void {
    const rows = this.#products
    rows.row(17)
    rows.int4(lineNo)
    const contentFrom = rows.length
    rows.text(draft.externalId)
    rows.text(draft.status)
    rows.text(draft.title)
    rows.text(draft.description)
    rows.text(draft.brand)
    rows.text(draft.manufacturer)
    rows.text(draft.url)
    rows.jsonb(JSON.stringify(draft.identifiers))
    rows.jsonb(JSON.stringify(draft.attributes))
    rows.text(draft.successorId)
    rows.timestamp(draft.expiresAtMs)
    rows.jsonb(draft.warnings.length === 0 ? null : JSON.stringify(draft.warnings))
    this.#content.raw(rows.slice(contentFrom, rows.length))
    rows.timestamp(draft.sourceUpdatedAtMs)
    rows.bytes(recordHash)
    rows.bytes(hash('sha256', this.#content.slice(0, this.#content.length), 'buffer').subarray(0, HASH_BYTES))
    rows.jsonb(raw)
  }

  #addVariants({ lineNo }: StagedRecord, draft: Draft): void {
    const rows = this.#variants
    draft.variants.forEach((variant, position) => {
      const from = rows.length
      rows.row(10)
      rows.int4(lineNo)
      rows.text(variant.externalId)
      rows.int4(position)
      rows.text(variant.title)
      rows.text(variant.sku)
      rows.text(variant.gtin)
      rows.jsonb(JSON.stringify(variant.options))
      rows.float8(variant.weightGrams)
      rows.int4(variant.packCount)
      rows.text(variant.availability)
      this.#content.raw(rows.slice(from + CHILD_PREFIX_BYTES, rows.length))
    })
  }

  #addImages({ lineNo }: StagedRecord, draft: Draft): void {
    const rows = this.#images
    for (const image of draft.images) {
      const from = rows.length
      rows.row(4)
      rows.int4(lineNo)
      rows.int4(image.position)
      rows.text(image.url)
      rows.text(image.alt)
      this.#content.raw(rows.slice(from + CHILD_PREFIX_BYTES, rows.length))
    }
  }

  #addPrices({ lineNo }: StagedRecord, draft: Draft): void {
    const rows = this.#prices
    for (const price of draft.prices) {
      rows.row(6)
      rows.int4(lineNo)
      rows.text(price.variantId)
      rows.text(price.type)
      rows.int8(price.amountMinor)
      rows.text(price.currency)
      rows.int8(price.compareAtMinor)
    }
  }
}
