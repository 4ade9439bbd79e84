// The responses of a simulated shop: its pages, its lists, and the errors of its API.

import type { IncomingMessage } from 'node:http'
import type { Throttle } from '../support/throttle.ts'
import type { WooProduct } from './product.ts'
import { respondRest, type RestSwitches } from './rest.ts'
import type { Shop } from './shop.ts'

/** Options that can be changed while the shop runs. */
export interface WooSwitches extends RestSwitches {
  readonly name?: string
  /** `plain`: the API is at `/?rest_route=` only. */
  readonly permalinks?: 'pretty' | 'plain'
  /** The folder of the shop, such as `/shop`; other paths belong to another site. */
  readonly folder?: string
  /** Where pages name the API: in a header, in a link element, or nowhere. */
  readonly discovery?: 'header' | 'link' | 'none'
  /** The oldest shops have the API under `wc/store` only. */
  readonly namespaces?: readonly string[]
  /** Sends `X-WP-Total` and `X-WP-TotalPages`, which some caches remove. */
  readonly totals?: boolean
  /** The response beyond the last page. */
  readonly beyond?: 'empty' | 'error'
  /** The largest `per_page`. */
  readonly pageSizeMax?: number
  /** Lists the first page for every position, as a cache that ignores parameters does. */
  readonly ignoresOffset?: boolean
  /** `none`: products list their variations without options. */
  readonly stubs?: 'options' | 'none'
  /** Variations are found by their ids only, not by their product. */
  readonly ignoresParent?: boolean
  /** Products in the count that the list omits. */
  readonly unreadable?: number
  /** `shop`: the home page is open, the pages of the shop are not. */
  readonly comingSoon?: 'no' | 'shop' | 'site'
  /** WooCommerce's own limit: 25 requests in 10 seconds. Off by default, as in WooCommerce. */
  readonly limitStatus?: 400 | 429 | null
}

/** A shop as it is during one request. */
export interface State {
  readonly switches: Required<WooSwitches>
  readonly shop: Shop
  readonly home: string
  readonly throttle: Throttle
}

export interface Content {
  readonly status?: number
  readonly type?: 'application/json' | 'text/html'
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

/** The route of the REST API, such as `wc/store/v1/products`, or null for a page. */
export function findRoute(
  location: URL,
  { switches: { permalinks, folder } }: State,
): string | null {
  const path = location.pathname
  const plain = location.searchParams.get('rest_route')
  if (plain !== null && path === `${folder}/`) return plain.replace(/^\//, '')
  if (permalinks === 'pretty' && path.startsWith(`${folder}/wp-json/`))
    return path.slice(`${folder}/wp-json/`.length)
  return null
}

export function createContent(
  location: URL,
  route: string | null,
  state: State,
  request: IncomingMessage,
): Content {
  const { name, namespaces, limitStatus } = state.switches
  if (route === null) return createPage(location, state)
  if (route === '') return { body: { name: name.replace('&amp;', '&') } }
  if (route.startsWith('wc/v3/')) {
    const { switches, shop } = state
    const query = location.searchParams
    const asked = { route: route.slice('wc/v3/'.length), query, request, switches, shop }
    return respondRest(asked, (all) => toPage(query, state, all))
  }
  const isProducts = namespaces.some((namespace) => route === `${namespace}/products`)
  if (!isProducts) return createError(404, 'rest_no_route')
  const waitMs = limitStatus === null ? 0 : state.throttle.take('all')
  if (limitStatus !== null && waitMs > 0)
    return {
      ...createError(limitStatus, 'rate_limit_exceeded'),
      headers: {
        'ratelimit-limit': '25',
        'ratelimit-retry-after': String(Math.ceil(waitMs / 1000)),
      },
    }
  return createList(location.searchParams, state)
}

function createError(status: number, code: string): Content {
  return { status, body: { code, message: 'Sorry.', data: { status } } }
}

function createPage({ pathname }: URL, { switches, home }: State): Content {
  const { folder, comingSoon, permalinks, discovery } = switches
  const type = 'text/html'
  if (!`${pathname}/`.startsWith(`${folder}/`) || pathname.includes('/wp-json'))
    return { type, status: 404, body: '<!doctype html><title>404 Not Found</title>' }
  const isShopPage = pathname.startsWith(`${folder}/product/`)
  const isClosed = comingSoon === 'site' || (comingSoon === 'shop' && isShopPage)
  const api = `${home}${permalinks === 'pretty' ? '/wp-json/' : '/index.php?rest_route=/'}`
  const link = `<link rel="https://api.w.org/" href="${api.replaceAll('&', '&#038;')}" />`
  const mark = isClosed ? "<meta name='woo-coming-soon-page' content='yes'>" : ''
  return {
    type,
    headers: discovery === 'header' ? { link: `<${api}>; rel="https://api.w.org/"` } : {},
    body: `<!doctype html><html><head>${mark}${discovery === 'link' ? link : ''}<title>A shop</title></head></html>`,
  }
}

function createList(query: URLSearchParams, state: State): Content {
  const { stubs, ignoresParent } = state.switches
  const { shop } = state
  const isVariations = query.get('type') === 'variation'
  const ids = (name: string): Set<string> | null =>
    query.has(name) ? new Set(query.get(name)?.split(',')) : null
  const [included, parents] = [ids('include'), ids('parent')]
  const all = (isVariations ? shop.variations() : shop.products()).filter(
    ({ id, parent }) =>
      (included === null || included.has(String(id))) &&
      (parents === null || (parents.has(String(parent)) && !ignoresParent)),
  )
  return toPage(query, state, stubs === 'options' ? all : all.map(withoutOptions))
}

/** A page of a list, with the headers of WordPress. */
function toPage(query: URLSearchParams, { switches }: State, all: readonly object[]): Content {
  const { totals, beyond, pageSizeMax, ignoresOffset, unreadable } = switches
  const perPage = Number(query.get('per_page') ?? '10')
  if (!(perPage >= 1 && perPage <= 100)) return createError(400, 'rest_invalid_param')
  const isAll = query.get('type') !== 'variation' && !query.has('include')
  const page = Number(query.get('page') ?? '1')
  const size = Math.min(perPage, pageSizeMax)
  const offset = ignoresOffset ? 0 : Number(query.get('offset') ?? (page - 1) * size)
  const body = all.slice(offset, offset + size)
  if (body.length === 0 && offset > 0 && beyond === 'error')
    return createError(400, 'woocommerce_rest_invalid_page_number')
  const total = all.length + (isAll ? unreadable : 0)
  const headers = {
    'x-wp-total': String(total),
    'x-wp-totalpages': String(Math.ceil(total / size)),
  }
  return { body, ...(totals && { headers }) }
}

function withoutOptions(product: WooProduct): WooProduct {
  return { ...product, variations: product.variations.map(({ id }) => ({ id, attributes: [] })) }
}
