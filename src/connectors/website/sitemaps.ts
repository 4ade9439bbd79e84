// Reads the sitemaps of a site: those that robots.txt names, or those at the usual places, with the
// sitemaps that an index lists.

import { hasAction, type SyncError } from '../../core/errors.ts'
import { refuseFailure } from './errors.ts'
import { isOfSite, isProductSitemap, toRequestAddress, type Listed } from './listed-pages.ts'
import { toMatcher, type Robots } from './robots.ts'
import type { Site } from './site.ts'
import { readSitemap } from './sitemap.ts'

/** The usual places, in the order of their use. */
const USUAL = ['/sitemap.xml', '/sitemap_index.xml', '/wp-sitemap.xml', '/product-sitemap.xml']
const DEPTH_MAX = 3
const FILES_MAX = 1_000
/** Maximum number of addresses that are kept; each takes about 100 bytes. */
const ADDRESSES_MAX = 500_000

/** The addresses that a site lists. */
export interface Listing {
  readonly listed: readonly Listed[]
  /** The sitemaps that were read. */
  readonly files: readonly string[]
  /** Reasons why the list may not be whole. */
  readonly gaps: readonly string[]
  /** Number of addresses on other hosts, which are left out. */
  readonly foreign: number
}

/**
 * Reads all sitemaps. `exclude` may also name sitemaps.
 *
 * @throws SyncError any error with the action `retry` · `source/blocked`
 */
export async function readSitemaps(
  site: Site,
  robots: Robots,
  exclude: readonly string[],
): Promise<Listing> {
  const reader = new SitemapTree(site, robots, exclude)
  const stated = robots.sitemaps.slice(0, FILES_MAX)
  for (const address of stated) await reader.readStated(address)
  for (const path of USUAL) {
    if (reader.files.length > 0) break
    await reader.readGuessed(site.url.origin + path)
  }
  return reader
}

class SitemapTree implements Listing {
  readonly files: string[] = []
  readonly gaps: string[] = []
  foreign = 0
  readonly #site: Site
  readonly #robots: Robots
  readonly #isExcluded: (url: URL) => boolean
  readonly #seen = new Set<string>()
  readonly #listed = new Map<string, Listed>()
  #isFull = false

  constructor(site: Site, robots: Robots, exclude: readonly string[]) {
    this.#site = site
    this.#robots = robots
    this.#isExcluded = toMatcher(exclude)
  }

  get listed(): readonly Listed[] {
    return [...this.#listed.values()]
  }

  /** A sitemap that the site names must be readable, or the list is not whole. */
  async readStated(address: string, depth = 0): Promise<void> {
    const url = this.#accept(address)
    if (url === null) return
    try {
      await this.#read(url, depth)
    } catch (error) {
      if (!hasAction(error, 'stop') || isFinal(error)) throw error
      this.gaps.push(error.message)
    }
  }

  /** A sitemap that robots.txt names is meant to be read; another one must be allowed. */
  async readGuessed(address: string): Promise<void> {
    const url = this.#accept(address)
    if (url === null || !this.#robots.allows(url)) return
    try {
      await this.#read(url, 0)
    } catch (error) {
      if (!hasAction(error, 'stop') || isFinal(error)) throw error
    }
  }

  /** Returns the address of a sitemap to read, or null for one that is excluded or known. */
  #accept(address: string): URL | null {
    const url = URL.parse(address, this.#site.url)
    if (url === null || !isOfSite(url, this.#site.url) || url.password !== '') {
      this.gaps.push(`The sitemap ${url?.host ?? 'without a valid address'} is on another site`)
      return null
    }
    url.hash = ''
    if (this.#seen.has(url.href) || this.#isExcluded(url)) return null
    this.#seen.add(url.href)
    if (this.#seen.size <= FILES_MAX) return url
    if (this.#seen.size === FILES_MAX + 1)
      this.gaps.push(`${this.#site.url.host} has more than ${FILES_MAX} sitemaps`)
    return null
  }

  async #read(url: URL, depth: number): Promise<void> {
    const name = `The sitemap ${url.host}${url.pathname}`
    const response = await this.#site.request(
      url.href,
      'application/xml, text/xml;q=0.9, */*;q=0.1',
    )
    const isProducts = isProductSitemap(url.href)
    const inner: string[] = []
    try {
      await refuseFailure(response, response.url, name)
      for await (const entry of readSitemap(response.body, name)) {
        if (entry.kind === 'sitemap') inner.push(entry.address)
        else this.#add(entry.address, entry.changedMs, isProducts)
        if (inner.length > FILES_MAX || this.#isFull) break
      }
    } finally {
      await response.cancel()
    }
    this.files.push(url.href)
    if (inner.length > 0 && depth >= DEPTH_MAX)
      this.gaps.push(`${name} is an index at a depth of more than ${DEPTH_MAX}`)
    else for (const address of inner) await this.readStated(address, depth + 1)
  }

  #add(text: string, changedMs: number | null, isInProductSitemap: boolean): void {
    const address = toRequestAddress(text, this.#site.url)
    if (address === null) this.foreign++
    else if (this.#listed.size < ADDRESSES_MAX) {
      const known = this.#listed.get(address)
      if (known === undefined || isInProductSitemap)
        this.#listed.set(address, { address, changedMs, isInProductSitemap })
    } else if (!this.#isFull) {
      this.#isFull = true
      this.gaps.push(`${this.#site.url.host} lists more than ${ADDRESSES_MAX} addresses`)
    }
  }
}

/** Errors after which no other request may be sent. */
function isFinal({ code }: SyncError): boolean {
  return code === 'source/blocked' || code === 'run/cancelled' || code === 'source/password'
}
