// The result of importing one product, as commands, HTTP and edge functions return it: the fields
// with a value, and those without. Fields have the names of the columns of `api.amazon_products`,
// for every connector. Web standards only.

import type { ErrorCode } from './error-table.ts'
import type { Draft } from './product.ts'

export const IMPORT_FIELDS = [
  'title',
  'description',
  'brand',
  'manufacturer',
  'images',
  'detail_page_url',
  'current_price',
  'original_price',
  'savings_amount',
  'savings_percentage',
  'currency',
  'availability_type',
  'availability_message',
  'customer_review_count',
  'star_rating',
] as const
export type ImportField = (typeof IMPORT_FIELDS)[number]

export interface ImportedFields {
  /** Fields with a value, in the order of `IMPORT_FIELDS`. */
  readonly imported: readonly ImportField[]
  /** The other fields: unknown, because the supplier states none. */
  readonly missing: readonly ImportField[]
}

/** Names of the product, in every result. */
interface Named {
  /** The id that the supplier gives the product; for Amazon, the ASIN again. */
  readonly externalId: string
  /** Null for any other supplier than Amazon. */
  readonly asin: string | null
  readonly marketplace: string | null
}

/** A product that the import has stored. `updated`: an earlier row, with other values. */
export interface ImportedProduct extends Named, ImportedFields {
  /** The id in `api.products` and `api.amazon_products`. */
  readonly productId: string
  readonly state: 'created' | 'updated' | 'unchanged'
}

/** A product that could not be imported. The catalogue keeps what it has. */
export interface FailedImport extends Named, ImportedFields {
  /** Null unless the catalogue has the product from an earlier run. */
  readonly productId: string | null
  readonly state: 'failed'
  readonly error: { readonly code: ErrorCode | null; readonly message: string }
}

export type ImportResult = ImportedProduct | FailedImport

type ImportedDraft = Pick<
  Draft,
  'title' | 'description' | 'brand' | 'manufacturer' | 'url' | 'attributes' | 'images'
> & {
  readonly variants: readonly Pick<Draft['variants'][number], 'availability'>[]
  readonly prices: readonly Pick<
    Draft['prices'][number],
    'amountMinor' | 'currency' | 'compareAtMinor'
  >[]
}

/**
 * Divides the fields into those with a value and the others. The first price is that of the
 * product.
 */
export function listImportedFields(draft: ImportedDraft): ImportedFields {
  const { attributes, images, variants } = draft
  const price = draft.prices.find(({ amountMinor }) => amountMinor !== null)
  const hasSaving = price !== undefined && price.compareAtMinor !== null
  const values: Readonly<Record<ImportField, unknown>> = {
    title: draft.title,
    description: draft.description,
    brand: draft.brand,
    manufacturer: draft.manufacturer,
    images: images.length > 0 || null,
    detail_page_url: draft.url,
    current_price: price?.amountMinor,
    original_price: price?.compareAtMinor,
    savings_amount: hasSaving || null,
    savings_percentage: hasSaving || null,
    currency: price?.currency,
    availability_type: attributes['availability_type'] ?? variants[0]?.availability,
    availability_message: attributes['availability_message'],
    customer_review_count: attributes['customer_review_count'],
    star_rating: attributes['star_rating'],
  }
  const has = (field: ImportField): boolean => (values[field] ?? null) !== null
  return {
    imported: IMPORT_FIELDS.filter(has),
    missing: IMPORT_FIELDS.filter((field) => !has(field)),
  }
}
