// Every route of the read API: its purpose, parameters and responses. The server, the OpenAPI
// document, the page that tries them and docs/api.md are generated from this table.

import { z } from 'zod'
import type { ErrorCode } from '../../core/error-table.ts'
import {
  ChangesQuery,
  NoQuery,
  PricesExportQuery,
  PricesQuery,
  ProductPath,
  ProductsExportQuery,
  ProductsQuery,
  RunPath,
  RunsQuery,
  SourcePath,
  SourcesQuery,
  VariantsQuery,
} from './query-schemas.ts'
import {
  ChangePage,
  pageOf,
  PastPrice,
  PriceItem,
  Product,
  RunDetail,
  RunItem,
  SourceItem,
  VariantItem,
} from './schemas.ts'

export interface CatalogueRoute {
  readonly group: 'Catalogue' | 'Changes' | 'Operation' | 'Exports' | 'About'
  readonly summary: string
  readonly path?: z.ZodType
  readonly query: z.ZodType
  /**
   * The schema of the response with status 200, or its media type if it is not one JSON document.
   */
  readonly result: z.ZodType | string
  /** In addition to those that every route may return. */
  readonly errors: readonly ErrorCode[]
}

const EXPORTED = 'of one moment. The response is a stream; an error cuts it short.'
const CSV = 'text/csv; charset=utf-8'
const NDJSON = 'application/x-ndjson'
const EXPORT = { group: 'Exports', errors: ['source/unknown', 'request/too-many-exports'] } as const

export const CATALOGUE_ROUTES = {
  'GET /api/v1/products': {
    group: 'Catalogue',
    summary:
      'Lists or searches products with their variants, current prices and images. A page of large ' +
      'products has fewer than `limit`.',
    query: ProductsQuery,
    result: pageOf(Product),
    errors: ['source/unknown'],
  },
  'GET /api/v1/products/:id': {
    group: 'Catalogue',
    summary: 'Returns one product.',
    path: ProductPath,
    query: NoQuery,
    result: Product,
    errors: ['product/unknown'],
  },
  'GET /api/v1/variants': {
    group: 'Catalogue',
    summary: 'Lists variants, for example those with a GTIN.',
    query: VariantsQuery,
    result: pageOf(VariantItem),
    errors: ['source/unknown', 'product/unknown'],
  },
  'GET /api/v1/prices': {
    group: 'Catalogue',
    summary: 'Lists current prices.',
    query: PricesQuery,
    result: pageOf(PriceItem),
    errors: ['source/unknown', 'product/unknown'],
  },
  'GET /api/v1/price-history': {
    group: 'Catalogue',
    summary: 'Lists all published prices, of each variant and type the oldest first.',
    query: PricesQuery,
    result: pageOf(PastPrice),
    errors: ['source/unknown', 'product/unknown'],
  },
  'GET /api/v1/changes': {
    group: 'Changes',
    summary: 'Lists published changes, the oldest first. A reader that keeps `next` misses none.',
    query: ChangesQuery,
    result: ChangePage,
    errors: ['source/unknown', 'product/unknown', 'feed/cursor-expired', 'request/too-many-waits'],
  },
  'GET /api/v1/sources': {
    group: 'Operation',
    summary: 'Lists sources by name.',
    query: SourcesQuery,
    result: pageOf(SourceItem),
    errors: [],
  },
  'GET /api/v1/sources/:name': {
    group: 'Operation',
    summary: 'Returns one source.',
    path: SourcePath,
    query: NoQuery,
    result: SourceItem,
    errors: ['source/unknown'],
  },
  'GET /api/v1/runs': {
    group: 'Operation',
    summary: 'Lists runs, the newest first.',
    query: RunsQuery,
    result: pageOf(RunItem),
    errors: ['source/unknown'],
  },
  'GET /api/v1/runs/:id': {
    group: 'Operation',
    summary: 'Returns one run in detail.',
    path: RunPath,
    query: NoQuery,
    result: RunDetail,
    errors: ['run/unknown'],
  },
  'GET /api/v1/export/products.csv': {
    ...EXPORT,
    summary: `Exports products, one line for each variant, ${EXPORTED}`,
    query: ProductsExportQuery,
    result: CSV,
  },
  'GET /api/v1/export/products.ndjson': {
    ...EXPORT,
    summary: `Exports products, one JSON object on each line, ${EXPORTED}`,
    query: ProductsExportQuery,
    result: NDJSON,
  },
  'GET /api/v1/export/prices.csv': {
    ...EXPORT,
    summary: `Exports prices ${EXPORTED}`,
    query: PricesExportQuery,
    result: CSV,
  },
  'GET /api/v1/export/prices.ndjson': {
    ...EXPORT,
    summary: `Exports prices ${EXPORTED}`,
    query: PricesExportQuery,
    result: NDJSON,
  },
  'GET /api/v1/openapi.json': {
    group: 'About',
    summary: 'Returns this description as an OpenAPI 3.1 document.',
    query: NoQuery,
    result: z.looseObject({ openapi: z.string() }),
    errors: [],
  },
} as const satisfies Readonly<Record<`GET /api/v1/${string}`, CatalogueRoute>>

export type CatalogueRouteName = keyof typeof CATALOGUE_ROUTES
