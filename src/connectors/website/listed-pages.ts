// The pages that a site lists: those on the site itself, each once, and those of products among them.

import { toBareHost, toPageAddress } from './addresses.ts'
import { toMatcher } from './robots.ts'

const ADDRESS_CHARS_MAX = 2_000

/** Files other than pages. */
const FILE =
  /\.(jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|pdf|docx?|xlsx?|zip|gz|rar|xml|txt|rss|json|js|css|mp[34]|mov|webm|woff2?)$/i

/**
 * Paths of product pages, in the languages of the shops met so far. A word for products is followed
 * by a name; `/shop/` may be followed by a category as well.
 */
const PRODUCT_PATH =
  /\/(products?|produkte?r?|produits?|productos?|prodott[oi]|produtos?|proizvodi?|termek|tuote|p|dp|items?|artikel|artikull?|shop|store\/p|product-page|tovar)\/[^/]+/i
/** `blue-mug-p-123.html`, `/p123456`. */
const PRODUCT_NAME = /[-_/](p|pd|prod|art|itm?)[-_]?\d{2,}(\.html?)?\/?$/i

/** A word in the name of a sitemap: `product-sitemap2.xml`, `sitemap_products_1.xml`. */
const PRODUCT_SITEMAP =
  /(^|[^a-z])(products?|produkte?r?|produits?|productos?|prodotti|produtos?|proizvodi?|tovar\w*|items?|pdp)([^a-z]|$)/i

/** True for an address of the site itself. */
export function isOnSite(url: URL, site: URL): boolean {
  return /^https?:$/.test(url.protocol) && toBareHost(url) === toBareHost(site)
}

/** True for an address of the site or of one of its subdomains, where sitemaps may lie. */
export function isOfSite(url: URL, site: URL): boolean {
  return isOnSite(url, site) || url.host.endsWith(`.${toBareHost(site)}`)
}

/**
 * Returns an address of the site as a request needs it: on the site's own origin, without a fragment.
 * Null when it is not an address of the site.
 */
export function toRequestAddress(text: string, site: URL, base: URL = site): string | null {
  const url = text.length <= ADDRESS_CHARS_MAX ? URL.parse(text.trim(), base) : null
  if (url === null || !isOnSite(url, site) || url.username !== '' || url.password !== '')
    return null
  const address = `${site.origin}${url.pathname}${url.search}`
  return address.length <= ADDRESS_CHARS_MAX ? address : null
}

/** A page that a sitemap lists. */
export interface Listed {
  /** As it is requested. */
  readonly address: string
  /** The time of the last change that the sitemap states, epoch milliseconds. Only a hint. */
  readonly changedMs: number | null
  /** The name of its sitemap is that of a sitemap of products. */
  readonly isInProductSitemap: boolean
}

export function isProductSitemap(address: string): boolean {
  return PRODUCT_SITEMAP.test(URL.parse(address)?.pathname ?? '')
}

/** The patterns of a source, as in robots.txt. */
export interface Patterns {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** The rule by which the pages of products were chosen. */
export type ChoiceRule = 'include' | 'product sitemaps' | 'product addresses' | 'all addresses'

export interface Choice {
  /** In the order of their addresses, each once. */
  readonly pages: readonly Listed[]
  readonly rule: ChoiceRule
}

/**
 * Chooses the addresses that may be products. Without `include`, it uses the sitemaps of products;
 * without such sitemaps, addresses with the form of a product's; without these, all addresses.
 */
export function chooseProducts(listed: Iterable<Listed>, { include, exclude }: Patterns): Choice {
  const [isIncluded, isExcluded] = [toMatcher(include), toMatcher(exclude)]
  const pages = new Map<string, Listed>()
  for (const one of listed) {
    // Two spellings of an address are one page.
    const key = toPageAddress(one.address) ?? one.address
    const known = pages.get(key)
    if (known === undefined ? isWanted(new URL(one.address)) : one.isInProductSitemap)
      pages.set(key, one)
  }
  const all = [...pages.values()].toSorted((a, b) => (a.address < b.address ? -1 : 1))
  if (include.length > 0) return { pages: all, rule: 'include' }
  const inSitemaps = all.filter(({ isInProductSitemap }) => isInProductSitemap)
  if (inSitemaps.length > 0) return { pages: inSitemaps, rule: 'product sitemaps' }
  const byForm = all.filter(({ address }) => looksLikeProduct(address))
  if (byForm.length > 0) return { pages: byForm, rule: 'product addresses' }
  return { pages: all, rule: 'all addresses' }

  function isWanted(url: URL): boolean {
    if (FILE.test(url.pathname) || isExcluded(url)) return false
    return include.length === 0 || isIncluded(url)
  }
}

function looksLikeProduct(address: string): boolean {
  const { pathname } = new URL(address)
  return PRODUCT_PATH.test(pathname) || PRODUCT_NAME.test(pathname)
}
