// The connector of WooCommerce shops, which reads the public Store API. It needs no key. Every
// product states its currency and the number of its decimals; `X-WP-Total` proves completeness.

import { z } from 'zod'
import type { Connector, FetchRequest, Page } from '../../core/connector.ts'
import { NO_CREDENTIALS } from '../../core/credentials.ts'
import { scanWholeLine } from '../../core/define-connector.ts'
import type { Http } from '../../core/http.ts'
import type { Json } from '../../core/json.ts'
import { limitHost } from '../../core/limits.ts'
import { refuseComingSoon } from './coming-soon.ts'
import { readMember, type Item, type ListPage } from './documents.ts'
import { toLines, VARIATIONS_MEMBER } from './lines.ts'
import { PAGE_SIZE, ProductLists, type Ask, type Place } from './list.ts'
import { identify, normalise } from './products.ts'
import { recognise } from './recognise.ts'
import { WoocommerceSettings } from './settings.ts'
import { readVariations } from './variations.ts'

/** Members of a product and of its variations that do not describe it. */
const VOLATILE = [
  'average_rating',
  'review_count',
  'price_html',
  'low_stock_remaining',
  'stock_availability',
  'add_to_cart',
  'extensions',
  'images.*.thumbnail',
  'images.*.srcset',
  'images.*.sizes',
]

/** `left` counts the products that are not for everyone. */
const Cursor = z.union([
  z.strictObject({
    offset: z.int().nonnegative(),
    ids: z.array(z.string()),
    listed: z.int().nonnegative(),
    left: z.int().nonnegative(),
  }),
  z.strictObject({ key: z.int().nonnegative() }),
])
type ListCursor = Place & { readonly left: number }

const START: ListCursor = { offset: 0, ids: [], listed: 0, left: 0 }

export const woocommerce: Connector<WoocommerceSettings> = {
  name: 'woocommerce',
  title: 'A WooCommerce shop, read from its public Store API',
  settings: WoocommerceSettings,
  credentials: NO_CREDENTIALS,
  addressSetting: 'url',
  options: [],
  normaliserVersion: 1,
  volatilePaths: [...VOLATILE, ...VOLATILE.map((path) => `${VARIATIONS_MEMBER}.*.${path}`)],
  idPaths: ['id'],
  scopes: ['all', 'keys'],
  schedule: 'nightly',
  rules: ({ url, settings }) => ({
    limits: [limitHost(url, settings?.minIntervalMs)],
    breaker: { scope: 'host', key: url.host },
  }),
  fetch: fetchProducts,
  address: ({ url }) => url,
  scan: scanWholeLine,
  unwrap: (line) => line,
  identify,
  normalise,
  recognise,
}

type Request = FetchRequest<WoocommerceSettings>

async function* fetchProducts(request: Request, signal: AbortSignal): AsyncGenerator<Page> {
  const { settings, scope, http, warn } = request
  const ask = asking(http, signal)
  const lists = new ProductLists(ask, settings, warn)
  const cursor = request.cursor === null ? null : Cursor.parse(request.cursor)
  if (scope.kind === 'keys') {
    const from = cursor !== null && 'key' in cursor ? cursor.key : 0
    yield* fetchKeys(lists, scope.keys, from)
  } else {
    const place = cursor !== null && 'offset' in cursor ? cursor : START
    yield* fetchAll(lists, request, place, (page) => refuseComingSoon(ask, page))
  }
}

async function* fetchAll(
  lists: ProductLists,
  { settings, warn }: Request,
  start: ListCursor,
  refuse: (page: string) => Promise<void>,
): AsyncGenerator<Page> {
  let place = start
  for (;;) {
    const { page, fresh, next, isEnd, isComplete } = await lists.read(place)
    if (place === START) await refuse(findPublicPage(settings, page))
    const shown = fresh.filter((product) => isForEveryone(page, product))
    const left = place.left + fresh.length - shown.length
    const following = { ...next, left }
    if (isEnd) warnOfEnd(lists, page, following, isComplete, warn)
    const expected = page.total === null ? null : Math.max(0, page.total - left)
    const blocks = [...toLines(page, shown, await readVariations(lists, page, shown))]
    const last = blocks.pop() ?? { bytes: new Uint8Array(), lineCount: 0 }
    // Only the last block has the next cursor, so an interrupted page is read again as a whole.
    for (const block of blocks)
      yield { ...block, cursor: toCursor(place), expected, watermarkMs: null, complete: false }
    if (last.lineCount > 0 || isEnd)
      yield {
        ...last,
        cursor: toCursor(following),
        expected,
        watermarkMs: null,
        complete: isComplete,
      }
    if (isEnd) return
    place = following
  }
}

/** Requests named products. A shop that ignores `include` lists others, which are left out. */
async function* fetchKeys(
  lists: ProductLists,
  keys: readonly string[],
  start: number,
): AsyncGenerator<Page> {
  const valid = keys.filter((key) => /^[1-9]\d{0,18}$/.test(key))
  for (let from = start; from < valid.length; from += PAGE_SIZE) {
    const wanted = new Set(valid.slice(from, from + PAGE_SIZE))
    const page = await lists.request(`include=${[...wanted].join(',')}`, 'named products')
    const shown = page.items.filter(
      (product) => wanted.has(product.id) && isForEveryone(page, product),
    )
    const variations = await readVariations(lists, page, shown)
    for (const block of toLines(page, shown, variations))
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

/** GET requests without cookies and Accept-Language, which can change the prices. */
function asking(http: Http, signal: AbortSignal): Ask {
  return (url) => http({ url, headers: { accept: 'application/json, text/html;q=0.5' } }, signal)
}

function toCursor({ offset, ids, listed, left }: ListCursor): Json {
  return { offset, ids: [...ids], listed, left }
}
