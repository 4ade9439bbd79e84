// The connector of WooCommerce shops. It reads the public Store API, which needs no key, or the REST
// API, where the owner gives keys. `X-WP-Total` proves completeness.

import { z } from 'zod'
import type { Connector, FetchRequest, Page, ProbeRequest } from '../../core/connector.ts'
import { scanWholeLine } from '../../core/define-connector.ts'
import type { Json } from '../../core/json.ts'
import { limitHost } from '../../core/limits.ts'
import { woocommerceCredentials, type WoocommerceCredentials } from './credentials.ts'
import type { LinesOfBlock } from '../../lib/json-slices.ts'
import { readMember, type Item, type ListPage } from './documents.ts'
import { toLines, VARIATIONS_MEMBER } from './lines.ts'
import { PAGE_SIZE, ProductLists, type Place } from './list.ts'
import { listApiOf, openApi, type ShopApi } from './shop-api.ts'
import { normalise } from './drafts.ts'
import { identify } from './products.ts'
import { recognise } from './recognise.ts'
import { WoocommerceSettings } from './settings.ts'

/** Members of a product and of its variations that do not describe it. */
const VOLATILE = [
  'average_rating',
  'review_count',
  'price_html',
  'low_stock_remaining',
  'stock_availability',
  'add_to_cart',
  'extensions',
  'meta_data',
  'date_modified_gmt',
  'images.*.thumbnail',
  'images.*.srcset',
  'images.*.sizes',
]

/**
 * `left` counts the products that are not for everyone, and `newestMs` is the latest time of a change
 * that the REST API has stated.
 */
const Cursor = z.union([
  z.strictObject({
    offset: z.int().nonnegative(),
    ids: z.array(z.string()),
    listed: z.int().nonnegative(),
    left: z.int().nonnegative(),
    newestMs: z.int().nullable().default(null),
  }),
  z.strictObject({ key: z.int().nonnegative() }),
])
type ListCursor = Place & { readonly left: number; readonly newestMs: number | null }

const START: ListCursor = { offset: 0, ids: [], listed: 0, left: 0, newestMs: null }

export const woocommerce: Connector<WoocommerceSettings, WoocommerceCredentials> = {
  name: 'woocommerce',
  title: "A WooCommerce shop, read from its public Store API, or with its owner's keys",
  settings: WoocommerceSettings,
  credentials: woocommerceCredentials,
  usesCredentials: ({ access }) => access === 'rest',
  addressSetting: 'url',
  options: [],
  normaliserVersion: 1,
  volatilePaths: [...VOLATILE, ...VOLATILE.map((path) => `${VARIATIONS_MEMBER}.*.${path}`)],
  idPaths: ['id'],
  scopes: ['all', 'since', 'keys'],
  scopesOf: ({ access }) => (access === 'rest' ? ['all', 'since', 'keys'] : ['all', 'keys']),
  schedule: 'nightly',
  rules: ({ url, settings }) => ({
    limits: [limitHost(url, settings?.minIntervalMs)],
    breaker: { scope: 'host', key: url.host },
  }),
  probe,
  fetch: fetchProducts,
  address: ({ url }) => url,
  scan: scanWholeLine,
  unwrap: (line) => line,
  identify,
  normalise,
  recognise,
}

type Request = FetchRequest<WoocommerceSettings, WoocommerceCredentials>

async function* fetchProducts(request: Request, signal: AbortSignal): AsyncGenerator<Page> {
  const { scope } = request
  const api = await openApi(request, signal)
  const cursor = request.cursor === null ? null : Cursor.parse(request.cursor)
  if (scope.kind === 'keys') {
    const from = cursor !== null && 'key' in cursor ? cursor.key : 0
    yield* fetchKeys(api, scope.keys, from)
  } else {
    const place = cursor !== null && 'offset' in cursor ? cursor : START
    yield* fetchAll(api, request, place)
  }
}

