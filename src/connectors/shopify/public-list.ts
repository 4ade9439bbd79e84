// Reads all products of a shop from its public lists. They change while they are read, state no
// total, and end at 25,000 products. A page without products ends the list of the shop; when that
// page cannot be reached, only the shop's own count proves that nothing is missing.

import type { Page } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { LinesOfBlock } from '../../lib/json-slices.ts'
import { findDocument, Meta } from './documents.ts'
import { listCollections, toListPath } from './collections.ts'
import type { Place } from './cursor.ts'
import { findRepetition, ProductList, type Ask, type ListPage } from './list.ts'
import { SeenIds } from './seen-ids.ts'
import { PAGE_SIZE, REACH, type ShopifySettings } from './settings.ts'

/** One more than the size of a page: a shop that returns all products at once exceeds it. */
const IDS_KEPT = PAGE_SIZE + 1
/** At one request a second, the collections of a shop take little more than an hour. */
export const COLLECTION_REQUESTS_MAX = 4_000
const NOTHING: LinesOfBlock = { bytes: new Uint8Array(), lineCount: 0 }

interface Shop {
  readonly ask: Ask
  readonly settings: ShopifySettings
  /** `published_products_count`, which is at least the number of listed products. */
  readonly count: number | null
  readonly warn: (message: string) => void
}

/** Yields the pages of a shop from `start` on. Without a proof, no page is complete. */
export function readShop(shop: Shop, start: Place): AsyncGenerator<Page> {
  return new ShopReader(shop, start).read()
}

class ShopReader {
  readonly #shop: Shop
  readonly #list: ProductList
  readonly #seen: SeenIds
  #place: Place

  constructor(shop: Shop, start: Place) {
    this.#shop = shop
    this.#list = new ProductList(shop.ask, shop.settings.url, shop.settings.list)
    this.#seen = new SeenIds(start.seen)
    this.#place = start
  }

