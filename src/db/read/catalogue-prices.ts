// The read model of the variants and prices of every source, each in the order of its key.

import { type Catalog, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

interface OfProduct {
  readonly source: string
  /** The supplier's id of the product, and its id in `api.products`. */
  readonly product: string
  readonly productId: string
  readonly variant: string
}

export interface VariantItem extends OfProduct {
  readonly sourceId: number
  readonly title: string | null
  readonly sku: string | null
  readonly gtin: string | null
  readonly options: Readonly<Record<string, unknown>>
  readonly weightGrams: number | null
  readonly packCount: number | null
  readonly availability: string | null
  /** Place among the variants of the product. */
  readonly position: number
}

export interface PriceItem extends OfProduct {
  readonly sourceId: number
  readonly type: string
  /** Digits in the minor unit of the currency; null: the supplier withdrew the price. */
  readonly minor: string | null
  readonly currency: string
  readonly compareAtMinor: string | null
  readonly observedAt: Date
  readonly isCurrent: boolean
  readonly run: number
}

export interface VariantFilter {
  readonly sourceId: number | null
  readonly product: string | null
  readonly gtin: string | null
}

export interface PriceFilter {
  readonly sourceId: number | null
  readonly product: string | null
  readonly variant: string | null
  readonly type: string | null
  /** True for all published prices; false for the current ones that are not withdrawn. */
  readonly history: boolean
}

type VariantRow = Pick<
  VariantItem,
  'source' | 'product' | 'variant' | 'title' | 'sku' | 'gtin' | 'options' | 'availability'
> & {
  readonly source_id: number
  readonly product_id: string
  readonly weight_grams: number | null
  readonly pack_count: number | null
  readonly position: number
}

type PriceRow = Pick<
  PriceItem,
  'source' | 'product' | 'variant' | 'type' | 'minor' | 'currency' | 'run'
> & {
  readonly source_id: number
  readonly product_id: string
  readonly compare_at_minor: string | null
  readonly observed_at: string
  readonly is_current: boolean
}

/** @throws SyncError `db/unreachable`, also after `timeoutMs` */
export function pageVariants(
  db: Catalog,
  { sourceId, product, gtin, ...page }: VariantFilter & PageRequest,
  timeoutMs?: number,
): Promise<ListPage<VariantItem>> {
  return loadPage('catalogue-variants', page, {
    load(key, limit) {
      const [afterSource = null, afterProduct = null, afterVariant = null] = readColumns(key)
      const args = {
        source: sourceId,
        product,
        gtin,
        after_source: afterSource,
        after_product: afterProduct,
        after_variant: afterVariant,
        limit,
      }
      return db.call<VariantRow>('page_variants', args, timeoutMs)
    },
    toItem: ({ source_id, product_id, weight_grams, pack_count, ...row }) => ({
      ...row,
      sourceId: source_id,
      productId: product_id,
      weightGrams: weight_grams,
      packCount: pack_count,
    }),
    keyOf: (item) => JSON.stringify([item.sourceId, item.product, item.variant]),
  })
}

/** @throws SyncError `db/unreachable`, also after `timeoutMs` */
export function pagePrices(
  db: Catalog,
  { sourceId, product, variant, type, history, ...page }: PriceFilter & PageRequest,
  timeoutMs?: number,
): Promise<ListPage<PriceItem>> {
  return loadPage('catalogue-prices', page, {
    load(key, limit) {
      const [afterSource = null, afterProduct = null, afterVariant = null, afterType = null, run] =
        readColumns(key)
      const args = {
        source: sourceId,
        product,
        variant,
        type,
        history,
        after_source: afterSource,
        after_product: afterProduct,
        after_variant: afterVariant,
        after_type: afterType,
        after_run: run ?? null,
        limit,
      }
      return db.call<PriceRow>('page_prices', args, timeoutMs)
    },
    toItem: ({ source_id, product_id, compare_at_minor, observed_at, is_current, ...row }) => ({
      ...row,
      sourceId: source_id,
      productId: product_id,
      compareAtMinor: compare_at_minor,
      observedAt: toInstant(observed_at),
      isCurrent: is_current,
    }),
    keyOf: (item) =>
      JSON.stringify([item.sourceId, item.product, item.variant, item.type, item.run]),
  })
}

/** `loadPage` has checked the types of the columns. */
function readColumns(key: string | null): readonly (string | number)[] {
  return key === null ? [] : (JSON.parse(key) as (string | number)[])
}
