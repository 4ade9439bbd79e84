// Reads a list of products by page number: the list of the shop or that of a collection. The list
// changes while it is read: a product that is removed from a page moves the products after it
// forward, to a page that was already read. So the end of a page (the seam) is read again after the
// page that follows it.

import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { toHost } from '../../lib/read-body.ts'
import { BRACE_OPEN } from '../../lib/byte-scan.ts'
import {
  findFirstMember,
  toLineBlocks,
  readMemberElements,
  type LinesOfBlock,
  type Slice,
} from '../../lib/json-slices.ts'
import { PAGE_SIZE, REACH } from './settings.ts'
import { errorOf, lookAlikeOf, PAGE_BYTES_MAX, readPage } from './responses.ts'

/**
 * Smaller page sizes to fall back to. Each divides the one before it, so that a page is divided
 * into whole pages.
 */
const SMALLER = new Map([
  [PAGE_SIZE, 50],
  [50, 10],
  [10, 2],
  [2, 1],
])
/**
 * Number of products at the end of a full page that are read again: more than a shop removes
 * between two requests.
 */
const SEAM_SIZE = 25
/** Maximum size of one block of lines for the archive. */
const BLOCK_BYTES = 4 * 1024 * 1024
/** Maximum number of ids to compare when a shop returns more products than requested. */
const IDS_MAX = 4 * PAGE_SIZE

export type Ask = (url: string) => Promise<HttpResponse>

export interface ListPage {
  /** The address of the response, after redirects. */
  readonly url: string
  readonly byteLength: number
  /**
   * The ids of its products as JSON, in their order; only the last 1,000. A product without an id
   * is represented by its first bytes.
   */
  readonly ids: readonly string[]
  /** Yields the ids of all products. */
  allIds(): Generator<string>
  /** Yields all products as lines, or only those whose id passes. */
  lines(passes?: (id: string) => boolean): Generator<LinesOfBlock>
}

/** One list of a shop, for one fetch. */
export class ProductList {
  readonly host: string
  readonly #ask: Ask
  readonly #shop: string
  readonly #path: string
  /** Current page size: smaller than `PAGE_SIZE` while a page is too large. */
  #limit = PAGE_SIZE

  /** `path` is that of the list, such as `/products.json`. */
  constructor(ask: Ask, shop: string, path: string) {
    this.#ask = ask
    this.#shop = shop
    this.#path = path
    this.host = toHost(shop)
  }

  /**
   * Yields page `page`, counted in pages of 250: as one page, or as several smaller ones when it is
   * too large. Yields null for a page beyond the limit of the list.
   *
   * @throws SyncError `source/…`
   */
  read(page: number): AsyncGenerator<ListPage | null> {
    return this.#readSpan(PAGE_SIZE, page)
  }

  /**
   * Yields the pieces of page `page` in which products may be that have moved there from page
   * `page + 1` since `page` was read, so that neither response contained them. `before` are the ids
   * of page `page`, `after` those of the next one.
   *
   * @throws SyncError `source/cut-short` when the list changes faster than it is read · `source/…`
   */
  async *readSeam(
    page: number,
    before: readonly string[],
    after: readonly string[],
  ): AsyncGenerator<ListPage> {
    const known = new Set([...before, ...after])
    if (before.length === PAGE_SIZE) {
      const end = await this.#load(SEAM_SIZE, (page * PAGE_SIZE) / SEAM_SIZE)
      if (end !== null && end.ids.some((id) => known.has(id))) return yield end
    }
    // In a page that is not full, products are hidden, so the position of its end is unknown.
    let recognised = false
    for await (const part of this.read(page)) {
      recognised ||= part?.ids.some((id) => known.has(id)) ?? false
      if (part !== null) yield part
    }
    if (!recognised)
      throw new SyncError(
        'source/cut-short',
        `${this.host} changed all of page ${page} while the next one was read`,
      )
  }

  /**
   * Returns true if the list ends with the product `last` at this position, counted from 1, and
   * repeats its last page beyond its end. A list that ignores `page` has another product there.
   *
   * @throws SyncError `source/…`
   */
  async endsAt(position: number, last: string): Promise<boolean> {
    if (position < 2 || position >= REACH) return false
    const end = await this.#load(1, position)
    if (end?.ids.length !== 1 || end.ids[0] !== last) return false
    const beyond = await this.#load(1, position + 1)
    return beyond !== null && beyond.ids.every((id) => id === last)
  }