  async *read(): AsyncGenerator<Page> {
    if (this.#place.stage === 'list' && !(yield* this.#readList())) return
    if (this.#place.stage === 'collections') yield* this.#readCollections()
    if (this.#place.stage === 'proof') return yield* this.#proveByCount()
    if (this.#place.stage === 'again') yield* this.#readAgain()
    this.#warnOfCount(this.#place.listed)
    yield { ...this.#toPage(NOTHING, this.#place), complete: true }
  }

  /** Returns false when the list has been abandoned. */
  async *#readList(): AsyncGenerator<Page, boolean> {
    const { maxPages } = this.#shop.settings
    const { host } = this.#list
    while (this.#place.stage === 'list' && this.#place.page <= maxPages) yield* this.#readListPage()
    if (this.#place.stage !== 'list') return true
    this.#shop.warn(
      `${host} has more pages than maxPages (${maxPages}), so the run stays incomplete. Raise maxPages if the shop is that large`,
    )
    return false
  }

  /** Yields one page of the list, and the products that moved across the boundary before it. */
  async *#readListPage(): AsyncGenerator<Page> {
    const before = this.#place
    const { page } = before
    const ids: string[] = []
    const found = { stop: null as string | null, pushed: 0 }
    const list = this.#list
    const seen = this.#seen
    const blocks = async function* (): AsyncGenerator<LinesOfBlock> {
      for await (const part of list.read(page)) {
        found.stop =
          part === null ? 'beyond' : findRepetition(page, ids.length > 0 ? [] : before.ids, part)
        if (part === null || found.stop !== null) return
        ids.push(...part.ids)
        found.pushed += part.ids.filter((id) => seen.has(id)).length
        yield* part.lines()
        for (const id of part.allIds()) seen.add(id)
      }
      if (!hasSeam(before, ids)) return
      for await (const part of list.readSeam(page - 1, before.ids, ids)) yield* readNew(part, seen)
    }
    yield* this.#yieldBlocks(blocks(), (added) => {
      const next = {
        ...before,
        listed: before.listed + added,
        pushed: before.pushed + found.pushed,
      }
      if (found.stop !== null) return before
      if (ids.length === 0) return this.#afterList(next)
      return { ...next, page: page + 1, ids: ids.slice(-IDS_KEPT) }
    })
    if (found.stop !== null) yield* this.#leaveList(found.stop)
  }

  /** A list of several pages may have moved: its first page is read again. */
  #afterList(place: Place): Place {
    const mayHaveMoved = place.page > 2 || place.pushed > 0
    return mayHaveMoved ? { ...place, stage: 'again', page: 1 } : { ...place, stage: 'end' }
  }

  async *#leaveList(stop: string): AsyncGenerator<Page> {
    const { page, ids, listed } = this.#place
    const { host } = this.#list
    if (stop === 'beyond') {
      this.#shop.warn(`${host} lists at most ${REACH} products: the others are read by collection`)
    } else if (await this.#list.endsAt(listed, ids.at(-1) ?? '')) {
      this.#place = this.#afterList(this.#place)
      return
    } else {
      this.#shop.warn(
        `${host}${this.#shop.settings.list} repeats page ${page - 1} as page ${page}: ${stop}. Other products are read by collection`,
      )
    }
    this.#place = { ...this.#place, stage: 'collections', page: 1, requests: 0 }
    yield this.#toPage(NOTHING, this.#place)
  }

  /**
   * Reads the first pages again, until one has nothing new and as many products were found as had
   * been pushed from one page to the next. An old product that moves forward pushes others.
   */
  async *#readAgain(): AsyncGenerator<Page> {
    const { pushed } = this.#place
    let found = 0
    for (let isOver = false; !isOver;) {
      const before = this.#place
      const sizeBefore = this.#seen.size
      let isEmpty = true
      const [list, seen] = [this.#list, this.#seen]
      const blocks = async function* (): AsyncGenerator<LinesOfBlock> {
        for await (const part of list.read(before.page)) {
          if (part === null) return
          isEmpty &&= part.ids.length === 0
          yield* readNew(part, seen)
        }
      }
      yield* this.#yieldBlocks(blocks(), (added) => ({
        ...before,
        page: before.page + 1,
        listed: before.listed + added,
      }))
      const fresh = this.#seen.size - sizeBefore
      found += fresh
      isOver = isEmpty || (fresh === 0 && found >= pushed)
    }
    this.#place = { ...this.#place, stage: 'end' }
  }

  async *#readCollections(): AsyncGenerator<Page> {
    const { ask, settings } = this.#shop
    if (!this.#isCovered) {
      const handles = await listCollections(ask, settings.url)
      const from = handles.indexOf(this.#place.collection ?? '')
      for (const handle of handles.slice(Math.max(0, from))) {
        if (handle !== this.#place.collection)
          this.#place = { ...this.#place, collection: handle, page: 1, ids: [] }
        yield* this.#readCollection(new ProductList(ask, settings.url, toListPath(handle)))
        if (this.#isCovered || this.#place.requests >= COLLECTION_REQUESTS_MAX) break
      }
    }
    this.#place = { ...this.#place, stage: 'proof', page: 1, ids: [], collection: null }
    yield this.#toPage(NOTHING, this.#place)
  }

  /** Yields the products of a collection that are not known yet. */
  async *#readCollection(collection: ProductList): AsyncGenerator<Page> {
    for (let isOver = false; !isOver;) {
      const before = this.#place
      const ids: string[] = []
      const seen = this.#seen
      const blocks = async function* (): AsyncGenerator<LinesOfBlock> {
        for await (const part of readIfThere(collection, before.page)) {
          isOver ||= part === null || findRepetition(before.page, before.ids, part) !== null
          if (part === null || isOver) return
          ids.push(...part.ids)
          yield* readNew(part, seen)
        }
      }
      yield* this.#yieldBlocks(blocks(), () => ({
        ...before,
        page: before.page + 1,
        ids: ids.slice(-IDS_KEPT),
        requests: before.requests + 1,
      }))
      isOver ||=
        ids.length === 0 || this.#isCovered || this.#place.requests >= COLLECTION_REQUESTS_MAX
    }
  }

  get #isCovered(): boolean {
    return this.#seen.size === this.#shop.count && !this.#seen.isFull
  }

  /**
   * Completeness by the shop's count, before and after: collections overlap, may leave products out,
   * and state sizes that are wrong.
   */
  async *#proveByCount(): AsyncGenerator<Page> {
    const { ask, settings, warn } = this.#shop
    const now = await findDocument(ask, `${settings.url}/meta.json`, Meta)
    const isProved = this.#isCovered && now?.published_products_count === this.#seen.size
    const { host } = this.#list
    if (isProved) yield { ...this.#toPage(NOTHING, this.#place), complete: true }
    else
      warn(
        `${host} ${this.#shop.count === null ? 'states no count of its products' : `counts ${this.#shop.count} products`}, and ${this.#seen.size} were found in its list and its collections, so the run stays incomplete`,
      )
  }

  #warnOfCount(listed: number): void {
    const published = this.#shop.count ?? listed
    if (published !== listed)
      this.#shop.warn(
        `The list has ${listed} products, while /meta.json counts ${published}; that count is often off`,
      )
  }

  /**
   * Yields the blocks as pages. Only the last one has the cursor of the place after them, so an
   * interrupted page of the shop is read again as a whole. `toNext` receives the number of lines.
   */
  async *#yieldBlocks(
    blocks: AsyncIterable<LinesOfBlock>,
    toNext: (lineCount: number) => Place,
  ): AsyncGenerator<Page> {
    const before = this.#place
    let last = NOTHING
    let lineCount = 0
    for await (const block of blocks) {
      if (last.lineCount > 0) yield this.#toPage(last, before)
      last = block
      lineCount += block.lineCount
    }
    this.#place = { ...toNext(lineCount), seen: this.#seen.log }
    if (last.lineCount > 0) yield this.#toPage(last, this.#place)
  }

  #toPage({ bytes, lineCount }: LinesOfBlock, cursor: Place): Page {
    return { bytes, lineCount, cursor, expected: null, watermarkMs: null, complete: false }
  }
}

/** Yields the products of a page that are not known, and notes them. */
function* readNew(part: ListPage, seen: SeenIds): Generator<LinesOfBlock> {
  yield* part.lines((id) => seen.isNew(id))
  for (const id of part.allIds()) seen.add(id)
}

/** A collection may be removed while others are read. */
async function* readIfThere(
  collection: ProductList,
  page: number,
): AsyncGenerator<ListPage | null> {
  try {
    yield* collection.read(page)
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'source/gone') throw error
    yield null
  }
}

/**
 * Returns true if a product may have moved to the page before. It cannot when that page was the
 * last one and far from full, or contained all products.
 */
function hasSeam({ page, ids: before }: Place, ids: readonly string[]): boolean {
  const mayBeFull = before.length < IDS_KEPT && (page > 2 || before.length >= PAGE_SIZE / 2)
  return before.length > 0 && (ids.length > 0 || mayBeFull)
}
