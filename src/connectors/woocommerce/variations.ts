// Reads the variations of products. A product lists only their ids and options, so their prices and
// stock are requested for many products at once.

import { BRACE_OPEN, BRACKET_OPEN } from '../../lib/byte-scan.ts'
import { findFirstMember, readElements, type Slice } from '../../lib/json-slices.ts'
import { readMember, type Item, type ListPage } from './documents.ts'
import { PAGE_SIZE, type ProductLists } from './list.ts'

/** A product may have hundreds of variations, such as every grind of every plan of a subscription. */
const REQUESTS_MAX = 100
const ID_BYTES_MAX = 64

/** A product with variations, and the ids of those that it lists. */
interface Parent {
  readonly id: string
  readonly stubs: readonly string[]
}

/** The bytes of variations, by the id of their product. */
export type Variations = ReadonlyMap<string, readonly Uint8Array[]>

/**
 * Requests the variations of all products of a page that have some.
 *
 * @throws SyncError `source/…`
 */
export async function readVariations(
  lists: ProductLists,
  { bytes }: ListPage,
  products: readonly Item[],
): Promise<Variations> {
  const parents = listParents(bytes, products)
  const found = new Map<string, Uint8Array[]>()
  for (const batch of toBatches(parents)) {
    const wanted = new Set(batch.map(({ id }) => id))
    await collect(lists, `parent=${[...wanted].join(',')}`, wanted, found)
    // Some shops list none by their parent, but know them by their ids.
    const missing = batch.filter(({ id, stubs }) => stubs.length > 0 && !found.has(id))
    const ids = missing.flatMap(({ stubs }) => stubs)
    for (let from = 0; from < ids.length; from += PAGE_SIZE)
      await collect(
        lists,
        `include=${ids.slice(from, from + PAGE_SIZE).join(',')}`,
        new Set(missing.map(({ id }) => id)),
        found,
      )
  }
  return found
}

/** Lists the products that have variations. */
export function listParents(bytes: Uint8Array, products: readonly Item[]): readonly Parent[] {
  return products.flatMap((product) => toParent(bytes, product))
}

function toParent(bytes: Uint8Array, product: Item): Parent[] {
  if (!isId(product.id)) return []
  const list = findFirstMember(bytes, product.start, 'variations')
  const isList = list !== null && bytes[list.start] === BRACKET_OPEN
  const ids = isList
    ? Array.from(readElements(bytes, list.start), (stub) => readStubId(bytes, stub))
    : []
  const stubs = ids.filter(isId)
  const isVariable = readMember(bytes, product, 'type')?.startsWith('"variable') ?? false
  return isVariable || stubs.length > 0 ? [{ id: product.id, stubs }] : []
}

/** The Store API lists objects with an id, and the REST API lists ids. */
function readStubId(bytes: Uint8Array, stub: Slice): string {
  if (bytes[stub.start] === BRACE_OPEN) return readMember(bytes, stub, 'id') ?? ''
  return stub.end - stub.start > ID_BYTES_MAX
    ? ''
    : new TextDecoder().decode(bytes.subarray(stub.start, stub.end))
}

/** Groups products so that their variations fit into one page, if they can. */
function* toBatches(parents: readonly Parent[]): Generator<readonly Parent[]> {
  let batch: Parent[] = []
  let size = 0
  for (const parent of parents) {
    const own = Math.max(1, parent.stubs.length)
    if (batch.length > 0 && size + own > PAGE_SIZE) {
      yield batch
      batch = []
      size = 0
    }
    batch.push(parent)
    size += own
  }
  if (batch.length > 0) yield batch
}

/** Adds the variations of `parents` that a request finds, page by page. */
async function collect(
  lists: ProductLists,
  query: string,
  parents: ReadonlySet<string>,
  found: Map<string, Uint8Array[]>,
): Promise<void> {
  const seen = new Set<string>()
  for (let requests = 0, offset = 0; requests < REQUESTS_MAX; requests++) {
    const { bytes, items, total } = await lists.request(
      `type=variation&${query}&offset=${offset}`,
      `variations from ${offset}`,
    )
    const before = seen.size
    for (const item of items) {
      const parent = readMember(bytes, item, 'parent') ?? ''
      if (seen.has(item.id) || !parents.has(parent)) continue
      seen.add(item.id)
      const list = found.get(parent) ?? []
      list.push(bytes.slice(item.start, item.end))
      found.set(parent, list)
    }
    offset += items.length
    const isEnd = total === null ? items.length < lists.size : offset >= total
    if (isEnd || seen.size === before) return
  }
}

function isId(id: string): boolean {
  return /^[1-9]\d*$/.test(id)
}
