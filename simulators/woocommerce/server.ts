// A WooCommerce shop on loopback: its home page, product pages, the Store API, and `/_control/…` to
// change the shop and to set faults. Facts that differ between versions and hosts are options.

import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { makePicture } from '../images/pictures.ts'
import { sendFaultResponse, sendBody } from '../support/body.ts'
import { handleControl, isControl, type Verbs } from '../support/control.ts'
import { createShopVerbs } from '../support/shop-verbs.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { listen } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { createThrottle } from '../support/throttle.ts'
import { WooFault, type WooFaultInput } from './faults.ts'
import { makeProduct, type Making, type Stocked, type WooProduct } from './product.ts'
import {
  createContent,
  findRoute,
  type Content,
  type State,
  type WooSwitches,
} from './responses.ts'
import { REST_DEFAULTS } from './rest.ts'
import { createShop, type Shop } from './shop.ts'

export interface WooOptions extends WooSwitches {
  /** 0: a free port. */
  readonly port?: number
  readonly products?: number
  readonly seed?: number
  readonly currency?: string
  /** The number of decimals that the shop is set to. */
  readonly minorUnit?: number
  /** Only one of this many products may have variations. */
  readonly variableEvery?: number
  /** A captured list of products to serve instead of generated ones; variations as well. */
  readonly file?: string | null
}

export interface WooSimulator {
  readonly url: string
  /** The address of the shop: `url` and its folder. */
  readonly home: string
  readonly shop: Shop
  readonly faults: FaultBook<WooFault, WooFaultInput>
  readonly stats: Stats
  set(switches: WooSwitches): void
  close(): Promise<void>
}

const DEFAULTS = {
  port: 0,
  products: 250,
  seed: 1,
  currency: 'EUR',
  minorUnit: 2,
  variableEvery: 1,
  file: null,
  name: 'Öland &amp; Sons',
  permalinks: 'pretty',
  folder: '',
  discovery: 'header',
  namespaces: ['wc/store/v1', 'wc/store'],
  totals: true,
  beyond: 'empty',
  pageSizeMax: 100,
  ignoresOffset: false,
  stubs: 'options',
  ignoresParent: false,
  unreadable: 0,
  comingSoon: 'no',
  limitStatus: null,
  ...REST_DEFAULTS,
} as const satisfies Required<WooOptions>

/** @throws Error when the port is taken or the file cannot be read */
export async function startWoocommerce(options: WooOptions = {}): Promise<WooSimulator> {
  const all = { ...DEFAULTS, ...options }
  const faults = createFaultBook(WooFault)
  const stats = createStats()
  const throttle = createThrottle({ requests: 25, windowMs: 10_000 }, () => performance.now())
  let state: State | null = null
  let verbs: Verbs = {}
  const { url, close } = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, verbs)
      if (state !== null) await respond(request, response, { state, faults, stats })
    },
    { port: all.port },
  )
  const home = url + all.folder
  const { seed, currency, minorUnit, variableEvery } = all
  const making = { seed, currency, minorUnit, variableEvery, home }
  const shop = createShop(await loadStock(all, making), making)
  state = { switches: all, shop, home, throttle }
  verbs = createShopVerbs({ shop, faults, stats }, ({ id, name }) => ({ id, name }))
  return {
    url,
    home,
    shop,
    faults,
    stats,
    close,
    set(changed) {
      if (state !== null) state = { ...state, switches: { ...state.switches, ...changed } }
    },
  }
}

async function loadStock(
  { file, products }: Required<WooOptions>,
  making: Making,
): Promise<Stocked[]> {
  if (file === null)
    return Array.from({ length: products }, (_, index) => makeProduct(index, making))
  const listed: WooProduct[] = z
    .array(z.custom<WooProduct>((product) => typeof product === 'object'))
    .parse(JSON.parse(await readFile(file, 'utf8')))
  const isVariation = ({ type }: WooProduct): boolean => type === 'variation'
  return listed
    .filter((product) => !isVariation(product))
    .map((product) => ({
      product,
      variations: listed.filter((one) => isVariation(one) && one.parent === product.id),
    }))
}

interface Parts {
  readonly state: State
  readonly faults: FaultBook<WooFault, WooFaultInput>
  readonly stats: Stats
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { state, faults, stats }: Parts,
): Promise<void> {
  const { method = '', url: target = '/' } = request
  const location = new URL(target, state.home)
  const route = findRoute(location, state)
  const query = location.searchParams
  const isVariations = query.get('type') === 'variation' || route?.endsWith('/variations') === true
  const list = isVariations ? 'variations' : 'products'
  const asked =
    isVariations || /\/(v\d|store)\/products$/.test(route ?? '')
      ? `/${list}?offset=${query.get('offset') ?? '0'}`
      : location.pathname
  stats.recordRequest(asked.split('?', 1)[0] ?? '', {
    method,
    url: target,
    caller: null,
    body: null,
  })
  const taken = faults.take(asked)
  if (location.pathname.startsWith('/wp-content/uploads/'))
    return sendPicture(location.pathname, response)
  const isDone = await sendFaultResponse(response, taken)
  const bytes = isDone
    ? 0
    : await send(response, createContent(location, route, state, request), taken)
  stats.recordResponse(response.statusCode, bytes)
}

/** A picture of the path; all sizes of one picture have the same bytes. */
function sendPicture(path: string, response: ServerResponse): void {
  const { bytes, type } = makePicture('jpg', path.replace(/-\d+x\d+(?=\.\w+$)/, ''))
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes)
}

async function send(
  response: ServerResponse,
  { status = 200, type = 'application/json', headers = {}, body }: Content,
  taken: Taken<WooFault>,
): Promise<number> {
  const text = typeof body === 'string' ? body : toJson(body)
  const notices = taken.faults.filter((fault) => fault.kind === 'notice')
  const printed = notices.reduce((inner, { before, after }) => before + inner + after, text)
  const content = notices.length > 0 ? 'text/html' : type
  return sendBody(response, [Buffer.from(printed)], {
    status,
    headers: { 'content-type': `${content}; charset=UTF-8`, ...headers },
    taken,
  })
}

/** PHP escapes slashes and characters beyond ASCII. */
function toJson(body: unknown): string {
  return JSON.stringify(body)
    .replaceAll('/', String.raw`\/`)
    .replaceAll(
      /[\u0080-\uffff]/g,
      (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}
