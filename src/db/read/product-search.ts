// The search of products of all sources. The rules for words, codes and orders are in the SQL
// function of the same name.

import { SyncError } from '../../core/errors.ts'
import { isObject } from '../../lib/objects.ts'
import { type Catalog, jsonb, one, toInstant } from '../catalog.ts'
import { LISTED_STATUSES, type ListedProduct, type ProductStatus } from './products.ts'

export const SEARCH_SORTS = ['relevance', 'newest', 'title', 'price-low', 'price-high'] as const
export type SearchSort = (typeof SEARCH_SORTS)[number]

/** The largest number of products that a search counts. */
export const COUNTED_MAX = 10_000

/** An instant as Postgres writes it in JSON. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d:\d\d$/

/** Each condition is optional, and a product has to meet all of them. */
export interface ProductSearch {
  /** Words, or a code: the supplier's id, a SKU, a GTIN in any length, another identifier. */
  readonly text?: string | undefined
  /** Names. */
  readonly sources?: readonly string[] | undefined
  /** Default: all that are not removed. */
  readonly statuses?: readonly ProductStatus[] | undefined
  readonly brand?: string | undefined
  /** The supplier's ids of categories; one of them is enough. */
  readonly categories?: readonly string[] | undefined
  /** One of them is enough. */
  readonly availability?: readonly string[] | undefined
  /** In units of the price's own currency. */
  readonly minPrice?: number | undefined
  readonly maxPrice?: number | undefined
  /** ISO 4217. */
  readonly currency?: string | undefined
  readonly changedSince?: Date | undefined
  /** Only products with an open review. */
  readonly review?: boolean | undefined
}

export interface SearchPage {
  /** Default: `relevance`, which is `newest` without a text. */
  readonly sort?: SearchSort | undefined
  readonly limit: number
  /** The `next` of the page before. Default: the first page. */
  readonly after?: string | undefined
}

export interface FoundProduct extends Omit<ListedProduct, 'description' | 'attributes'> {
  readonly source: string
  readonly expiresAt: Date | null
  readonly openReviews: number
}

export interface FoundProducts {
  readonly items: readonly FoundProduct[]
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null
  /** The number of products on all pages, or null for more than `COUNTED_MAX`. */
  readonly total: number | null
  /**
   * The order of the page: `relevance` sorts by `newest` if more than `COUNTED_MAX` products match.
   */
  readonly sort: SearchSort
}

interface FoundRow extends Omit<
  FoundProduct,
  'id' | 'sourceUpdatedAt' | 'firstSeenAt' | 'changedAt' | 'expiresAt' | 'openReviews'
> {
  readonly product: string
  readonly source_updated_at: string | null
  readonly first_seen_at: string
  readonly changed_at: string
  readonly expires_at: string | null
  readonly reviews: number
  readonly key: object
}

/**
 * Finds products, page by page. Content whose licence has ended is neither found nor returned.
 *
 * @throws SyncError `usage/invalid` when `after` is not a cursor of a search
 */
export async function searchProducts(
  db: Catalog,
  search: ProductSearch,
  page: SearchPage,
): Promise<FoundProducts> {
  const { sort = 'relevance', limit, after } = page
  const { total, ...found } = one(
    await db.call<{ total: number; sort: SearchSort; products: readonly FoundRow[] }>(
      'search_products',
      {
        text: search.text ?? null,
        filter: jsonb(toFilter(search)),
        sort,
        after: after === undefined ? null : jsonb(decodeCursor(after)),
        limit: limit + 1,
      },
    ),
  )
  const shown = found.products.slice(0, limit)
  const last = found.products.length > limit ? shown.at(-1) : undefined
  return {
    items: shown.map(toFoundProduct),
    next: last === undefined ? null : encodeCursor(last.key),
    total: total > COUNTED_MAX ? null : total,
    sort: found.sort,
  }
}

/** Returns true if the text is the cursor of a search. */
export function isSearchCursor(text: string): boolean {
  return findPlace(text) !== null
}

/** Members that are absent do not filter. */
function toFilter(search: ProductSearch): Readonly<Record<string, unknown>> {
  const { sources, statuses, brand, categories, availability } = search
  const { minPrice, maxPrice, currency, changedSince, review = false } = search
  return {
    statuses: statuses ?? LISTED_STATUSES,
    ...(sources && { sources }),
    ...(brand !== undefined && { brand: [brand] }),
    ...(categories && { categories }),
    ...(availability && { availability }),
    ...(minPrice !== undefined && { minPrice }),
    ...(maxPrice !== undefined && { maxPrice }),
    ...(currency !== undefined && { currency }),
    ...(changedSince && { changedSince: changedSince.toISOString() }),
    ...(review && { review }),
  }
}

function toFoundProduct({ key: _key, product, reviews, ...row }: FoundRow): FoundProduct {
  const { source_updated_at, first_seen_at, changed_at, expires_at, ...facts } = row
  return {
    ...facts,
    id: product,
    sourceUpdatedAt: toInstant(source_updated_at),
    firstSeenAt: toInstant(first_seen_at),
    changedAt: toInstant(changed_at),
    expiresAt: toInstant(expires_at),
    openReviews: reviews,
  }
}

function encodeCursor(place: object): string {
  return Buffer.from(`search:${JSON.stringify(place)}`).toString('base64url')
}

function decodeCursor(text: string): object {
  const place = findPlace(text)
  if (place === null)
    throw new SyncError('usage/invalid', `"${text.slice(0, 100)}" is not a cursor of a search`)
  return place
}

/** A cursor comes from an address, so each member is checked. */
function findPlace(text: string): object | null {
  const [, json = 'null'] = /^search:(.*)$/s.exec(Buffer.from(text, 'base64url').toString()) ?? []
  const place = parse(json)
  if (!isObject(place)) return null
  const { sort, key, source, product } = place
  const isPlace =
    SEARCH_SORTS.some((known) => known === sort && isKey(known, key)) &&
    Number.isInteger(source) &&
    Math.abs(Number(source)) < 2 ** 31 &&
    typeof product === 'string'
  return isPlace ? place : null
}

function isKey(sort: SearchSort, key: unknown): boolean {
  switch (sort) {
    case 'newest':
      return typeof key === 'string' && INSTANT.test(key) && !Number.isNaN(Date.parse(key))
    case 'price-low':
    case 'price-high':
      return typeof key === 'number'
    case 'title':
    case 'relevance':
      return typeof key === 'string'
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
