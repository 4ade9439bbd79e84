// A Shopify shop on loopback: `/products.json`, `/meta.json`, `/cart.js`, and `/_control/…` to
// change the shop and to set faults, which meet both lists of products. A captured file in another format than `{"products": […]}` is
// served unchanged for every page.

import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { sendFaultResponse, sendBody } from '../support/body.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { handleControl, isControl } from '../support/control.ts'
import { listen, readPath } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { createVerbs } from './control.ts'
import { ShopifyFault, type ShopifyFaultInput } from './faults.ts'
import { makeProduct, type ShopProduct } from './product.ts'
import { createShop, type Shop } from './shop.ts'

export interface ShopifyOptions {
  /** 0: a free port. */
  readonly port?: number
  /** Number of generated products. */
  readonly products?: number
  readonly seed?: number
  /** A captured response to serve instead of generated products. */
  readonly file?: string | null
  readonly name?: string
  /** Null: without `/meta.json`. */
  readonly currency?: string | null
  /** Currency for visitors, if it differs from the shop's currency. */
  readonly visitorCurrency?: string | null
  /** Count in `/meta.json`, if it differs from the list. */
  readonly publishedCount?: number | null
  /** Maximum of `page × limit`; `reachStatus` is the status beyond it. */
  readonly reach?: number
  readonly reachStatus?: 200 | 400
  /** Indents responses, like many captures. */
  readonly pretty?: boolean
  /** Returns all products for every page and limit. */
  readonly ignoresPage?: boolean
  /** True: only the list of the collection "all" is open. */
  readonly closesList?: boolean
  /** The origin that `/.well-known/ucp` names as the shop's. Null: without this document. */
  readonly agentOrigin?: string | null
}

export interface ShopifySimulator {
  readonly url: string
  readonly shop: Shop
  readonly faults: FaultBook<ShopifyFault, ShopifyFaultInput>
  readonly stats: Stats
  /** Changes options while it runs. */
  set(options: Omit<ShopifyOptions, 'port' | 'products' | 'seed' | 'file'>): void
  close(): Promise<void>
}

type State = Required<ShopifyOptions> & {
  readonly shop: Shop
  readonly verbatim: Uint8Array | null
}

const DEFAULTS = {
  port: 0,
  products: 300,
  seed: 1,
  file: null,
  name: 'Saltbush & Sons',
  currency: 'AUD',
  visitorCurrency: null,
  publishedCount: null,
  reach: 25_000,
  reachStatus: 400,
  pretty: false,
  ignoresPage: false,
  closesList: false,
  agentOrigin: null,
} as const satisfies Required<ShopifyOptions>
const COLLECTION_LIST = '/collections/all/products.json'
const ESCAPES = new Map([
  ['/', '\\/'],
  ['<', '\\u003c'],
  ['>', '\\u003e'],
  ['&', '\\u0026'],
])

/** @throws Error when the port is taken or the file cannot be read */
export async function startShopify(options: ShopifyOptions = {}): Promise<ShopifySimulator> {
  let state = await createState({ ...DEFAULTS, ...options })
  const { shop } = state
  const faults = createFaultBook(ShopifyFault)
  const stats = createStats()
  const verbs = createVerbs({ shop, faults, stats })
  const { url, close } = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, verbs)
      const { method = '', url: target = '/' } = request
      const path = readPath(request)
      const location = new URL(target, 'http://shop')
      stats.recordRequest(path, { method, url: target, caller: null, body: null })
      response.setHeader('powered-by', 'Shopify')
      const taken = faults.take(isList(path) ? `/products.json?page=${readPage(location)}` : path)
      const isDone = await sendFaultResponse(response, taken)
      const bytes = isDone ? 0 : await respond(location, response, state, taken)
      stats.recordResponse(response.statusCode, bytes)
    },
    { port: state.port },
  )
  return {
    url,
    shop,
    faults,
    stats,
    close,
    set: (changed) => void (state = { ...state, ...changed }),
  }
}

async function createState(options: Required<ShopifyOptions>): Promise<State> {
  const captured = options.file === null ? null : await readFile(options.file)
  const listed = captured && parseProducts(captured.toString())
  const making = { seed: options.seed, decimals: options.currency === 'JPY' ? 0 : 2 }
  const make = (_: unknown, index: number): ShopProduct =>
    makeProduct(index, making, '2026-05-31T18:00:00+05:30')
  const made = (): ShopProduct[] => Array.from({ length: options.products }, make)
  return {
    ...options,
    shop: createShop(listed ?? (captured ? [] : made()), making),
    verbatim: listed ? null : captured,
  }
}

function parseProducts(text: string): ShopProduct[] | null {
  try {
    const parsed = z
      .object({
        products: z.array(z.custom<ShopProduct>((product) => typeof product === 'object')),
      })
      .safeParse(JSON.parse(text))
    return parsed.data?.products ?? null
  } catch {
    return null
  }
}

async function respond(
  location: URL,
  response: ServerResponse,
  state: State,
  taken: Taken<ShopifyFault>,
): Promise<number> {
  const content = findContent(location, state, taken.faults)
  const garbage = taken.faults.find((fault) => fault.kind === 'garbage')
  const bytes = garbage
    ? Buffer.from(
        Buffer.from(content.text)
          .toString()
          .replace('[', () => `[${garbage.text}`),
      )
    : Buffer.from(content.text)
  return sendBody(response, [bytes], {
    status: content.status ?? 200,
    headers: { 'content-type': `${content.type ?? 'application/json'}; charset=utf-8` },
    taken,
  })
}

interface Content {
  readonly text: string | Uint8Array
  /** Default 200. */
  readonly status?: number
  /** Default JSON. */
  readonly type?: string
}

function findContent(location: URL, state: State, faults: readonly ShopifyFault[]): Content {
  const toContent = (body: unknown, status = 200): Content => ({
    text: formatShopifyJson(body, state.pretty),
    status,
  })
  switch (location.pathname) {
    case '/products.json':
      if (state.closesList) break
      return state.verbatim ? { text: state.verbatim } : listProducts(location, state, faults)
    case COLLECTION_LIST:
      return state.verbatim ? { text: state.verbatim } : listProducts(location, state, faults)
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

function isList(path: string): boolean {
  return path === '/products.json' || path === COLLECTION_LIST
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

function listProducts(location: URL, state: State, faults: readonly ShopifyFault[]): Content {
  const limit = Math.min(readPositive(location.searchParams.get('limit'), 30), 250)
  const page = readPage(location)
  if (page * limit > state.reach && !state.ignoresPage) {
    const body = { errors: `Page * Limit exceeds the ${state.reach} limit.` }
    return { text: formatShopifyJson(body, state.pretty), status: state.reachStatus }
  }
  const shift = faults.reduce((by, fault) => (fault.kind === 'shift' ? by + fault.by : by), 0)
  const start = Math.max((page - 1) * limit - shift, 0)
  const all = state.shop.products()
  const products = state.ignoresPage ? all : all.slice(start, start + limit)
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

function readPage(location: URL): number {
  return readPositive(location.searchParams.get('page'), 1)
}

function readPositive(text: string | null, otherwise: number): number {
  const number = Number(text ?? '')
  return Number.isInteger(number) && number > 0 ? number : otherwise
}
