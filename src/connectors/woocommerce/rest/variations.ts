// Reads the variations of products by the REST API, which lists them for one product at a time.

import { readMember, type Item, type ListPage } from '../documents.ts'
import type { ProductLists } from '../list.ts'
import { listParents, type Variations } from '../variations.ts'
import { VARIATION_FIELDS } from './records.ts'

/** A product may have hundreds of variations. */
const REQUESTS_MAX = 100

/** @throws SyncError `source/…` */
export async function readRestVariations(
  lists: ProductLists,
  page: ListPage,
  products: readonly Item[],
): Promise<Variations> {
  const found = new Map<string, readonly Uint8Array[]>()
  for (const { id, stubs } of listParents(page.bytes, products))
    if (stubs.length > 0) found.set(id, await readAll(lists, id))
  return found
}

async function readAll(lists: ProductLists, product: string): Promise<Uint8Array[]> {
  const found = new Map<string, Uint8Array>()
  for (let requests = 0, offset = 0; requests < REQUESTS_MAX; requests++) {
    const { bytes, items, total } = await lists.request(
      `offset=${offset}&_fields=${VARIATION_FIELDS}`,
      `variations of ${product} from ${offset}`,
      `products/${product}/variations`,
    )
    const before = found.size
    for (const item of items)
      if (readMember(bytes, item, 'id') !== null)
        found.set(item.id, bytes.slice(item.start, item.end))
    offset += items.length
    const isEnd = total === null ? items.length < lists.size : offset >= total
    if (isEnd || found.size === before) break
  }
  return [...found.values()]
}
