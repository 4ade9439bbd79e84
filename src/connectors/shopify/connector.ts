// The connector of Shopify shops. It reads the public list `/products.json`, which needs no key, or
// the Admin API, where the owner gives a token. Neither states the currency in a record: it is a
// setting, read from `/meta.json` when the shop is added, so that a replayed record has the same
// prices.

import type { Connector, FetchRequest, Page, ProbeRequest } from '../../core/connector.ts'
import { scanWholeLine } from '../../core/define-connector.ts'
import { limitHost, type RequestLimit } from '../../core/limits.ts'
import { toHost } from '../../lib/read-body.ts'
import { asking, Cart, findDocument, Meta } from './documents.ts'
import type { Ask } from './list.ts'
import { Place } from './cursor.ts'
import { fetchAdmin, probeAdmin } from './admin/fetch.ts'
import { shopifyCredentials, type ShopifyCredentials } from './credentials.ts'
import { identify, normalise } from './drafts.ts'
import { failureOf, toCurrencyError } from './errors.ts'
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

export const shopify: Connector<ShopifySettings, ShopifyCredentials> = {
  name: 'shopify',
  title: "A Shopify shop, read from its public list of products, or with its owner's token",
  settings: ShopifySettings,
  credentials: shopifyCredentials,
  usesCredentials: ({ access }) => access === 'admin',
  addressSetting: 'url',
  options: [],
  normaliserVersion: 1,
  volatilePaths: [
    'updated_at',
    'variants.*.updated_at',
    'variants.*.featured_image.updated_at',
    'images.*.updated_at',
    'updatedAt',
  ],
  idPaths: ['id'],
  scopes: ['all'],
  schedule: 'nightly',
  rules: ({ url, settings }) => ({
    limits: limitsOf(url, settings),
    breaker: { scope: 'host', key: url.host },
  }),
  probe,
  fetch: (request, signal) =>
    request.settings.access === 'admin' ? fetchAdmin(request, signal) : fetchList(request, signal),
  address: ({ url }) => url,
  secretsAddresses: ({ url, adminUrl }) => [adminUrl ?? url],
  scan: scanWholeLine,
  unwrap: (line) => line,
  identify,
  normalise,
  recognise,
}

/**
 * Visitors of all shops share a limit. The Admin API has its own for each shop, and the file of a
 * bulk operation comes from a server that all shops share.
 */
function limitsOf(url: URL, settings: ShopifySettings | null): RequestLimit[] {
  const own = limitHost(url, settings?.minIntervalMs)
  if (settings?.access !== 'admin') return [own, ALL_SHOPS]
  return url.origin === settings.adminUrl ? [own] : []
}

/** @throws SyncError `source/…` */
async function probe(
  request: ProbeRequest<ShopifySettings, ShopifyCredentials>,
  signal: AbortSignal,
): Promise<void> {
  const { settings, http } = request
  if (settings.access === 'admin') return probeAdmin(request, signal)
  const url = `${settings.url}${settings.list}?limit=1`
  const response = await asking(http, signal)(url)
  const failure = await failureOf(response, url)
  await response.cancel()
  if (failure !== null) throw failure
}

/**
 * Yields the pages of a shop. `expected` is always null: `published_products_count` includes
 * products that the list omits (other channels, locales), so a difference is only a warning.
 */
async function* fetchList(
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
    throw toCurrencyError(host, currency, meta.currency)
  }
  const cart = await findDocument(ask, `${url}/cart.js`, Cart)
  if (cart && cart.currency !== currency) {
    warn(
      `${host} shows prices in ${cart.currency} to visitors from here: check that its list is still in ${currency}`,
    )
  }
  return meta
}
