// The connector of Shopify shops, which reads the public list `/products.json`. The list needs no
// key and states no total and no currency; only a page without products ends it. The currency is a
// setting, read from `/meta.json` when the shop is added, so that a replayed record has the same
// prices.

import { z } from 'zod'
import type { Connector, FetchRequest, Page, Recognition } from '../../core/connector.ts'
import { NO_CREDENTIALS } from '../../core/credentials.ts'
import { hasAction, SyncError } from '../../core/errors.ts'
import { limitHost, type RequestLimit } from '../../core/limits.ts'
import type { Http, HttpResponse } from '../../core/http.ts'
import { toHost } from '../../lib/read-body.ts'
import type { LinesOfBlock } from '../../lib/json-slices.ts'
import { LINE_FEED } from '../../lib/byte-scan.ts'
import { toSlug } from '../../lib/text.ts'
import { lookAlikeOf, readFacts, readPage } from './responses.ts'
import { failureOf, isFromShopify } from './errors.ts'
import { PAGE_SIZE, ProductList, REACH, refuseRepetition, type Ask } from './list.ts'
import { identify, normalise } from './products.ts'
import { ShopifySettings } from './settings.ts'

/** One more than the size of a page: a shop that returns all products at once exceeds it. */
const IDS_KEPT = PAGE_SIZE + 1
/**
 * Shopify counts the requests of a client address across all shops and states no number. Four a
 * second are a cautious choice.
 */
const ALL_SHOPS: RequestLimit = {
  scope: 'shopify',
  key: 'all',
  intervalMs: 250,
  burst: 4,
  concurrency: null,
}
const NOTHING: LinesOfBlock = { bytes: new Uint8Array(), lineCount: 0 }

/** An invalid member counts as absent and does not affect the others. */
const Meta = z.object({
  name: z.string().nullish().catch(null),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullish()
    .catch(null),
  myshopify_domain: z.string().nullish().catch(null),
  published_products_count: z.number().nullish().catch(null),
})
type Meta = z.infer<typeof Meta>

/**
 * `page` is the page to request next, `listed` the number of products on the pages before it, and
 * `ids` the ids on the last of these pages.
 */
const Cursor = z.object({
  page: z.int().positive(),
  listed: z.int().nonnegative(),
  ids: z.array(z.string()).default([]),
})
type Cursor = z.infer<typeof Cursor>

/** The cart of a visitor. Its currency depends on the address of the client. */
const Cart = z.object({ currency: z.string() })

type Warn = (message: string) => void

export const shopify: Connector<ShopifySettings> = {
  name: 'shopify',
  title: 'A Shopify shop, read from its public list of products',
  settings: ShopifySettings,
  credentials: NO_CREDENTIALS,
  addressSetting: 'url',
  options: [],
  normaliserVersion: 1,
  volatilePaths: [
    'updated_at',
    'variants.*.updated_at',
    'variants.*.featured_image.updated_at',
    'images.*.updated_at',
  ],
  idPaths: ['id'],
  scopes: ['all'],
  schedule: 'nightly',
  rules: ({ url, settings }) => ({
    limits: [limitHost(url, settings?.minIntervalMs), ALL_SHOPS],
    breaker: { scope: 'host', key: url.host },
  }),
  fetch: fetchProducts,
  address: ({ url }) => url,
  scan: (line) => ({
    start: 0,
    end: line.at(-1) === LINE_FEED ? line.length - 1 : line.length,
    volatile: [],
  }),
  unwrap: (line) => line,
  identify,
  normalise,
  recognise,
}

/**
 * Yields the pages of a shop. `expected` is always null: `published_products_count` includes
 * products that the list omits (other channels, locales), so a difference is only a warning.
 */
async function* fetchProducts(
  { settings, cursor, http, warn }: FetchRequest<ShopifySettings>,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const ask = asking(http, signal)
  const list = new ProductList(ask, settings.url)
  const meta = await loadShop(ask, settings, warn)
  let place = Cursor.parse(cursor ?? { page: 1, listed: 0 })
  while (place.page <= settings.maxPages) {
    const reading = readPlace(list, place, (listed) => warnOfCount(listed, meta, warn))
    let read = await reading.next()
    for (; !read.done; read = await reading.next()) yield read.value
    if (read.value === 'ended') return
    if (read.value === 'beyond') {
      warn(
        `${list.host} lists at most ${REACH} products and may have more, so the run stays incomplete. Reading by collection is not supported`,
      )
      return
    }
    place = read.value
  }
  warn(
    `${list.host} has more pages than maxPages (${settings.maxPages}), so the run stays incomplete. Raise maxPages if the shop is that large`,
  )
}

/**
 * Yields one page of the list, and the products that moved across the boundary before it. Returns
 * the cursor of the next page. Only the last piece has this cursor, so an interrupted page is read
 * again as a whole.
 */
