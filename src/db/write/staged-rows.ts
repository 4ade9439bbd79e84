// Records as rows of the four staging tables, in the binary format of COPY. The content hash of a
// product is computed from these bytes, so that it is the same for both kinds of writer.

import { hash } from 'node:crypto'
import type { Draft } from '../../core/product.ts'
import type { BatchRecord, ReadRecord, StagedRecord } from './batch-writer.ts'
import { CopyRows } from './copy-rows.ts'

/** The columns that the methods below fill, in their order. */
export const COLUMNS = {
  products: `line_no, external_id, status, title, description, brand, manufacturer, url,
    identifiers, attributes, successor, expires_at, warnings, source_updated_at, record_hash,
    content_hash, raw`,
  variants: `line_no, external_id, position, title, sku, gtin, options, weight_grams, pack_count,
    availability`,
  prices: 'line_no, variant_external_id, price_type, amount_minor, currency, compare_at_minor',
  images: 'line_no, position, url, alt',
} as const

const HASH_BYTES = 16
// The field count of a row, and the length and value of its line number: not part of its content.
const CHILD_PREFIX_BYTES = 2 + 4 + 4

export type StagingTable = keyof typeof COLUMNS
export const STAGING_TABLES = ['products', 'variants', 'prices', 'images'] as const

/** Records of a batch, in the order in which they were added: `[from, to)`. */
export interface RecordRange {
  readonly from: number
  readonly to: number
}

/** The encoded records of one batch. `clear` keeps the memory for the next one. */
export class StagedRows {
  readonly #records: BatchRecord[] = []
  readonly #tables: Readonly<Record<StagingTable, CopyRows>>
  /** By record: the end of its rows in each table. */
  readonly #ends: Readonly<Record<StagingTable, number[]>> = {
    products: [],
    variants: [],
    prices: [],
    images: [],
  }
  readonly #content = new CopyRows()

  constructor(productBytes?: number) {
    this.#tables = {
      products: new CopyRows(productBytes),
      variants: new CopyRows(),
      prices: new CopyRows(),
      images: new CopyRows(),
    }
    this.clear()
  }

  get records(): readonly BatchRecord[] {
    return this.#records
  }

  /** Appends the rows of one record; returns its content hash, 16 bytes. */
  add(record: ReadRecord): Buffer {
    const { lineNo, byteOffset, line, draft } = record
    this.#content.clear()
    this.#addVariants(lineNo, draft)
    this.#addImages(lineNo, draft)
    this.#addPrices(lineNo, draft)
    const contentHash = this.#addProduct(record)
    for (const table of STAGING_TABLES) this.#ends[table].push(this.#tables[table].length)
    this.#records.push({ lineNo, byteOffset, line, externalId: draft.externalId })
    return contentHash
  }

  /** The rows of these records in one table, as a COPY; valid until the next record is added. */
  toCopy(table: StagingTable, { from, to }: RecordRange): Buffer {
    const ends = this.#ends[table]
    return this.#tables[table].toCopy(ends[from - 1] ?? 0, ends[to - 1] ?? 0)
  }

  clear(): void {
    this.#records.length = 0
    for (const table of STAGING_TABLES) {
      this.#tables[table].clear()
      this.#tables[table].header()
      this.#ends[table].length = 0
    }
  }

  #addProduct({ lineNo, recordHash, raw, draft }: StagedRecord): Buffer {
    const rows = this.#tables.products
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
    const contentHash = hash(
      'sha256',
      this.#content.slice(0, this.#content.length),
      'buffer',
    ).subarray(0, HASH_BYTES)
    rows.bytes(contentHash)
    rows.jsonb(raw)
    return contentHash
  }

  #addVariants(lineNo: number, draft: Draft): void {
    const rows = this.#tables.variants
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

  #addImages(lineNo: number, draft: Draft): void {
    const rows = this.#tables.images
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

  #addPrices(lineNo: number, draft: Draft): void {
    const rows = this.#tables.prices
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
