// The read model of whole products of every source, for the read API, its exports and agents.

import { type Catalog, toInstant } from '../catalog.ts'
import { decodeCursor, encodeCursor, type ListPage, type PageRequest } from './page.ts'
import type { ProductStatus } from './products.ts'

/** The key of a product in the tables of the catalogue. */
export interface ProductKey {
  readonly sourceId: number
  readonly product: string
}

/** An amount in the minor unit of its currency, as digits: it may exceed the safe integers. */
export interface CataloguePrice {
  readonly type: string
  readonly minor: string
  readonly currency: string
  readonly compareAtMinor: string | null
  readonly observedAt: string
}

export interface CatalogueVariant {
  readonly id: string
  readonly title: string | null
  readonly sku: string | null
  readonly gtin: string | null
  readonly options: Readonly<Record<string, unknown>>
  readonly weightGrams: number | null
  readonly packCount: number | null
  readonly availability: string | null
  /** The current ones, by type. */
  readonly prices: readonly CataloguePrice[]
}

export interface CatalogueImage {
  readonly url: string
  readonly alt: string | null
  /** Address of the stored copy; null without one. */
  readonly copyUrl: string | null
  /** Media type, width and height of the stored copy. */
  readonly type: string | null
  readonly width: number | null
  readonly height: number | null
}

export interface CatalogueProduct {
  /** Its id in `api.products`. */
  readonly id: string
  readonly source: string
  readonly sourceId: number
  /** The supplier's id. */
  readonly product: string
  readonly status: ProductStatus
  readonly title: string | null
  readonly description: string | null
  readonly brand: string | null
  readonly manufacturer: string | null
  readonly url: string | null
  readonly identifiers: Readonly<Record<string, unknown>>
  readonly attributes: Readonly<Record<string, unknown>>
  /** The supplier's id of the product that replaces it. */
  readonly successor: string | null
  readonly successorId: string | null
  readonly sourceUpdatedAt: Date | null
  readonly firstSeenAt: Date
  readonly changedAt: Date
  readonly lastAvailableAt: Date | null
  /** From then on, its content must not be shown. */
  readonly expiresAt: Date | null
  readonly variants: readonly CatalogueVariant[]
  readonly images: readonly CatalogueImage[]
}

type ProductRow = Pick<
  CatalogueProduct,
  | 'id'
  | 'source'
  | 'product'
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
> & {
  readonly source_id: number
  readonly successor_id: string | null
  readonly source_updated_at: string | null
  readonly first_seen_at: string
  readonly changed_at: string
  readonly last_available_at: string | null
  readonly expires_at: string | null
}

export interface CatalogueFilter {
  /** Null: every source. */
  readonly sourceId: number | null
  readonly statuses: readonly ProductStatus[]
}

/** The documents of one page. A page of larger ones has fewer products than its limit. */
const PAGE_BYTES_MAX = 4_000_000

/**
 * A page of products by their keys. It may have fewer than `limit` although `next` is not null.
 *
 * @throws SyncError `db/unreachable`, also after `timeoutMs`
 */
export async function pageProducts(
  db: Catalog,
  { sourceId, statuses, limit, after }: CatalogueFilter & PageRequest,
  timeoutMs?: number,
): Promise<ListPage<CatalogueProduct>> {
  const key = after === undefined ? null : readKey(after)
  const rows = await db.call<{ row_of: ProductRow; has_more: boolean }>(
    'page_products',
    {
      source: sourceId,
      statuses,
      after_source: key?.sourceId ?? null,
      after_product: key?.product ?? null,
      limit,
      bytes_max: PAGE_BYTES_MAX,
    },
    timeoutMs,
  )
  const items = rows.map(({ row_of: row }) => toProduct(row))
  const last = items.at(-1)
  const hasMore = rows[0]?.has_more ?? false
  return { items, next: last && hasMore ? toProductCursor(last) : null }
}

/** The cursor after a product of the list. */
export function toProductCursor({ sourceId, product }: ProductKey): string {
  return encodeCursor('catalogue-products', JSON.stringify([sourceId, product]))
}

/**
 * Loads the products with these keys, in their order, without those that are unknown or expired.
 */
export async function describeProducts(
  db: Catalog,
  keys: readonly ProductKey[],
  timeoutMs?: number,
): Promise<CatalogueProduct[]> {
  const args = {
    sources: keys.map(({ sourceId }) => sourceId),
    products: keys.map(({ product }) => product),
  }
  return (await db.call<ProductRow>('describe_products', args, timeoutMs)).map(toProduct)
}

/** As `describeProducts`, for the names of the sources. */
export async function describeNamedProducts(
  db: Catalog,
  keys: readonly { readonly source: string; readonly product: string }[],
  timeoutMs?: number,
): Promise<CatalogueProduct[]> {
  const args = {
    sources: keys.map(({ source }) => source),
    products: keys.map(({ product }) => product),
  }
  return (await db.call<ProductRow>('describe_named_products', args, timeoutMs)).map(toProduct)
}

/**
 * Finds the key of the product with this id of `api.products`; null for an unknown or expired one.
 */
export async function findProductKey(
  db: Catalog,
  id: string,
  timeoutMs?: number,
): Promise<ProductKey | null> {
  const [row] = await db.call<{ source_id: number; product: string }>(
    'find_product_key',
    { id },
    timeoutMs,
  )
  return row ? { sourceId: row.source_id, product: row.product } : null
}

function readKey(cursor: string): ProductKey {
  const [sourceId, product] = JSON.parse(decodeCursor('catalogue-products', cursor)) as [
    number,
    string,
  ]
  return { sourceId, product }
}

function toProduct(row: ProductRow): CatalogueProduct {
  return {
    id: row.id,
    source: row.source,
    sourceId: row.source_id,
    product: row.product,
    status: row.status,
    title: row.title,
    description: row.description,
    brand: row.brand,
    manufacturer: row.manufacturer,
    url: row.url,
    identifiers: row.identifiers,
    attributes: row.attributes,
    successor: row.successor,
    successorId: row.successor_id,
    sourceUpdatedAt: toInstant(row.source_updated_at),
    firstSeenAt: toInstant(row.first_seen_at),
    changedAt: toInstant(row.changed_at),
    lastAvailableAt: toInstant(row.last_available_at),
    expiresAt: toInstant(row.expires_at),
    variants: row.variants,
    images: row.images,
  }
}
