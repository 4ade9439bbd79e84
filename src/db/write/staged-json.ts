// Records as JSON texts for `catalog.stage_records`: the same values that COPY would send.

import type { ReadRecord } from './batch-writer.ts'
import { StagedRows } from './staged-rows.ts'

export class StagedJson {
  readonly #rows = new StagedRows()

  render(record: ReadRecord): string {
    const { lineNo, recordHash, raw, draft } = record
    this.#rows.clear()
    const product = {
      line_no: lineNo,
      external_id: draft.externalId,
      status: draft.status,
      title: draft.title,
      description: draft.description,
      brand: draft.brand,
      manufacturer: draft.manufacturer,
      url: draft.url,
      identifiers: draft.identifiers,
      attributes: draft.attributes,
      successor: draft.successorId,
      source_updated_at: timestamp(draft.sourceUpdatedAtMs),
      expires_at: timestamp(draft.expiresAtMs),
      record_hash: hex(recordHash),
      content_hash: hex(this.#rows.add(record)),
      warnings: draft.warnings.length === 0 ? null : draft.warnings,
      disagreements: draft.disagreements.length === 0 ? null : draft.disagreements,
      provenance: Object.keys(draft.provenance).length === 0 ? null : draft.provenance,
      variants: draft.variants.map((variant, position) => ({
        external_id: variant.externalId,
        position,
        title: variant.title,
        sku: variant.sku,
        gtin: variant.gtin,
        options: variant.options,
        weight_grams: variant.weightGrams,
        pack_count: variant.packCount,
        availability: variant.availability,
      })),
      prices: draft.prices.map((price) => ({
        variant_external_id: price.variantId,
        price_type: price.type,
        amount_minor: price.amountMinor,
        currency: price.currency,
        compare_at_minor: price.compareAtMinor,
      })),
      images: draft.images.map(({ position, url, alt }) => ({ position, url, alt })),
    }
    // The record's own JSON is inserted unchanged: parsing it here would change its numbers.
    const rawText = typeof raw === 'string' ? raw : Buffer.from(raw).toString()
    return `${JSON.stringify(product).slice(0, -1)},"raw":${rawText}}`
  }
}

/** Formats an instant for Postgres, which reads years beyond 9999 without a sign. */
function timestamp(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(Math.round(epochMs)).toISOString().replace(/^\+0*/, '')
}

function hex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes).toString('hex')}`
}
