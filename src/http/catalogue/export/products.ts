// Products as lines of an export: as NDJSON the objects of the read API, as CSV one line for each
// variant with two columns for each type of price.

import type { Catalog } from '../../../db/catalog.ts'
import {
  pageProducts,
  type CatalogueFilter,
  type CatalogueProduct,
  type CatalogueVariant,
} from '../../../db/read/catalogue-products.ts'
import { listPriceTypes } from '../../../db/read/products.ts'
import { readPages } from '../../../db/read/snapshot.ts'
import { listSources } from '../../../db/sources.ts'
import { formatAmount } from '../../../core/money.ts'
import { toProductJson } from '../objects.ts'
import { formatCsvLine, type Cell, type CsvOptions } from './csv.ts'

/** Products of one page: some megabytes at most. */
const PAGE = 500

const PRODUCT_COLUMNS = [
  'source',
  'product',
  'id',
  'status',
  'title',
  'brand',
  'manufacturer',
  'url',
  'changed_at',
] as const
const VARIANT_COLUMNS = ['variant', 'variant_title', 'sku', 'gtin', 'availability'] as const

export function readProducts(
  db: Catalog,
  filter: CatalogueFilter,
): AsyncGenerator<readonly CatalogueProduct[]> {
  return readPages((after) => pageProducts(db, { ...filter, limit: PAGE, after }))
}

export function toProductLine(product: CatalogueProduct): string {
  return `${JSON.stringify(toProductJson(product))}\n`
}

/** Yields the header, then the lines of each page with their number of products. */
export async function* readProductCsv(
  db: Catalog,
  filter: CatalogueFilter,
  options: CsvOptions,
): AsyncGenerator<{ readonly text: string; readonly rows: number }> {
  const types = await listTypes(db, filter)
  const prices = types.flatMap((type) => [`${type}_price`, `${type}_currency`])
  const header = formatCsvLine([...PRODUCT_COLUMNS, ...VARIANT_COLUMNS, ...prices], options)
  yield { text: header, rows: 0 }
  for await (const page of readProducts(db, filter)) {
    const text = page.map((product) => formatProduct(product, types, options)).join('')
    yield { text, rows: page.length }
  }
}

async function listTypes(db: Catalog, { sourceId }: CatalogueFilter): Promise<string[]> {
  const ids = sourceId === null ? (await listSources(db)).map(({ id }) => id) : [sourceId]
  const types = new Set<string>()
  for (const id of ids) for (const type of await listPriceTypes(db, id)) types.add(type)
  return [...types].toSorted()
}

/** A product without variants has one line. */
function formatProduct(
  product: CatalogueProduct,
  types: readonly string[],
  options: CsvOptions,
): string {
  const { source, product: key, id, status, title, brand, manufacturer, url, changedAt } = product
  const cells = [source, key, id, status, title, brand, manufacturer, url, changedAt]
  const variants = product.variants.length === 0 ? [null] : product.variants
  return variants
    .map((variant) => formatCsvLine([...cells, ...listVariantCells(variant, types)], options))
    .join('')
}

function listVariantCells(variant: CatalogueVariant | null, types: readonly string[]): Cell[] {
  if (!variant) return [...VARIANT_COLUMNS, ...types, ...types].map(() => null)
  const { id, title, sku, gtin, availability } = variant
  const prices = types.flatMap((type) => {
    const price = variant.prices.find((one) => one.type === type)
    return price ? [formatAmount(price.minor, price.currency), price.currency] : [null, null]
  })
  return [id, title, sku, gtin, availability, ...prices]
}
