// Walks the list of products by position. Each page begins with the last product of the page before
// it: if that product is elsewhere, the list has moved while it was read, and the walk goes back
// until it finds a product that it knows.

import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { toHost } from '../../lib/read-body.ts'
import { readListPage, type Item, type ListPage } from './documents.ts'
import type { Failure } from './errors.ts'
import { toApiUrl, type WoocommerceSettings } from './settings.ts'

/** The largest page of either API. */
export const PAGE_SIZE = 100
/**
 * Smaller pages to fall back to when one is too large. Each page repeats a product of the page
 * before, so it needs two.
 */
const SMALLER: ReadonlyMap<number, number> = new Map([
  [PAGE_SIZE, 25],
  [25, 6],
  [6, 2],
])

export type Ask = (url: string) => Promise<HttpResponse>

/** A position in the list. */
export interface Place {
  /** The position of the next request. */
  readonly offset: number
  /** The ids of the page before; empty at the beginning, and after a part that lists nothing. */
  readonly ids: readonly string[]
  /** Number of products that were listed before. */
  readonly listed: number
}

export interface Step {
  readonly page: ListPage
  /** The products that were not on the page before. */
  readonly fresh: readonly Item[]
  readonly next: Place
  readonly isEnd: boolean
  /**
   * True at the end, when every product that the shop counts was listed. A shop without a count ends
   * its list by a page without new products.
   */
  readonly isComplete: boolean
}

/** One of the two APIs of a shop. */
export interface ListApi {
  readonly ask: Ask
  readonly namespace: string
  /** Parameters of the list of all products. */
  readonly filter: string
  toError?(failure: Failure): SyncError
}

/** The lists of one shop, for one fetch. */
export class ProductLists {
  readonly host: string
  readonly #api: ListApi
  readonly #settings: WoocommerceSettings
  readonly #warn: (message: string) => void
  #isPolluted = false

  /** Current page size: smaller after a page that was too large. */
  size = PAGE_SIZE

  constructor(api: ListApi, settings: WoocommerceSettings, warn: (message: string) => void) {
    this.#api = api
    this.#settings = settings
    this.#warn = warn
    this.host = toHost(settings.url)
  }

  /**
   * Requests a page by any parameters of the API. A page that is too large is requested again as a
   * smaller one.
   *
   * @throws SyncError `source/…`
   */
  async request(query: string, what: string, path = 'products'): Promise<ListPage> {
    for (;;) {
      const { size } = this
      try {
        return await this.#request(`${query}&per_page=${size}`, what, path)
      } catch (error) {
        const smaller = SMALLER.get(size)
        const isTooLarge = error instanceof SyncError && error.code === 'source/too-large'
        if (!isTooLarge || smaller === undefined) throw error
        this.size = smaller
      }
    }
  }

  async #request(query: string, what: string, path: string): Promise<ListPage> {
    const { ask, namespace, toError } = this.#api
    const url = toApiUrl(this.#settings, `${namespace}/${path}`, `${query}&orderby=id&order=asc`)
    const page = await readListPage(await ask(url), `${this.host}, ${what},`, toError)
    if (page.isPolluted && !this.#isPolluted)
      this.#warn(`${this.host} prints other text around its JSON, which is left out`)
    this.#isPolluted ||= page.isPolluted
    return page
  }

  /**
   * Reads the products after `place`.
   *
   * @throws SyncError `source/cut-short` when the list changes faster than it is read ·
   * `source/malformed` when the shop ignores the position · `source/…`
   */
  async read(place: Place): Promise<Step> {
    let { offset } = place
    for (;;) {
      const page = await this.request(
        `${this.#api.filter}&offset=${offset}`,
        `products from ${offset}`,
      )
      const fresh = findFresh(page.items, place.ids)
      if (fresh !== null) return this.#toStep(place, offset, page, fresh)
      if (offset === 0)
        throw new SyncError(
          'source/cut-short',
          `${this.host} changed ${place.ids.length} products in its list while the next ones were read`,
        )
      offset = Math.max(0, offset - this.size + 1)
    }
  }

  #toStep(place: Place, offset: number, page: ListPage, fresh: readonly Item[]): Step {
    const { items } = page
    const covered = offset + items.length
    // A count below the products that are there is that of another request.
    const total = items.length > 0 && covered > (page.total ?? covered) ? null : page.total
    if (isRepetition(place, page, fresh, this.size))
      throw new SyncError(
        'source/malformed',
        `${this.host} repeats the same products from position ${offset}: it ignores "offset", so the rest cannot be read`,
      )
    const listed = place.listed + fresh.length
    const isEnd = total === null ? fresh.length === 0 : covered >= total
    // Positions of products that the shop cannot show: nothing connects the next page to this one.
    const isGap = fresh.length === 0 && !isEnd
    const ids = items.length > 0 ? items.map(({ id }) => id) : place.ids
    const next = isGap
      ? { offset: Math.max(covered, offset + (items.length > 0 ? 0 : this.size)), ids: [], listed }
      : { offset: Math.max(0, covered - 1), ids, listed }
    return { page, fresh, next, isEnd, isComplete: isEnd && listed >= (total ?? 0) }
  }
}

/** Returns the items after those of the page before, or null when the page contains no known one. */
function findFresh(items: readonly Item[], before: readonly string[]): readonly Item[] | null {
  const last = before.at(-1)
  if (last === undefined) return items
  const at = items.findLastIndex(({ id }) => id === last)
  if (at !== -1) return items.slice(at + 1)
  const known = new Set(before)
  const fresh = items.filter(({ id }) => !known.has(id))
  return fresh.length < items.length ? fresh : null
}

/** True for the page before once more, although the shop has more products. */
function isRepetition(
  { ids }: Place,
  { items, total }: ListPage,
  fresh: readonly Item[],
  size: number,
): boolean {
  if (fresh.length > 0 || items.length < 2 || items.length !== ids.length) return false
  const isLast = total === null ? items.length < size : items.length >= total
  return !isLast && items.every(({ id }, at) => id === ids[at])
}
