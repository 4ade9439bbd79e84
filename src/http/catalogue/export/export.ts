// The exports: each yields the text of a file from one snapshot of the database, with one page in
// memory.

import type { Catalog } from '../../../db/catalog.ts'
import type { PriceFilter } from '../../../db/read/catalogue-prices.ts'
import type { CatalogueFilter } from '../../../db/read/catalogue-products.ts'
import { formatCsvLine, type CsvOptions } from './csv.ts'
import { PRICE_COLUMNS, readPrices, toPriceCsv, toPriceLine } from './prices.ts'
import { readProductCsv, readProducts, toProductLine } from './products.ts'

export const EXPORT_LISTS = ['products', 'prices'] as const
export type ExportList = (typeof EXPORT_LISTS)[number]
export type ExportFormat = 'csv' | 'ndjson'

export type ExportRequest =
  | { readonly list: 'products'; readonly filter: CatalogueFilter }
  | { readonly list: 'prices'; readonly filter: PriceFilter }

/** A piece of the file with the number of items in it. */
export interface ExportChunk {
  readonly text: string
  readonly rows: number
}

/** Reads through `session`, which should be a snapshot: see `readInSnapshot`. */
export function exportList(
  session: Catalog,
  request: ExportRequest,
  format: ExportFormat,
  options: CsvOptions,
): AsyncIterable<ExportChunk> {
  if (request.list === 'products') {
    const { filter } = request
    if (format === 'csv') return readProductCsv(session, filter, options)
    return toChunks(readProducts(session, filter), toProductLine)
  }
  const { filter } = request
  const pages = readPrices(session, filter)
  if (format === 'ndjson') return toChunks(pages, (price) => toPriceLine(price, filter))
  const header = formatCsvLine(PRICE_COLUMNS, options)
  return toChunks(pages, (price) => toPriceCsv(price, options), header)
}

async function* toChunks<Item>(
  pages: AsyncIterable<readonly Item[]>,
  toText: (item: Item) => string,
  header = '',
): AsyncGenerator<ExportChunk> {
  if (header !== '') yield { text: header, rows: 0 }
  for await (const page of pages) yield { text: page.map(toText).join(''), rows: page.length }
}
