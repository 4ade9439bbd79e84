// Records as rows of the four staging tables, in the binary format of COPY. The content hash of a
// product is computed from these bytes, so that it is the same for both kinds of writer.

import type { Draft } from '../../core/product.ts'
import { digestSha256 } from '../../node/hash.ts'
import type { BatchRecord, ReadRecord, StagedRecord } from './batch-writer.ts'
import { CopyRows, toCopyMessages } from './copy-rows.ts'

/** The columns that the methods below fill, in their order. */
export const COLUMNS = {
  products: `line_no, external_id, status, title, description, brand, manufacturer, url,
    identifiers, attributes, successor, expires_at, warnings, provenance, source_updated_at,
    disagreements, record_hash, content_hash, raw`,
  variants: `line_no, external_id, position, title, sku, gtin, options, weight_grams, pack_count,
    availability`,
  prices: 'line_no, variant_external_id, price_type, amount_minor, currency, compare_at_minor',
  images: 'line_no, position, url, alt',
} as const

const HASH_BYTES = 16
/**
 * Postgres begins to process a message of a COPY when it has received all of it. A message is much
 * larger than the buffer of a socket, 64 KiB: the write of a smaller one would return before it is
 * sent, and the next one would overwrite it.
 */
const MESSAGE_BYTES = 256 * 1024
// The field count of a row, and the length and value of its line number: not part of its content.
const CHILD_PREFIX_BYTES = 2 + 4 + 4

export type StagingTable = keyof typeof COLUMNS
export const STAGING_TABLES = ['products', 'variants', 'prices', 'images'] as const

/** Records of a batch, in the order in which they were added: `[from, to)`. */
export interface RecordRange {
  readonly from: number
  readonly to: number
}

/**
 * The encoded records of one batch. `clear` keeps the memory for the next one. The records' own JSON,
 * three quarters of all bytes, is not copied: it stays where the reader has it until it is sent.
 */
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
  /** By record: the value of its last column, which follows its row in `products`. */
  readonly #raws: Uint8Array[] = []
  readonly #content = new CopyRows()
  #message: Buffer | null = null

  constructor(productBytes?: number) {
    this.#tables = {
      products: new CopyRows(productBytes),
      variants: new CopyRows(),
      prices: new CopyRows(),
      images: new CopyRows(),
    }
  }

  get records(): readonly BatchRecord[] {
    return this.#records
  }

  /**
   * Appends the rows of one record; returns its content hash, 16 bytes that are valid until the next
   * record is added. The record's line and JSON must not change before `clear`.
   */
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

  /**
   * Yields the rows of these records in one table as a COPY, in messages that are each valid until
   * the next one is requested, from any table.
   */
  toCopy(table: StagingTable, range: RecordRange): Generator<Buffer> {
    this.#message ??= Buffer.allocUnsafeSlow(MESSAGE_BYTES)
    return toCopyMessages(this.#listRows(table, range), this.#message)
  }

  clear(): void {
    this.#records.length = 0
    this.#raws.length = 0
    for (const table of STAGING_TABLES) {
      this.#tables[table].clear()
      this.#ends[table].length = 0
    }
  }

  *#listRows(table: StagingTable, { from, to }: RecordRange): Generator<Uint8Array> {
    const rows = this.#tables[table]
    const ends = this.#ends[table]
    if (table !== 'products') return yield rows.slice(ends[from - 1] ?? 0, ends[to - 1] ?? 0)
    for (let at = from; at < to; at++) {
      yield rows.slice(ends[at - 1] ?? 0, ends[at] ?? 0)
      const raw = this.#raws[at]
      if (raw) yield raw
    }
  }

  #addProduct({ lineNo, recordHash, raw, draft }: StagedRecord): Buffer {
    const rows = this.#tables.products
    rows.row(19)
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
    const expiryFrom = rows.length
    rows.timestamp(draft.expiresAtMs)
    // A later end of the licence does not change the product; to have one does.
    const expiryTo = draft.expiresAtMs === null ? expiryFrom : rows.length
    this.#content.copy(rows, contentFrom, expiryFrom)
    rows.jsonb(draft.warnings.length === 0 ? null : JSON.stringify(draft.warnings))
    this.#content.copy(rows, expiryTo)
    this.#addProvenance(draft)
    rows.timestamp(draft.sourceUpdatedAtMs)
    const { disagreements } = draft
    rows.jsonb(disagreements.length === 0 ? null : JSON.stringify(disagreements))
    rows.bytes(recordHash)
    rows.digest(digestSha256(this.#content.slice(0, this.#content.length), 'binary'), HASH_BYTES)
    const hashTo = rows.length
    const rawBytes = typeof raw === 'string' ? Buffer.from(raw) : raw
    this.#raws.push(rawBytes)
    rows.byteCount(rawBytes.length)
    return rows.slice(hashTo - HASH_BYTES, hashTo)
  }

  /** Most suppliers state all of their values: their products have a null here, which is not hashed. */
  #addProvenance({ provenance }: Draft): void {
    const rows = this.#tables.products
    const from = rows.length
    const json = toProvenanceJson(provenance)
    rows.jsonb(json)
    if (json !== null) this.#content.copy(rows, from)
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
      this.#content.copy(rows, from + CHILD_PREFIX_BYTES)
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
      this.#content.copy(rows, from + CHILD_PREFIX_BYTES)
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

/** Returns null for a product without provenance. */
function toProvenanceJson(provenance: Draft['provenance']): string | null {
  for (const _ in provenance) return JSON.stringify(provenance)
  return null
}
