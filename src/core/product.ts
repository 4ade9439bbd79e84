// The canonical product: every connector converts its supplier's records into it, and the catalogue
// stores it.

import type { Json } from './json.ts'

/**
 * Status at the supplier, or `filtered` if the filters of the source leave the product out. The
 * catalogue also has `removed`, which is set only when a run settles.
 */
export type ProductStatus = 'draft' | 'active' | 'unavailable' | 'filtered'

export type Availability = 'in_stock' | 'out_of_stock' | 'preorder' | 'discontinued'

/** One thing that can be bought. A product without options has exactly one. */
export interface Variant {
  /** The supplier's id, unique within its product. */
  readonly externalId: string
  readonly title: string | null
  readonly sku: string | null
  /** GTIN-8, -12, -13 or -14 as the supplier writes it, leading zeros kept. */
  readonly gtin: string | null
  readonly options: Readonly<Record<string, string>>
  readonly weightGrams: number | null
  readonly packCount: number | null
  readonly availability: Availability | null
}

/** One price of one variant at the time of the record. */
export interface Price {
  readonly variantId: string
  /**
   * Lower-case word: `public`, `manufacturer`, `pharmacist`, `list`. Unique per variant. A rate,
   * such as that of VAT, is an attribute.
   */
  readonly type: string
  /**
   * In the currency's own minor unit (cents for AUD, whole yen for JPY). Null: the supplier states
   * none.
   */
  readonly amountMinor: number | null
  /** ISO 4217. */
  readonly currency: string
  /** The crossed-out price in the same unit, if it is above `amountMinor`. */
  readonly compareAtMinor: number | null
}

/** A price as one place of a supplier's page states it. */
export interface PriceClaim {
  /** Where it stands: `json-ld`, `microdata`, `opengraph`, `text`. */
  readonly source: string
  /** The words or the markup that state it, at most 500 characters. */
  readonly quotation: string
  /** In the currency's own minor unit. */
  readonly amountMinor: number
  /** ISO 4217. */
  readonly currency: string
}

/**
 * A price that the supplier states in different ways. Such a price is absent from `prices`: the last
 * good one stays, and a person decides.
 */
export interface Disagreement {
  readonly variantId: string
  readonly priceType: string
  /** The most reliable one first; at least two. */
  readonly claims: readonly PriceClaim[]
}

export interface Image {
  readonly url: string
  readonly alt: string | null
  /** From 0, in the supplier's order; unique within a product. */
  readonly position: number
}

/** A brand, organisation or category that a record mentions; it is stored in a separate table. */
export interface Term {
  readonly kind: 'brand' | 'organization' | 'category'
  readonly externalId: string
  readonly name: string
  /** The parent category's external id. */
  readonly parentId: string | null
  readonly attributes: Readonly<Record<string, Json>>
}

/** The origin of a value that a rule has read in a text. */
export interface Provenance {
  /** The words that state the value, as they are written. */
  readonly raw: string
  readonly rule: string
  /** From 0 to 1. */
  readonly confidence: number
  /** The text with these words: `title`, `option`, `tag`, `description`. */
  readonly place: string
}

/** A normalised record. An unknown value is null, never a default. */
export interface Draft {
  /** The supplier's id of the product, unique within the source. */
  readonly externalId: string
  readonly status: ProductStatus
  readonly title: string | null
  readonly description: string | null
  readonly brand: string | null
  readonly manufacturer: string | null
  readonly url: string | null
  /** Codes by scheme, always strings: `{ "ean_gtin13": "…", "artg_id": "…" }`. */
  readonly identifiers: Readonly<Record<string, string | readonly string[]>>
  readonly attributes: Readonly<Record<string, Json>>
  /** The supplier's time of change in epoch milliseconds, or null without one. */
  readonly sourceUpdatedAtMs: number | null
  /** The external id of the product that replaces this one. */
  readonly successorId: string | null
  /** The time from which the data must not be shown, epoch milliseconds. */
  readonly expiresAtMs: number | null
  readonly variants: readonly Variant[]
  readonly prices: readonly Price[]
  /** Empty for a supplier that states each price once. */
  readonly disagreements: readonly Disagreement[]
  readonly images: readonly Image[]
  readonly terms: readonly Term[]
  /**
   * Of values that a rule has read, by the path of the value: `attributes.process`,
   * `variants.<id>.weightGrams`. Empty for a supplier that states all of its values.
   */
  readonly provenance: Readonly<Record<string, Provenance>>
  /** Unusual but valid facts, which are shown with the product. */
  readonly warnings: readonly string[]
}
