// The list of products, read by page number. It moves while it is read: what is taken off a page
// pulls the products behind it forward, past the page that was read already. So the seam between
// two pages is read again once both are there.

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
import { errorOf, lookAlikeOf, PAGE_BYTES_MAX, readPage } from './responses.ts'

/** The most that Shopify gives at once; more is silently 250. */
export const PAGE_SIZE = 250
/** Each divides the one before it, so that a page is divided into whole pages. */
const SMALLER = new Map([
  [PAGE_SIZE, 50],
  [50, 10],
  [10, 2],
  [2, 1],
])
/**
 * The part of a full page that is read again: more products than a shop removes between two
 * requests.
 */
const SEAM_SIZE = 25
/**
 * Shopify responds 400 beyond this:
 * https://shopify.dev/changelog/pagination-limits-for-arrays-of-over-25000-objects
 */
export const REACH = 25_000
/** Of a page, what goes to the archive at once. */
const BLOCK_BYTES = 4 * 1024 * 1024
/** The number of ids that are compared when a shop returns more products than requested. */
const IDS_MAX = 4 * PAGE_SIZE

export type Ask = (url: string) => Promise<HttpResponse>

export interface ListPage {
  /** The address of the response, after redirects. */
  readonly url: string
  readonly byteLength: number
  /**
   * The ids of its products as JSON, in their order; of those beyond 1,000 only the last ones.
   * Where a product has no id, how it begins.
   */
  readonly ids: readonly string[]
  /** All that is listed, or only the products whose id passes, as lines. */
  lines(passes?: (id: string) => boolean): Generator<LinesOfBlock>
}

/** A shop's list, for one fetch. */
export class ProductList {
  readonly host: string
  readonly #ask: Ask
  readonly #shop: string
  /** The number of products to request: fewer while a page is too large to be read. */
  #limit = PAGE_SIZE

  constructor(ask: Ask, shop: string) {
    this.#ask = ask
    this.#shop = shop
    this.host = toHost(shop)
  }

  /**
   * The products of page `page`, counted in pages of 250: as one page, or as several smaller ones
   * when it is too large. Null in place of a page that lies beyond what Shopify lists.
   *
   * @throws SyncError `source/…`
   */
  read(page: number): AsyncGenerator<ListPage | null> {
    return this.#readSpan(PAGE_SIZE, page)
  }

  /**
   * The products that have moved from page `page + 1` to page `page` since that was read: neither
   * contained them. `before` are the ids that page `page` had, `after` those of the next one.
   *
   * @throws SyncError `source/cut-short` when the list moves faster than it is read · `source/…`
   */
  async *readSeam(
    page: number,
    before: readonly string[],
    after: readonly string[],
  ): AsyncGenerator<LinesOfBlock> {
    const known = new Set([...before, ...after])
    const isNew = (id: string): boolean => !known.has(id)
    if (before.length === PAGE_SIZE) {
      const end = await this.#load(SEAM_SIZE, (page * PAGE_SIZE) / SEAM_SIZE)
      if (end !== null && end.ids.some((id) => known.has(id))) return yield* end.lines(isNew)
    }
    // A page that is not full has hidden products, so the position of its end is unknown.
    let recognised = false
    for await (const part of this.read(page)) {
      recognised ||= part?.ids.some((id) => known.has(id)) ?? false
      if (part !== null) yield* part.lines(isNew)
    }
    if (!recognised)
      throw new SyncError(
        'source/cut-short',
        `${this.host} changed all of page ${page} while the next one was read`,
      )
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
   * One page, or null when it lies beyond what Shopify lists. A short page is not the end: products
   * may be hidden from it.
   */
  async #load(limit: number, page: number): Promise<ListPage | null> {
    const response = await this.#ask(`${this.#shop}/products.json?limit=${limit}&page=${page}`)
    const isBeyond = page * limit > REACH
    if (isBeyond && response.status === 400) {
      await response.cancel()
      return null
    }
    const where = `${this.host}/products.json, page ${page}${limit === PAGE_SIZE ? '' : ` of ${limit} each`},`
    const bytes = await readPage(response, where, limit)
    const error = errorOf(bytes)
    // Some say it with status 200.
    if (isBeyond && error !== null) return null
    if (error !== null)
      throw new SyncError('source/rejected', `${where} responds with an error: ${error}`)
    const lookAlike = lookAlikeOf(bytes, page === 1 && limit === PAGE_SIZE)
    if (lookAlike !== null) throw new SyncError('source/malformed', `${where} is ${lookAlike}`)
    return toListPage(bytes, response.url)
  }
}

/**
 * The number of products to request after a page of `limit`: as many as fit into a page when the
 * products stay as large.
 */
function limitAfter(limit: number, answer: ListPage | null): number {
  const [larger = PAGE_SIZE] = [...SMALLER].find(([, smaller]) => smaller === limit) ?? []
  return (answer?.byteLength ?? 0) * (larger / limit) < PAGE_BYTES_MAX ? larger : limit
}

/**
 * @throws SyncError `source/malformed` when page `page` is the page before it again. Products that
 * were pushed on from one page to the next by new ones are few.
 */
export function refuseRepetition(
  host: string,
  page: number,
  before: readonly string[],
  { ids, url }: ListPage,
): void {
  // When a shop returns more than requested, the ends are compared.
  const [known, end] = [new Set(before.slice(-PAGE_SIZE)), ids.slice(-PAGE_SIZE)]
  const repeated = end.filter((id) => known.has(id)).length
  if (repeated * 2 <= Math.max(known.size, end.length)) return
  const asked = URL.parse(url)?.searchParams.get('page')
  const why =
    asked === String(page) ? 'it ignores "page"' : 'it redirects to an address without "page"'
  throw new SyncError(
    'source/malformed',
    `${host}/products.json lists on page ${page} what it lists on page ${page - 1}: ${why}, so the rest cannot be read`,
  )
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