/** One request. @throws SyncError `source/…` */
async function probe(
  request: ProbeRequest<WoocommerceSettings, WoocommerceCredentials>,
  signal: AbortSignal,
): Promise<void> {
  const { settings } = request
  const lists = new ProductLists(listApiOf(request, signal), settings, () => undefined)
  lists.size = 1
  await lists.request(settings.access === 'rest' ? '_fields=id' : 'offset=0', 'one product')
}

async function* fetchAll(
  api: ShopApi,
  { settings, warn }: Request,
  start: ListCursor,
): AsyncGenerator<Page> {
  const { lists } = api
  let place = start
  for (;;) {
    const { page, fresh, next, isEnd, isComplete } = await lists.read(place)
    if (place === START) await api.refuseClosed(findPublicPage(settings, page))
    const shown = fresh.filter((product) => isForEveryone(page, product))
    const left = place.left + fresh.length - shown.length
    const following = { ...next, left, newestMs: api.newestOf(page, shown, place.newestMs) }
    if (isEnd) warnOfEnd(lists, page, following, isComplete, warn)
    const expected = page.total === null ? null : Math.max(0, page.total - left)
    const blocks = [...toLines(page, shown, await api.readVariations(page, shown), api.facts)]
    const last = blocks.pop() ?? { bytes: new Uint8Array(), lineCount: 0 }
    const toPage = (block: LinesOfBlock, at: ListCursor, complete: boolean): Page => ({
      ...block,
      cursor: toCursor(at),
      expected,
      watermarkMs: following.newestMs,
      complete,
    })
    // Only the last block has the next cursor, so an interrupted page is read again as a whole.
    for (const block of blocks) yield toPage(block, place, false)
    if (last.lineCount > 0 || isEnd) yield toPage(last, following, isComplete)
    if (isEnd) return
    place = following
  }
}

/** Requests named products. A shop that ignores `include` lists others, which are left out. */
async function* fetchKeys(
  api: ShopApi,
  keys: readonly string[],
  start: number,
): AsyncGenerator<Page> {
  const valid = keys.filter((key) => /^[1-9]\d{0,18}$/.test(key))
  for (let from = start; from < valid.length; from += PAGE_SIZE) {
    const wanted = new Set(valid.slice(from, from + PAGE_SIZE))
    const page = await api.requestNamed([...wanted])
    const shown = page.items.filter(
      (product) => wanted.has(product.id) && isForEveryone(page, product),
    )
    for (const block of toLines(page, shown, await api.readVariations(page, shown), api.facts))
      yield { ...block, cursor: { key: from }, expected: null, watermarkMs: null, complete: false }
  }
}

function warnOfEnd(
  { host }: ProductLists,
  { total }: ListPage,
  { listed, left }: ListCursor,
  isComplete: boolean,
  warn: (message: string) => void,
): void {
  if (left > 0) warn(`${left} products of ${host} have a password and are left out`)
  if (!isComplete)
    warn(
      `${host} counts ${total} products and lists ${listed}, so the run stays incomplete. The shop cannot show the others; its owner may find them under "Products"`,
    )
}

/** A product with a password is listed with its price, although its owner shows it to few. */
function isForEveryone({ bytes }: ListPage, product: Item): boolean {
  return readMember(bytes, product, 'is_password_protected') !== 'true'
}

/** The page of the first product, which also shows the template when only the shop is closed. */
function findPublicPage({ url }: WoocommerceSettings, { bytes, items }: ListPage): string {
  const [first] = items
  const slice = first === undefined ? null : readMember(bytes, first, 'permalink', 2_000)
  const permalink = /^"(.*)"$/.exec(slice ?? '')?.[1]?.replaceAll(String.raw`\/`, '/') ?? ''
  return permalink.startsWith(`${url}/`) ? permalink : url
}

function toCursor({ offset, ids, listed, left, newestMs }: ListCursor): Json {
  return { offset, ids: [...ids], listed, left, newestMs }
}
