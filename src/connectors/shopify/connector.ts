// The connector of Shopify shops, which reads the public list `/products.json`. The list needs no
// key and states no total and no currency; only a page without products ends it. The currency is a
// setting, read from `/meta.json` when the shop is added, so that a replayed record has the same
// prices.

import type { Connector, FetchRequest, Page } from '../../core/connector.ts'
import { NO_CREDENTIALS } from '../../core/credentials.ts'
import { scanWholeLine } from '../../core/define-connector.ts'
import { SyncError } from '../../core/errors.ts'
import { limitHost, type RequestLimit } from '../../core/limits.ts'
import { toHost } from '../../lib/read-body.ts'
import { asking, Cart, findDocument, Meta } from './documents.ts'
import type { Ask } from './list.ts'
import { Place } from './cursor.ts'
import { identify, normalise } from './products.ts'
import { readShop } from './public-list.ts'
import { recognise } from './recognise.ts'
import { ShopifySettings } from './settings.ts'

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
  scan: scanWholeLine,
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
  const meta = await loadShop(ask, settings, warn)
  const count = meta?.published_products_count ?? null
  const start = Place.parse(cursor ?? { page: 1, listed: 0 })
  yield* readShop({ ask, settings, count, warn }, start)
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
