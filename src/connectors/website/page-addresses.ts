// Compares the addresses that a product states with those of its page.

import { toBareHost, toPageAddress } from './addresses.ts'
import type { Item, PageEvidence } from './evidence.ts'
import { itemsOf, textsOf } from './items.ts'

/** `unknown`: the product states no address on this host that is not the home page. */
export type AddressMatch = 'same' | 'other' | 'unknown'

/** Parameters that choose a variant of the product of a page. */
const CHOICE = /variant|sku|attribute|option|size|colou?r/i

/** Returns the id of the product of a page: its canonical address on the same host, or its own. */
export function findPageId(page: Pick<PageEvidence, 'url' | 'canonical'>): string | null {
  return toPageAddress(findPageUrl(page))
}

/** Returns the canonical address, as the page writes it, or the requested one. */
export function findPageUrl({ url, canonical }: Pick<PageEvidence, 'url' | 'canonical'>): string {
  const own = toPageAddress(url)
  const stated = canonical === null ? null : toPageAddress(canonical)
  if (own === null || stated === null) return url
  const statedUrl = new URL(stated)
  if (toBareHost(statedUrl) !== toBareHost(new URL(own))) return url
  // Some themes state the home page as the canonical address of every page.
  const isHome = statedUrl.pathname === '/' && statedUrl.search === ''
  return isHome ? url : (canonical ?? url)
}

/** Returns the addresses of a page, the requested one and the canonical one. */
export function listPageAddresses(evidence: PageEvidence): string[] {
  const addresses = [findPageId(evidence), toPageAddress(evidence.url)]
  return addresses.filter((address) => address !== null)
}

/** The most explicit statement of a product decides; `@id` is the least explicit one. */
export function matchAddress(item: Item, pages: readonly string[]): AddressMatch {
  const statements = [
    [
      ...textsOf(item, 'mainentityofpage'),
      ...itemsOf(item, 'mainentityofpage').flatMap(listAddresses),
    ],
    textsOf(item, 'url'),
    itemsOf(item, 'offers').flatMap((offer) => textsOf(offer, 'url')),
    item.id === null || isPlaceOnPage(item.id, pages) ? [] : [item.id],
  ]
  for (const addresses of statements) {
    const matches = addresses.map((address) => compareAddress(address, pages))
    if (matches.includes('same')) return 'same'
    if (matches.includes('other')) return 'other'
  }
  return 'unknown'
}

/** `#product` names a part of the page, which may be about a related product. */
function isPlaceOnPage(id: string, pages: readonly string[]): boolean {
  return id.includes('#') && pages.includes(toPageAddress(id, pages[0]) ?? '')
}

function listAddresses(page: Item): string[] {
  return page.id === null ? textsOf(page, 'url') : [page.id]
}

function compareAddress(stated: string, pages: readonly string[]): AddressMatch {
  const address = toPageAddress(stated, pages[0])
  if (address === null) return 'unknown'
  const own = new URL(address)
  const onHost = pages
    .map((page) => new URL(page))
    .filter((page) => toBareHost(page) === toBareHost(own))
  if (onHost.length === 0) return 'unknown'
  if (onHost.some((page) => isSamePage(own, page))) return 'same'
  // Some shops state their home page for each product.
  return own.pathname === '/' ? 'unknown' : 'other'
}

/** Compares two addresses on one host. */
function isSamePage(own: URL, page: URL): boolean {
  const isSamePath =
    isPart(segmentsOf(own), segmentsOf(page)) || isPart(segmentsOf(page), segmentsOf(own))
  return isSamePath && isSameQuery(own, page)
}

/** `/x` and `/collections/all/x`: one product in several categories, with equal last segments. */
function isPart(short: readonly string[], long: readonly string[]): boolean {
  if (short.length === 0 || long.length === 0) return short.length === long.length
  if (short.at(-1) !== long.at(-1)) return false
  let matched = 0
  for (const segment of long) if (segment === short[matched]) matched++
  return matched === short.length
}

function isSameQuery(own: URL, page: URL): boolean {
  for (const [name, value] of own.searchParams) {
    const other = page.searchParams.get(name)
    if (other !== null && other !== value && !CHOICE.test(name)) return false
  }
  return true
}

function segmentsOf({ pathname }: URL): string[] {
  return pathname
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '')
}
