// Recognises a Shopify shop by its list of products. A site may close `/products.json` and leave the
// list of its collection "all" open; a shop without either is recognised by other signs, and refused.

import type { Recognition } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { Http, HttpResponse } from '../../core/http.ts'
import { toHost } from '../../lib/read-body.ts'
import { toSlug } from '../../lib/text.ts'
import { failureOf, isFromShopify } from './errors.ts'
import type { Ask } from './list.ts'
import { asking, findAgentProfile, findDocument, Meta } from './documents.ts'
import { lookAlikeOf, readPage } from './responses.ts'
import { LISTS, ShopifySettings, type ListPath } from './settings.ts'

/** A list that responds as that of a shop; `origin` is the address after redirects. */
interface FoundList {
  readonly origin: string
  readonly path: ListPath
}

/** The first list of a site, which is not one of a shop. */
interface MissingList {
  readonly error: SyncError
  readonly response: HttpResponse
}

/**
 * Recognises a shop by one product and `/meta.json`. Returns null without a sign of Shopify.
 *
 * @throws SyncError `source/…` when the shop cannot be read, or when the response only resembles a
 * list of products
 */
export async function recognise(
  address: URL,
  http: Http,
  signal: AbortSignal,
): Promise<Recognition<ShopifySettings> | null> {
  const ask = asking(http, signal)
  const found = await findList(ask, address.origin)
  if ('path' in found) return toRecognition(ask, found)
  const { error, response } = found
  const profile = await findAgentProfile(ask, address.origin)
  // A shop may be on another domain than the pages of its brand. Its own domain at myshopify.com is
  // not tried: an owner who closes the list at the public address has closed it.
  if (profile !== null && profile.origin !== address.origin && !isPlatformDomain(profile)) {
    const elsewhere = await findList(ask, profile.origin)
    if ('path' in elsewhere) return toRecognition(ask, elsewhere)
  }
  if (profile !== null || (await hintsAtShopify(address, response, ask))) throw error
  return null
}

/**
 * Tries both lists. @throws SyncError `source/…` for a site that refuses them, other than by a web
 * page or as missing
 */
async function findList(ask: Ask, origin: string): Promise<FoundList | MissingList> {
  let missing: MissingList | null = null
  for (const path of LISTS) {
    const response = await ask(`${origin}${path}?limit=1`)
    const shop = new URL(response.url).origin
    const where = `${toHost(shop)}${path}`
    const error = await failureOf(response, where)
    if (error === null) {
      await requireList(response, where)
      return { origin: shop, path }
    }
    await response.cancel()
    if (!isAnySite(error, response)) throw missing?.error ?? error
    missing ??= { error, response }
  }
  if (missing === null) throw new Error('LISTS is empty')
  return missing
}

/** Most sites respond so to an address that they do not have. */
function isAnySite({ code }: SyncError, response: HttpResponse): boolean {
  if (code === 'source/gone' || code === 'source/malformed') return true
  return response.status === 401 && !isFromShopify(response)
}

/** @throws SyncError `source/…` */
async function requireList(response: HttpResponse, where: string): Promise<void> {
  const lookAlike = lookAlikeOf(await readPage(response, where, 1))
  if (lookAlike !== null)
    throw new SyncError(
      'source/malformed',
      `${where} is not the list that a Shopify shop publishes, but ${lookAlike}`,
    )
}

async function toRecognition(
  ask: Ask,
  { origin, path }: FoundList,
): Promise<Recognition<ShopifySettings>> {
  const meta = await findDocument(ask, `${origin}/meta.json`, Meta)
  if (!meta?.currency)
    throw new SyncError(
      'source/malformed',
      `${toHost(origin)}${path} is a Shopify list, but /meta.json states no currency. Add it with its currency: ` +
        `shelfsync add shopify --set url=${origin} --set currency=AUD`,
    )
  const settings = ShopifySettings.parse({ url: origin, currency: meta.currency, list: path })
  const host = toHost(origin).replace(/^www\.|\.myshopify\.com$/g, '')
  return { suggestedName: toSlug(meta.name ?? '') || toSlug(host), settings }
}

function isPlatformDomain({ hostname }: URL): boolean {
  return hostname.endsWith('.myshopify.com')
}

/**
 * Returns true if another sign indicates Shopify. A missing list alone is not one: most sites
 * return a web page or "not found".
 */
async function hintsAtShopify(address: URL, response: HttpResponse, ask: Ask): Promise<boolean> {
  if (isFromShopify(response) || address.pathname.endsWith('/products.json')) return true
  const meta = await findDocument(ask, `${address.origin}/meta.json`, Meta)
  return Boolean(meta?.myshopify_domain)
}
