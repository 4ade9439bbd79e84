// A Shopify shop on loopback: `/products.json`, `/meta.json`, `/cart.js`, and `/_control/…` to
// change it and to make it fail. A captured file in another shape than `{"products": […]}` is
// served as it is, byte for byte, whatever the page.

import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { errorResponse, sendBody } from '../support/body.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { isLoopback, listen, pathOf, readText, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { ShopifyFault, type ShopifyFaultInput } from './faults.ts'
import { makeProduct, type ShopProduct } from './product.ts'
import { createShop, type Shop } from './shop.ts'

export interface ShopifyOptions {
  /** 0 takes a free port. */
  readonly port?: number
  /** How many products a made-up shop has. */
  readonly products?: number
  readonly seed?: number
  /** A captured answer to serve instead of made-up products. */
  readonly file?: string | null
  readonly name?: string
  /** Null: there is no `/meta.json`. */
  readonly currency?: string | null
  /** What visitors are shown, when it is not the shop's own currency. */
  readonly visitorCurrency?: string | null
  /** What `/meta.json` counts, when it is not what the list has. */
  readonly publishedCount?: number | null
  /** How far `page × limit` may go, and with which status more is refused. */
  readonly reach?: number
  readonly reachStatus?: 200 | 400
  /** Writes answers over many lines, as captures often are. */
  readonly pretty?: boolean
  /** Gives all of its products, whatever page of whatever size is asked for. */
  readonly ignoresPage?: boolean
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
} as const satisfies Required<ShopifyOptions>
const ESCAPES = new Map([
  ['/', '\\/'],
  ['<', '\\u003c'],
  ['>', '\\u003e'],
  ['&', '\\u0026'],
])

/** @throws Error when the port is taken or the file cannot be read */
export async function startShopify(options: ShopifyOptions = {}): Promise<ShopifySimulator> {
  let state = await createState({ ...DEFAULTS, ...options })
  const faults = createFaultBook(ShopifyFault)
  const stats = createStats()
  const { url, close } = await listen(
    async (request, response) => {
      const path = pathOf(request)
      if (path.startsWith('/_control/'))
        return control(request, response, { shop: state.shop, faults, stats })
      const asked = new URL(request.url ?? '/', 'http://shop')
      stats.asked(path, {
        method: request.method ?? '',
        url: request.url ?? '',
        caller: null,
        body: null,
      })
      response.setHeader('powered-by', 'Shopify')
      const taken = faults.take(path === '/products.json' ? `${path}?page=${pageOf(asked)}` : path)
      const done = await errorResponse(response, taken)
      const bytes = done ? 0 : await answer(asked, response, state, taken)
      stats.answered(response.statusCode, bytes)
    },
    { port: state.port },
  )
  return {
    url,
    shop: state.shop,
    faults,
    stats,
    close,
    set: (changed) => void (state = { ...state, ...changed }),
  }
}