async function* readPlace(
  list: ProductList,
  place: Cursor,
  onEnd: (listed: number) => void,
): AsyncGenerator<Page, Cursor | 'ended' | 'beyond'> {
  const { page } = place
  const ids: string[] = []
  let listed = place.listed
  let last: LinesOfBlock = NOTHING
  const pieceOf = ({ bytes, lineCount }: LinesOfBlock, cursor: Cursor, complete = false): Page => {
    listed += lineCount
    return { bytes, lineCount, cursor, expected: null, watermarkMs: null, complete }
  }
  for await (const part of list.read(page)) {
    if (part === null) return 'beyond'
    if (ids.length === 0) refuseRepetition(list.host, page, place.ids, part)
    ids.push(...part.ids)
    for (const block of part.lines()) {
      if (last.lineCount > 0) yield pieceOf(last, place)
      last = block
    }
  }
  const ended = last.lineCount === 0
  if (hasSeam(place, ids))
    for await (const moved of list.readSeam(page - 1, place.ids, ids)) yield pieceOf(moved, place)
  const next = {
    page: ended ? page : page + 1,
    listed: listed + last.lineCount,
    ids: ids.slice(-IDS_KEPT),
  }
  if (ended) onEnd(listed)
  yield pieceOf(last, ended ? { ...place, listed } : next, ended)
  return ended ? 'ended' : next
}

/**
 * Returns true if a product may have moved to the page before. It cannot when that page was the
 * last one and far from full, or contained all products.
 */
function hasSeam({ page, ids: before }: Cursor, ids: readonly string[]): boolean {
  const mayBeFull = before.length < IDS_KEPT && (page > 2 || before.length >= PAGE_SIZE / 2)
  return before.length > 0 && (ids.length > 0 || mayBeFull)
}

/**
 * Loads the shop's metadata. @throws SyncError `source/malformed` when the shop states another
 * currency than its settings
 */
async function loadShop(
  ask: Ask,
  { url, currency }: ShopifySettings,
  warn: Warn,
): Promise<Meta | null> {
  const host = toHost(url)
  const meta = await find(ask, `${url}/meta.json`, Meta)
  if (!meta?.currency) {
    warn(
      `${host}/meta.json states no currency: prices are read as ${currency}, the setting of the source`,
    )
  } else if (meta.currency !== currency) {
    const change = `${host} has changed its currency from ${currency} to ${meta.currency}`
    throw new SyncError(
      'source/malformed',
      `${change}. If that is right: shelfsync sources set NAME --set currency=${meta.currency}`,
    )
  }
  const cart = await find(ask, `${url}/cart.js`, Cart)
  if (cart && cart.currency !== currency) {
    warn(
      `${host} shows prices in ${cart.currency} to visitors from here: check that its list is still in ${currency}`,
    )
  }
  return meta
}

function warnOfCount(listed: number, meta: Meta | null, warn: Warn): void {
  const published = meta?.published_products_count ?? listed
  if (published !== listed)
    warn(
      `The list has ${listed} products, while /meta.json counts ${published}; that count is often off`,
    )
}

/**
 * Recognises a shop by one product and `/meta.json`. Returns null without a sign of Shopify.
 *
 * @throws SyncError `source/…` when the shop cannot be read, or when the response only resembles a
 * list of products
 */
async function recognise(
  address: URL,
  http: Http,
  signal: AbortSignal,
): Promise<Recognition<ShopifySettings> | null> {
  const ask = asking(http, signal)
  const response = await ask(`${address.origin}/products.json?limit=1`)
  const shop = new URL(response.url).origin
  const where = `${toHost(shop)}/products.json`
  const failure = await failureOf(response, where)
  if (failure) {
    await response.cancel()
    const isAnySite = failure.code === 'source/gone' || failure.code === 'source/malformed'
    if (isAnySite && !(await hintsAtShopify(address, response, ask))) return null
    throw failure
  }
  const lookAlike = lookAlikeOf(await readPage(response, where, 1))
  if (lookAlike !== null)
    throw new SyncError(
      'source/malformed',
      `${where} is not the list that a Shopify shop publishes, but ${lookAlike}`,
    )
  const meta = await find(ask, `${shop}/meta.json`, Meta)
  if (!meta?.currency) {
    const reason =
      'is a Shopify list, but /meta.json states no currency: add it as a shopify source with its currency'
    throw new SyncError('source/malformed', `${where} ${reason}`)
  }
  const settings = ShopifySettings.parse({ url: shop, currency: meta.currency })
  const host = toHost(shop).replace(/^www\.|\.myshopify\.com$/g, '')
  return { suggestedName: toSlug(meta.name ?? '') || toSlug(host), settings }
}

/**
 * Returns true if another sign indicates Shopify. A missing list alone is not one: most sites
 * return a web page or "not found".
 */
async function hintsAtShopify(address: URL, response: HttpResponse, ask: Ask): Promise<boolean> {
  if (isFromShopify(response) || address.pathname.endsWith('/products.json')) return true
  const meta = await find(ask, `${address.origin}/meta.json`, Meta)
  return Boolean(meta?.myshopify_domain)
}

/**
 * Requests an optional document. Returns null when it is missing or not valid. @throws SyncError
 * with the action `retry`
 */
async function find<T>(ask: Ask, url: string, schema: z.ZodType<T>): Promise<T | null> {
  const response = await ask(url)
  try {
    return schema.safeParse(await readFacts(response, url)).data ?? null
  } catch (error) {
    if (hasAction(error, 'stop') && error.code !== 'run/cancelled') return null
    throw error
  }
}

/** GET requests without cookies and Accept-Language, which can change the prices. */
function asking(http: Http, signal: AbortSignal): Ask {
  return (url) => http({ url, headers: { accept: 'application/json' } }, signal)
}
