// The collections of a shop. The list of all products ends at 25,000; a larger shop is read by its
// collections, which overlap and need not contain every product.

import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import { toHost } from '../../lib/read-body.ts'
import type { Ask } from './list.ts'
import { readFacts } from './responses.ts'

const PAGE_SIZE = 250
/** A shop may have 5,000 collections; an automatic one for each brand or tag adds to them. */
const PAGES_MAX = 40

const Collections = z.object({
  collections: z.array(
    z.object({
      handle: z.string().min(1).nullish().catch(null),
      products_count: z.int().nonnegative().nullish().catch(null),
    }),
  ),
})

/** The path of the list of a collection. */
export function toListPath(handle: string): string {
  return `/collections/${encodeURIComponent(handle.toWellFormed())}/products.json`
}

/**
 * Lists the handles of the collections, the largest first: fewer requests then find all products.
 * `products_count` is often wrong, so it only orders them.
 *
 * @throws SyncError `source/…`
 */
export async function listCollections(ask: Ask, shop: string): Promise<string[]> {
  const sizes = new Map<string, number>()
  for (let page = 1; page <= PAGES_MAX; page++) {
    const url = `${shop}/collections.json?limit=${PAGE_SIZE}&page=${page}`
    const where = `${toHost(shop)}/collections.json, page ${page},`
    const { data } = Collections.safeParse(await readFacts(await ask(url), where))
    if (data === undefined)
      throw new SyncError('source/malformed', `${where} is not a list of collections`)
    const before = sizes.size
    for (const { handle, products_count } of data.collections)
      if (handle != null && !sizes.has(handle)) sizes.set(handle, products_count ?? 0)
    // A list that ignores `page` repeats its collections.
    if (sizes.size === before) break
  }
  return [...sizes]
    .sort(([a, sizeA], [b, sizeB]) => sizeB - sizeA || (a < b ? -1 : 1))
    .map(([handle]) => handle)
}