async function createState(options: Required<ShopifyOptions>): Promise<State> {
  const captured = options.file === null ? null : await readFile(options.file)
  const listed = captured && productsIn(captured.toString())
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

function productsIn(text: string): ShopProduct[] | null {
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

async function answer(
  asked: URL,
  response: ServerResponse,
  state: State,
  taken: Taken<ShopifyFault>,
): Promise<number> {
  const send = (status: number, body: unknown): Promise<number> =>
    sendText(response, status, shopifyJson(body, state.pretty), taken)
  if (asked.pathname === '/products.json') {
    if (state.verbatim) return sendText(response, 200, state.verbatim, taken)
    const limit = Math.min(positive(asked.searchParams.get('limit'), 30), 250)
    const page = pageOf(asked)
    if (state.ignoresPage) return send(200, { products: state.shop.products() })
    if (page * limit > state.reach)
      return send(state.reachStatus, { errors: `Page * Limit exceeds the ${state.reach} limit.` })
    const shift = taken.faults.reduce(
      (by, fault) => (fault.kind === 'shift' ? by + fault.by : by),
      0,
    )
    const start = Math.max((page - 1) * limit - shift, 0)
    return send(200, { products: state.shop.products().slice(start, start + limit) })
  }
  if (asked.pathname === '/meta.json' && state.currency !== null)
    return send(200, metaOf(asked, state))
  if (asked.pathname === '/cart.js')
    return send(200, {
      token: 'c1',
      items: [],
      item_count: 0,
      currency: state.visitorCurrency ?? state.currency,
    })
  const [status, title] =
    asked.pathname === '/password' ? [200, 'Opening soon'] : [404, '404 Not Found']
  return sendText(response, status, `<!doctype html><title>${title}</title>`, taken, 'text/html')
}

async function sendText(
  response: ServerResponse,
  status: number,
  text: string | Uint8Array,
  taken: Taken<ShopifyFault>,
  type = 'application/json',
): Promise<number> {
  const garbage = taken.faults.find((fault) => fault.kind === 'garbage')
  const bytes = Buffer.from(
    garbage
      ? Buffer.from(text)
          .toString()
          .replace('[', () => `[${garbage.text}`)
      : text,
  )
  return sendBody(response, [bytes], {
    status,
    headers: { 'content-type': `${type}; charset=utf-8` },
    taken,
  })
}

function metaOf(
  asked: URL,
  { name, currency, publishedCount, shop }: State,
): Record<string, unknown> {
  return {
    id: 7_381_409,
    name,
    city: 'Hobart',
    province: 'Tasmania',
    country: 'AU',
    currency,
    domain: asked.host,
    url: asked.origin,
    myshopify_domain: 'saltbush.myshopify.com',
    description: null,
    ships_to_countries: ['AU', 'NZ'],
    money_format: '${{amount}}',
    published_collections_count: 4,
    published_products_count: publishedCount ?? shop.products().length,
  }
}

/** Shopify's own spelling: `</p>` is written `\u003c\/p\u003e`. */
function shopifyJson(body: unknown, pretty: boolean): string {
  return JSON.stringify(body, null, pretty ? 2 : 0).replaceAll(
    /[/<>&]/g,
    (sign) => ESCAPES.get(sign) ?? sign,
  )
}

function pageOf(asked: URL): number {
  return positive(asked.searchParams.get('page'), 1)
}

function positive(text: string | null, otherwise: number): number {
  const number = Number(text ?? '')
  return Number.isInteger(number) && number > 0 ? number : otherwise
}

const Change = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('add'), count: z.int().positive().default(1) }),
  z.strictObject({
    do: z.literal('update'),
    id: z.int(),
    fields: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    do: z.literal('price'),
    id: z.int(),
    price: z.string(),
    place: z.int().nonnegative().default(0),
  }),
  z.strictObject({ do: z.literal('touch'), id: z.int().optional() }),
  z.strictObject({ do: z.literal('remove'), ids: z.array(z.int()) }),
  z.strictObject({ do: z.literal('restore'), ids: z.array(z.int()) }),
])

type Controlled = Pick<ShopifySimulator, 'shop' | 'faults' | 'stats'>

// POST /_control/changes 200 · POST, DELETE /_control/faults 200 · GET /_control/stats,
// /_control/products 200 · 400 with the reason
async function control(
  request: IncomingMessage,
  response: ServerResponse,
  { shop, faults, stats }: Controlled,
): Promise<void> {
  if (!isLoopback(request)) return sendJson(response, 403, { error: 'Only from this machine' })
  const route = `${request.method} ${pathOf(request).slice('/_control/'.length)}`
  try {
    if (route === 'GET stats') return sendJson(response, 200, stats.snapshot())
    if (route === 'GET products')
      return sendJson(
        response,
        200,
        shop.products().map(({ id, title }) => ({ id, title })),
      )
    if (route === 'POST changes')
      return sendJson(
        response,
        200,
        change(shop, Change.parse(JSON.parse(await readText(request)))),
      )
    if (route === 'POST faults') faults.set(...[JSON.parse(await readText(request))].flat())
    else if (route === 'DELETE faults') faults.clear()
    else return sendJson(response, 404, { error: `There is no ${route}` })
    return sendJson(response, 200, faults.list())
  } catch (error) {
    return sendJson(response, 400, {
      error: error instanceof z.ZodError ? z.prettifyError(error) : String(error),
    })
  }
}

function change(shop: Shop, wish: z.infer<typeof Change>): { ids: number[] } {
  if (wish.do === 'add') return { ids: shop.add(wish.count) }
  if (wish.do === 'update') shop.update(wish.id, wish.fields)
  else if (wish.do === 'price') shop.price(wish.id, wish.price, wish.place)
  else if (wish.do === 'touch') shop.touch(wish.id)
  else if (wish.do === 'remove') shop.remove(...wish.ids)
  else shop.restore(...wish.ids)
  return { ids: 'ids' in wish ? wish.ids : wish.id === undefined ? [] : [wish.id] }
}
