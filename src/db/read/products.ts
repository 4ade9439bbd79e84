// The read model of the products of a source, searched page by page.

import { type Catalog, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export const PRODUCT_STATUSES = ['active', 'unavailable', 'draft', 'filtered', 'removed'] as const
export type ProductStatus = (typeof PRODUCT_STATUSES)[number]

/** The statuses of a list that names none. */
export const LISTED_STATUSES = PRODUCT_STATUSES.filter((status) => status !== 'removed')

/** The availabilities of a variant, the best first. */
export const AVAILABILITIES = ['in_stock', 'preorder', 'out_of_stock', 'discontinued'] as const

export interface ListedPrice {
  readonly type: string
  readonly amountMinor: number
  readonly currency: string
  readonly compareAtMinor: number | null
}

export interface ListedVariant {
  readonly id: string
  readonly title: string | null
  readonly sku: string | null
  readonly gtin: string | null
  readonly options: Readonly<Record<string, unknown>>
  readonly weightGrams: number | null
  readonly packCount: number | null
  readonly availability: string | null
  /** The current ones, by type. */
  readonly prices: readonly ListedPrice[]
}

interface ProductImage {
  readonly url: string
  readonly alt: string | null
  /** Address of the stored copy; null without one. */
  readonly cdnUrl: string | null
}

/** A product with its variants and current prices. */
export interface ListedProduct {
  readonly id: string
  readonly status: ProductStatus
  readonly title: string | null
  readonly description: string | null
  readonly brand: string | null
  readonly manufacturer: string | null
  readonly url: string | null
  readonly identifiers: Readonly<Record<string, unknown>>
  readonly attributes: Readonly<Record<string, unknown>>
  readonly successor: string | null
  readonly sourceUpdatedAt: Date | null
  readonly firstSeenAt: Date
  readonly changedAt: Date
  readonly variants: readonly ListedVariant[]
  readonly images: readonly ProductImage[]
}

interface ProductRow extends Pick<
  ListedProduct,
  | 'status'
  | 'title'
  | 'description'
  | 'brand'
  | 'manufacturer'
  | 'url'
  | 'identifiers'
  | 'attributes'
  | 'successor'
  | 'variants'
  | 'images'
> {
  readonly product: string
  readonly source_updated_at: string | null
  readonly first_seen_at: string
  readonly changed_at: string
}

export interface ProductFilter {
  /** Each is part of the title, or is the id, a SKU or a GTIN. */
  readonly words: readonly string[]
  readonly statuses: readonly ProductStatus[]
}

/** A page of the products of a source by id. */
export function listProducts(
  db: Catalog,
  sourceId: number,
  { words, statuses, ...page }: ProductFilter & PageRequest,
): Promise<ListPage<ListedProduct>> {
  return loadPage('products', page, {
    load: (after, limit) =>
      db.call<ProductRow>('list_products', { source: sourceId, words, statuses, after, limit }),
    toItem: toListedProduct,
    keyOf: ({ id }) => id,
  })
}

/** The types of the current prices of a source, by name. */
export function listPriceTypes(db: Catalog, sourceId: number): Promise<string[]> {
  return db.call<string>('list_price_types', { source: sourceId })
}

function toListedProduct(row: ProductRow): ListedProduct {
  return {
    id: row.product,
    status: row.status,
    title: row.title,
    description: row.description,
    brand: row.brand,
    manufacturer: row.manufacturer,
    url: row.url,
    identifiers: row.identifiers,
    attributes: row.attributes,
    successor: row.successor,
    sourceUpdatedAt: toInstant(row.source_updated_at),
    firstSeenAt: toInstant(row.first_seen_at),
    changedAt: toInstant(row.changed_at),
    variants: row.variants,
    images: row.images,
  }
}
