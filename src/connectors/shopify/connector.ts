// The connector of Shopify shops, which reads the public list `/products.json`. The list needs no
// key and states no total and no currency; only a page without products ends it. The currency is a
// setting, read from `/meta.json` when the shop is added, so that a replayed record has the same
// prices.

import { z } from 'zod'
import type { Connector, FetchRequest, Page } from '../../core/connector.ts'
import { NO_CREDENTIALS } from '../../core/credentials.ts'
import { SyncError } from '../../core/errors.ts'
import { limitHost, type RequestLimit } from '../../core/limits.ts'
import { toHost } from '../../lib/read-body.ts'
import type { LinesOfBlock } from '../../lib/json-slices.ts'
import { LINE_FEED } from '../../lib/byte-scan.ts'
import { asking, Cart, findDocument, Meta } from './documents.ts'
import { ProductList, refuseRepetition, type Ask } from './list.ts'
import { identify, normalise } from './products.ts'
import { recognise } from './recognise.ts'
import { PAGE_SIZE, REACH, ShopifySettings } from './settings.ts'

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
  const list = new ProductList(ask, settings.url, settings.list)
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
  const meta = await findDocument(ask, `${url}/meta.json`, Meta)
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
  const cart = await findDocument(ask, `${url}/cart.js`, Cart)
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
