// Prices as lines of an export.

import type { Catalog } from '../../../db/catalog.ts'
import { pagePrices, type PriceFilter, type PriceItem } from '../../../db/read/catalogue-prices.ts'
import { readPages } from '../../../db/read/snapshot.ts'
import { toPastPriceJson, toPriceItemJson } from '../objects.ts'
import { formatCsvLine, type CsvOptions } from './csv.ts'

const PAGE = 2000

export const PRICE_COLUMNS = [
  'source',
  'product',
  'product_id',
  'variant',
  'type',
  'amount',
  'currency',
  'compare_at',
  'observed_at',
  'current',
  'run',
] as const

export function readPrices(db: Catalog, filter: PriceFilter): AsyncGenerator<readonly PriceItem[]> {
  return readPages((after) => pagePrices(db, { ...filter, limit: PAGE, after }))
}

export function toPriceLine(price: PriceItem, { history }: Pick<PriceFilter, 'history'>): string {
  return `${JSON.stringify(history ? toPastPriceJson(price) : toPriceItemJson(price))}\n`
}

export function toPriceCsv(price: PriceItem, options: CsvOptions): string {
  const { source, product, productId, variant, type, amount, currency, ...rest } =
    toPastPriceJson(price)
  const { compareAt, observedAt, isCurrent, run } = rest
  const cells = [source, product, productId, variant, type, amount, currency, compareAt]
  return formatCsvLine([...cells, observedAt, isCurrent, run], options)
}
