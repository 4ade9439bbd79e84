// The handlers of the read API. Each loads a page or an object, within the deadline of a response,
// and sends it with an ETag.

import type { Context } from 'hono'
import type { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import type { Db } from '../../db/pool.ts'
import { pagePrices, pageVariants, type PriceFilter } from '../../db/read/catalogue-prices.ts'
import {
  describeNamedProducts,
  describeProducts,
  findProductKey,
  pageProducts,
  type CatalogueProduct,
  type ProductKey,
} from '../../db/read/catalogue-products.ts'
import { type FeedPage, readFeed } from '../../db/read/feed.ts'
import type { ListPage } from '../../db/read/page.ts'
import { searchProducts } from '../../db/read/product-search.ts'
import { listRuns, loadRunDetails } from '../../db/read/run-summaries.ts'
import { loadStatus } from '../../db/read/source-summaries.ts'
import { listSources, loadSource } from '../../db/sources.ts'
import { redactContent, redactJson } from '../../telemetry/redact-json.ts'
import type { Redactor } from '../../telemetry/redact.ts'
import { toRunJson } from '../control/runs.ts'
import type { Handler } from '../server/app.ts'
import { sendCacheable } from '../server/cacheable.ts'
import { withDeadline } from '../server/deadline.ts'
import { readPath, readQuery } from '../server/read-request.ts'
import type { ServerEnv } from '../server/responses.ts'
import { ChangeWaits, WAITS_MAX } from './change-waits.ts'
import {
  toPastPriceJson,
  toPriceItemJson,
  toProductJson,
  toRunDetailJson,
  toSourceJson,
  toVariantItemJson,
} from './objects.ts'
import { chooseStatuses } from './product-statuses.ts'
import {
  ChangesQuery,
  NoQuery,
  PricesQuery,
  ProductPath,
  ProductsQuery,
  RunPath,
  RunsQuery,
  SourcePath,
  SourcesQuery,
  VariantsQuery,
} from './query-schemas.ts'
import type { CatalogueRouteName } from './routes.ts'

export interface CatalogueTools {
  readonly db: Db
  /** Removes keys from the supplier's texts, and leaves everything else as it is. */
  readonly redactKeys: Redactor
  /** Deadline of responses that need the database, in milliseconds. */
  readonly responseMs: number
  /** Aborts when the process stops: requests that wait then get an empty page. */
  readonly stopping: AbortSignal
  /** Requests that may wait for changes at the same time. */
  readonly waitsMax?: number
}

type ObjectRoute = Exclude<
  CatalogueRouteName,
  `GET /api/v1/export/${string}` | 'GET /api/v1/openapi.json'
>

export function createObjectHandlers(
  tools: CatalogueTools,
): Readonly<Record<ObjectRoute, Handler>> {
  return { ...createProductHandlers(tools), ...createOperationHandlers(tools) }
}

function createProductHandlers(tools: CatalogueTools) {
  const { db, responseMs } = tools
  const sendPrices = async (c: Context<ServerEnv>, history: boolean): Promise<Response> => {
    const query = readQuery(c, PricesQuery)
    const page = await loadWithin(tools, async () => {
      const { variant = null, type = null, limit, after } = query
      const key = await findPlace(tools, query)
      const filter: PriceFilter = { ...key, variant, type, history }
      return pagePrices(db, { ...filter, limit, after }, responseMs)
    })
    return sendPage(c, tools, page, history ? toPastPriceJson : toPriceItemJson)
  }
  return {
    'GET /api/v1/products': async (c: Context<ServerEnv>) => {
      const query = readQuery(c, ProductsQuery)
      return sendPage(
        c,
        tools,
        await loadWithin(tools, () => loadProducts(tools, query)),
        toProductJson,
      )
    },
    'GET /api/v1/products/:id': async (c: Context<ServerEnv>) => {
      readQuery(c, NoQuery)
      const { id } = readPath(c, ProductPath)
      const [product] = await loadWithin(tools, async () =>
        describeProducts(db, [await loadProductKey(tools, id)], responseMs),
      )
      if (!product) throw createUnknownProductError(id)
      return sendCatalogue(c, tools, toProductJson(product))
    },
    'GET /api/v1/variants': async (c: Context<ServerEnv>) => {
      const query = readQuery(c, VariantsQuery)
      const page = await loadWithin(tools, async () => {
        const { gtin = null, limit, after } = query
        const filter = { ...(await findPlace(tools, query)), gtin }
        return pageVariants(db, { ...filter, limit, after }, responseMs)
      })
      return sendPage(c, tools, page, toVariantItemJson)
    },
    'GET /api/v1/prices': (c: Context<ServerEnv>) => sendPrices(c, false),
    'GET /api/v1/price-history': (c: Context<ServerEnv>) => sendPrices(c, true),
  } satisfies Partial<Record<ObjectRoute, Handler>>
}

function createOperationHandlers(tools: CatalogueTools) {
  const { db, responseMs } = tools
  const waits = new ChangeWaits(db, tools.waitsMax ?? WAITS_MAX)
  return {
    'GET /api/v1/changes': async (c: Context<ServerEnv>) => {
      const query = readQuery(c, ChangesQuery)
      const { kind: kinds = [], limit, after, wait } = query
      const { source, product } = await loadWithin(tools, () => findFeedFilters(tools, query))
      const read = (position: number): Promise<FeedPage> =>
        loadWithin(tools, () =>
          readFeed(db, { after: position, limit, source, kinds, product }, responseMs),
        )
      const ends = [c.req.raw.signal, tools.stopping, AbortSignal.timeout(wait * 1000)]
      const { changes, next, last } =
        wait === 0
          ? await read(after)
          : await waits.wait({ after, read, signal: AbortSignal.any(ends) })
      return sendCatalogue(c, tools, { items: changes, next, more: next < last })
    },
    'GET /api/v1/sources': async (c: Context<ServerEnv>) => {
      const page = readQuery(c, SourcesQuery)
      const { sources, next } = await loadWithin(tools, () =>
        loadStatus(db, { source: null, ...page }, responseMs),
      )
      return sendOperation(c, { items: sources.map(toSourceJson), next })
    },
    'GET /api/v1/sources/:name': async (c: Context<ServerEnv>) => {
      readQuery(c, NoQuery)
      const { name } = readPath(c, SourcePath)
      const { sources } = await loadWithin(tools, () =>
        loadStatus(db, { source: name, limit: 1 }, responseMs),
      )
      return sendOperation(c, sources.map(toSourceJson)[0] ?? {})
    },
    'GET /api/v1/runs': async (c: Context<ServerEnv>) => {
      const query = readQuery(c, RunsQuery)
      const { items, next } = await loadWithin(tools, async () => {
        await findPlace(tools, query)
        return listRuns(db, query, responseMs)
      })
      return sendOperation(c, { items: items.map(toRunJson), next })
    },
    'GET /api/v1/runs/:id': async (c: Context<ServerEnv>) => {
      readQuery(c, NoQuery)
      const { id } = readPath(c, RunPath)
      const run = await loadWithin(tools, () => loadRunDetails(db, id, responseMs))
      return sendOperation(c, toRunDetailJson(run))
    },
  } satisfies Partial<Record<ObjectRoute, Handler>>
}

/** Lists products by their keys, or with words those that have them, the best match first. */
async function loadProducts(
  tools: CatalogueTools,
  { q, source, status, limit, after }: z.output<typeof ProductsQuery>,
): Promise<ListPage<CatalogueProduct>> {
  const { db, responseMs } = tools
  const { sourceId } = await findPlace(tools, { source })
  const statuses = chooseStatuses(status)
  if (q === undefined) return pageProducts(db, { sourceId, statuses, limit, after }, responseMs)
  const sources = source === undefined ? undefined : [source]
  const found = await searchProducts(db, { text: q, sources, statuses }, { limit, after })
  const keys = found.items.map(({ source: name, id }) => ({ source: name, product: id }))
  return { items: await describeNamedProducts(db, keys, responseMs), next: found.next }
}

interface Place {
  readonly sourceId: number | null
  readonly product: string | null
}

/**
 * Finds what the filters `source` and `product` name.
 *
 * @throws SyncError `source/unknown` · `product/unknown`, so that a misspelt name is not an empty list
 */
async function findPlace(
  tools: CatalogueTools,
  {
    source,
    product,
  }: { readonly source?: string | undefined; readonly product?: string | undefined },
): Promise<Place> {
  const named = source === undefined ? null : await loadSource(tools.db, source)
  if (product === undefined) return { sourceId: named?.id ?? null, product: null }
  const key = await loadProductKey(tools, product)
  if (named && named.id !== key.sourceId) throw createUnknownProductError(product)
  return key
}

/** Sources may have the same ids: a product is meant with its source. */
async function findFeedFilters(
  tools: CatalogueTools,
  query: Pick<z.output<typeof ChangesQuery>, 'source' | 'product'>,
): Promise<{ readonly source: string | null; readonly product: string | null }> {
  const { sourceId, product } = await findPlace(tools, query)
  const source = query.source ?? (sourceId === null ? null : await nameSource(tools.db, sourceId))
  return { source, product }
}

async function nameSource(db: Db, sourceId: number): Promise<string | null> {
  return (await listSources(db)).find(({ id }) => id === sourceId)?.name ?? null
}

/** @throws SyncError `product/unknown` */
async function loadProductKey({ db, responseMs }: CatalogueTools, id: string): Promise<ProductKey> {
  const key = await findProductKey(db, id, responseMs)
  if (!key) throw createUnknownProductError(id)
  return key
}

function createUnknownProductError(id: string): SyncError {
  return new SyncError('product/unknown', `Product ${id} does not exist, or its licence has ended`)
}

function loadWithin<T>({ responseMs }: CatalogueTools, load: () => Promise<T>): Promise<T> {
  return withDeadline(load(), responseMs)
}

function sendPage<Item>(
  c: Context<ServerEnv>,
  tools: CatalogueTools,
  { items, next }: ListPage<Item>,
  toJson: (item: Item) => object,
): Response {
  return sendCatalogue(c, tools, { items: items.map(toJson), next })
}

/** Sends content of the catalogue. */
function sendCatalogue(
  c: Context<ServerEnv>,
  { redactKeys }: CatalogueTools,
  body: object,
): Response {
  return sendCacheable(c, redactContent(body, redactKeys))
}

/** Sends messages about runs and sources, which may quote what a supplier has sent. */
function sendOperation(c: Context<ServerEnv>, body: object): Response {
  return sendCacheable(c, redactJson(body, c.var.redact))
}
