// A Shopify shop on loopback: its lists of products, its collections, `/meta.json`, `/cart.js`, and
// `/_control/…` to change the shop and to set faults. A captured file in another format than
// `{"products": […]}` is
// served unchanged for every page.

import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { sendFaultResponse, sendBody } from '../support/body.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { handleControl, isControl } from '../support/control.ts'
import { createShopVerbs } from '../support/shop-verbs.ts'
import { listen, readPath } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { ADMIN_DEFAULTS, AdminApi, type AdminContent, type AdminSwitches } from './admin.ts'
import { ShopifyFault, type ShopifyFaultInput } from './faults.ts'
import { makeProduct, type ShopProduct } from './product.ts'
import { findContent, listAll, isList, readPage, type State } from './responses.ts'
import { createShop, type Shop } from './shop.ts'

export const PAGINGS = ['honoured', 'ignored', 'ignored-with-limit', 'clamped'] as const

export interface ShopifyOptions extends AdminSwitches {
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
  /**
   * `ignored-with-limit`: returns all products for every page and limit. `ignored`: the first page
   * for every page, as a cache does. `clamped`: the last page for every page beyond it.
   */
  readonly paging?: (typeof PAGINGS)[number]
  /** Number of collections; the products are divided among them, and each has a part of the next. */
  readonly collections?: number
  /** Number of the last products that are in no collection. */
  readonly uncollected?: number
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
  readonly admin: AdminApi
  /** Changes options while it runs. */
  set(options: Omit<ShopifyOptions, 'port' | 'products' | 'seed' | 'file'>): void
  close(): Promise<void>
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
  paging: 'honoured',
  collections: 0,
  uncollected: 0,
  closesList: false,
  agentOrigin: null,
  ...ADMIN_DEFAULTS,
} as const satisfies Required<ShopifyOptions>
/** @throws Error when the port is taken or the file cannot be read */
export async function startShopify(options: ShopifyOptions = {}): Promise<ShopifySimulator> {
  let state = await createState({ ...DEFAULTS, ...options })
  const { shop } = state
  const faults = createFaultBook(ShopifyFault)
  const admin = new AdminApi()
  const stats = createStats()
  const verbs = createShopVerbs({ shop, faults, stats }, ({ id, title }) => ({ id, title }))
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
      const currency = state.currency ?? 'AUD'
      const shopNow = { switches: state, origin: url, currency, products: listAll(state) }
      const bytes = isDone
        ? 0
        : AdminApi.owns(path)
          ? await send(response, await admin.respond(request, path, shopNow), taken)
          : await respond(location, response, state, taken)
      stats.recordResponse(response.statusCode, bytes)
    },
    { port: state.port },
  )
  return {
    url,
    shop,
    faults,
    stats,
    admin,
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

function send(
  response: ServerResponse,
  { status, headers = {}, body }: AdminContent,
  taken: Taken<ShopifyFault>,
): Promise<number> {
  const all = { 'content-type': 'application/json; charset=utf-8', ...headers }
  return sendBody(response, [Buffer.from(body)], { status, headers: all, taken })
}
