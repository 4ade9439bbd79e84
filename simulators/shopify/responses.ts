// The responses of a simulated shop: its lists of products, its collections and its small files.

import type { ShopifyFault } from './faults.ts'
import { makeProduct, type ShopProduct } from './product.ts'
import type { ShopifyOptions } from './server.ts'
import type { Shop } from './shop.ts'

/** A shop as it is during one request. */
export type State = Required<ShopifyOptions> & {
  readonly shop: Shop
  readonly verbatim: Uint8Array | null
}

const ESCAPES = new Map([
  ['/', '\\/'],
  ['<', '\\u003c'],
  ['>', '\\u003e'],
  ['&', '\\u0026'],
])

export interface Content {
  readonly text: string | Uint8Array
  /** Default 200. */
  readonly status?: number
  /** Default JSON. */
  readonly type?: string
}

export function findContent(location: URL, state: State, faults: readonly ShopifyFault[]): Content {
  const toContent = (body: unknown, status = 200): Content => ({
    text: formatShopifyJson(body, state.pretty),
    status,
  })
  const [, handle] = /^\/collections\/([^/]+)\/products\.json$/.exec(location.pathname) ?? []
  const products = handle === undefined ? null : productsOf(decodeURIComponent(handle), state)
  if (products !== null && state.verbatim === null)
    return listProducts(location, { ...state, listed: products }, faults)
  switch (location.pathname) {
    case '/products.json':
      if (state.closesList) break
      if (state.verbatim) return { text: state.verbatim }
      return listProducts(location, { ...state, listed: state.shop.products() }, faults)
    case '/collections/all/products.json':
      return { text: state.verbatim ?? '' }
    case '/collections.json':
      return toContent({ collections: listCollections(location, state) })
    case '/.well-known/ucp':
      if (state.agentOrigin !== null) return toContent(makeAgentProfile(state.agentOrigin))
      break
    case '/meta.json':
      if (state.currency !== null) return toContent(makeMeta(location, state))
      break
    case '/cart.js': {
      const currency = state.visitorCurrency ?? state.currency
      return toContent({ token: 'c1', items: [], item_count: 0, currency })
    }
    case '/password':
      return { text: '<!doctype html><title>Opening soon</title>', type: 'text/html' }
  }
  return { text: '<!doctype html><title>404 Not Found</title>', type: 'text/html', status: 404 }
}

/** The products of visitors, then those that only the owner sees. */
export function listAll({ shop, seed, currency, drafts }: State): ShopProduct[] {
  const making = { seed, decimals: currency === 'JPY' ? 0 : 2 }
  const hidden = Array.from({ length: drafts }, (_, index) =>
    makeProduct(900_000 + index, making, '2026-05-31T18:00:00+05:30'),
  )
  return [...shop.products(), ...hidden]
}

/** True for the lists of all products; faults meet both. */
export function isList(path: string): boolean {
  return path === '/products.json' || path === '/collections/all/products.json'
}

/** The profile for shopping agents that each shop serves: https://ucp.dev. */
function makeAgentProfile(origin: string): Record<string, unknown> {
  const endpoint = `${origin}/api/ucp/mcp`
  return {
    ucp: {
      version: '2026-04-08',
      services: { 'dev.ucp.shopping': [{ version: '2026-04-08', transport: 'mcp', endpoint }] },
    },
  }
}

/** The products of a collection, or null without it. The collection `all` has every product. */
function productsOf(handle: string, { shop, ...state }: State): readonly ShopProduct[] | null {
  const products = shop.products()
  if (handle === 'all') return products
  const number = Number(/^collection-(\d+)$/.exec(handle)?.[1])
  if (!(number < state.collections)) return null
  const collected = products.slice(0, products.length - state.uncollected)
  return collected.filter(
    (_, index) =>
      index % state.collections === number || index % (2 * state.collections) === number + 1,
  )
}

function listCollections(location: URL, state: State): unknown[] {
  const limit = Math.min(readPositive(location.searchParams.get('limit'), 30), 250)
  const from = (readPage(location) - 1) * limit
  return Array.from({ length: state.collections }, (_, number) => ({
    id: 400_000 + number,
    title: `Collection ${number}`,
    handle: `collection-${number}`,
    // As in real shops, this number is not reliable.
    products_count: number,
  })).slice(from, from + limit)
}

function listProducts(
  location: URL,
  state: State & { readonly listed: readonly ShopProduct[] },
  faults: readonly ShopifyFault[],
): Content {
  const { listed: all, paging } = state
  const limit = Math.min(readPositive(location.searchParams.get('limit'), 30), 250)
  const lastPage = Math.max(1, Math.ceil(all.length / limit))
  const asked = paging.startsWith('ignored') ? 1 : readPage(location)
  const page = paging === 'clamped' ? Math.min(asked, lastPage) : asked
  if (page * limit > state.reach) {
    const body = { errors: `Page * Limit exceeds the ${state.reach} limit.` }
    return { text: formatShopifyJson(body, state.pretty), status: state.reachStatus }
  }
  const shift = faults.reduce((by, fault) => (fault.kind === 'shift' ? by + fault.by : by), 0)
  const start = Math.max((page - 1) * limit - shift, 0)
  const products = paging === 'ignored-with-limit' ? all : all.slice(start, start + limit)
  return { text: formatShopifyJson({ products }, state.pretty) }
}

function makeMeta(
  location: URL,
  { name, currency, publishedCount, shop }: State,
): Record<string, unknown> {
  return {
    id: 7_381_409,
    name,
    city: 'Hobart',
    province: 'Tasmania',
    country: 'AU',
    currency,
    domain: location.host,
    url: location.origin,
    myshopify_domain: 'saltbush.myshopify.com',
    description: null,
    ships_to_countries: ['AU', 'NZ'],
    money_format: '${{amount}}',
    published_collections_count: 4,
    published_products_count: publishedCount ?? shop.products().length,
  }
}

/** Escapes like Shopify: `</p>` becomes `\u003c\/p\u003e`. */
function formatShopifyJson(body: unknown, pretty: boolean): string {
  return JSON.stringify(body, null, pretty ? 2 : 0).replaceAll(
    /[/<>&]/g,
    (sign) => ESCAPES.get(sign) ?? sign,
  )
}

export function readPage(location: URL): number {
  return readPositive(location.searchParams.get('page'), 1)
}

function readPositive(text: string | null, otherwise: number): number {
  const number = Number(text ?? '')
  return Number.isInteger(number) && number > 0 ? number : otherwise
}