  async *#readSpan(limit: number, page: number): AsyncGenerator<ListPage | null> {
    if (limit <= this.#limit) {
      const answer = await this.#loadFitting(limit, page)
      if (answer !== 'too-large') {
        this.#limit = limitAfter(limit, answer)
        return yield answer
      }
    }
    const smaller = SMALLER.get(limit) ?? 1
    for (let part = 1; part <= limit / smaller; part++)
      yield* this.#readSpan(smaller, (page - 1) * (limit / smaller) + part)
  }

  async #loadFitting(limit: number, page: number): Promise<ListPage | null | 'too-large'> {
    try {
      return await this.#load(limit, page)
    } catch (error) {
      const smaller = SMALLER.get(limit)
      if (
        !(error instanceof SyncError) ||
        error.code !== 'source/too-large' ||
        smaller === undefined
      )
        throw error
      this.#limit = smaller
      return 'too-large'
    }
  }

  /**
   * Loads one page, or returns null when it is beyond the limit of the list. A short page is not
   * the end: some of its products may be hidden.
   */
  async #load(limit: number, page: number): Promise<ListPage | null> {
    const response = await this.#ask(`${this.#shop}${this.#path}?limit=${limit}&page=${page}`)
    const isBeyond = page * limit > REACH
    if (isBeyond && response.status === 400) {
      await response.cancel()
      return null
    }
    const where = `${this.host}${this.#path}, page ${page}${limit === PAGE_SIZE ? '' : ` of ${limit} each`},`
    const bytes = await readPage(response, where, limit)
    const error = errorOf(bytes)
    // Some shops send this error with status 200.
    if (isBeyond && error !== null) return null
    if (error !== null)
      throw new SyncError('source/rejected', `${where} responds with an error: ${error}`)
    const lookAlike = lookAlikeOf(bytes, page === 1 && limit === PAGE_SIZE)
    if (lookAlike !== null) throw new SyncError('source/malformed', `${where} is ${lookAlike}`)
    return toListPage(bytes, response.url)
  }
}

/**
 * Returns the page size after a page of `limit` products: the larger one if products of the same
 * size would fit into it.
 */
function limitAfter(limit: number, answer: ListPage | null): number {
  const [larger = PAGE_SIZE] = [...SMALLER].find(([, smaller]) => smaller === limit) ?? []
  return (answer?.byteLength ?? 0) * (larger / limit) < PAGE_BYTES_MAX ? larger : limit
}

/**
 * Returns the reason why a page repeats the page before it, or null when it does not. New products
 * move only a few products from one page to the next.
 */
export function findRepetition(
  page: number,
  before: readonly string[],
  { ids, url }: ListPage,
): string | null {
  // If a shop returns more products than requested, the ends of the lists are compared.
  const [known, end] = [new Set(before.slice(-PAGE_SIZE)), ids.slice(-PAGE_SIZE)]
  const repeated = end.filter((id) => known.has(id)).length
  if (repeated * 2 <= Math.max(known.size, end.length)) return null
  const asked = URL.parse(url)?.searchParams.get('page')
  return asked === String(page) ? 'it ignores "page"' : 'it redirects to an address without "page"'
}

function toListPage(bytes: Uint8Array, url: string): ListPage {
  const ids: string[] = []
  for (const slice of readMemberElements(bytes, 'products')) {
    if (bytes[slice.start] === BRACE_OPEN) ids.push(idIn(bytes, slice))
    if (ids.length >= 2 * IDS_MAX) ids.splice(0, IDS_MAX)
  }
  return {
    url,
    byteLength: bytes.byteLength,
    ids: ids.slice(-IDS_MAX),
    *allIds() {
      for (const slice of readMemberElements(bytes, 'products'))
        if (bytes[slice.start] === BRACE_OPEN) yield idIn(bytes, slice)
    },
    lines: (passes) =>
      toLineBlocks(
        bytes,
        passes ? passing(bytes, passes) : readMemberElements(bytes, 'products'),
        BLOCK_BYTES,
      ),
  }
}

function* passing(bytes: Uint8Array, passes: (id: string) => boolean): Generator<Slice> {
  for (const slice of readMemberElements(bytes, 'products'))
    if (bytes[slice.start] === BRACE_OPEN && passes(idIn(bytes, slice))) yield slice
}

const ID_BYTES_MAX = 64
const DECODER = new TextDecoder()

function idIn(bytes: Uint8Array, product: Slice): string {
  const textOf = ({ start, end }: Slice): string =>
    DECODER.decode(bytes.subarray(start, Math.min(end, start + ID_BYTES_MAX)))
  const id = findFirstMember(bytes, product.start, 'id')
  const text = id === null ? 'null' : textOf(id)
  return text === 'null' ? textOf(product) : text
}
