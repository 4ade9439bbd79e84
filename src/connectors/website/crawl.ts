// Reads the pages of a site one after the other, in the order of their addresses. A page that cannot
// be read is tried again at the end of the next attempt, so that one broken page does not keep the
// others from being read.

import { z } from 'zod'
import type { FetchRequest, Page } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import { joinBytes } from '../../lib/join-bytes.ts'
import type { WebsiteCredentials } from './credentials.ts'
import { toPageAddress } from './addresses.ts'
import { EarlierPages } from './earlier-pages.ts'
import { isOfWholeSite } from './errors.ts'
import type { PageEvidence } from './evidence.ts'
import { toLine, type ReadPage } from './line.ts'
import type { CrawlPlan } from './plan.ts'
import { explainNoProduct, identifyPage } from './product.ts'
import { readPage } from './read-page.ts'
import { isScriptShell } from './script-shell.ts'
import type { WebsiteSettings } from './settings.ts'
import { isSoftMissing } from './soft-missing.ts'

export type Request = FetchRequest<WebsiteSettings, WebsiteCredentials>

/** After this many failed pages in a row, the site counts as failed. */
const FAILURES_IN_A_ROW_MAX = 3
const UNREAD_MAX = 500
const REASONS_SHOWN = 3
/** A block of lines is yielded at one of these sizes. */
const BLOCK_LINES = 5
const BLOCK_BYTES = 1024 * 1024
/** A block is yielded after this many pages, also without lines, so that the cursor advances. */
const BLOCK_STEPS = 25

export const CrawlCursor = z.strictObject({
  /** The last address that was tried. */
  after: z.string().nullable(),
  /** Addresses before it that could not be read. */
  unread: z.array(z.string()),
  /** Number of addresses without a product. */
  without: z.int().nonnegative(),
  /** Those of them whose content is added by scripts. */
  shells: z.int().nonnegative(),
  found: z.int().nonnegative(),
})
export type CrawlCursor = z.infer<typeof CrawlCursor>

const START: CrawlCursor = { after: null, unread: [], without: 0, shells: 0, found: 0 }

/**
 * Yields blocks of lines. The last one is complete when every page was read, is gone, or has no
 * product. One of all pages is complete only with a product.
 *
 * @throws SyncError `source/cut-short` when pages remain unread · `source/malformed` when no page
 * has a product · `source/…`
 */
export async function* crawl(
  plan: CrawlPlan,
  { scope, earlierLines }: Pick<Request, 'scope' | 'earlierLines'>,
  cursor: CrawlCursor | null,
): AsyncGenerator<Page> {
  const { after, unread } = cursor ?? START
  const state = new CrawlState(plan, cursor ?? START)
  const addresses = plan.pages.map(({ address }) => address)
  const next = after === null ? addresses : addresses.filter((address) => address > after)
  yield* readEach(next, true)
  yield* readEach(unread, false)
  const isProven = state.found > 0 || scope.kind !== 'all'
  yield state.takeBlock(plan.gaps.length === 0 && state.unread.length === 0 && isProven)
  state.explainEnd(scope.kind)

  /** Both lists of addresses are in ascending order, as the earlier lines are. */
  async function* readEach(list: readonly string[], isNext: boolean): AsyncGenerator<Page> {
    const earlier = new EarlierPages(earlierLines?.() ?? null)
    try {
      for (const address of list) yield* state.try(address, await earlier.find(address), isNext)
    } finally {
      await earlier.close()
    }
  }
}

class CrawlState {
  readonly #plan: CrawlPlan
  #cursor: CrawlCursor
  readonly #reasons = new Map<string, string>()
  #listed: ReadonlySet<string | null> | null = null
  #failuresInARow = 0
  #lines: Uint8Array[] = []
  #bytes = 0
  #steps = 0

  constructor(plan: CrawlPlan, cursor: CrawlCursor) {
    this.#plan = plan
    this.#cursor = cursor
  }

  get unread(): readonly string[] {
    return this.#cursor.unread
  }

  get found(): number {
    return this.#cursor.found
  }

  /** Reads a page. `isNext`: it follows the cursor; otherwise it is one of the unread ones. */
  async *try(address: string, earlier: ReadPage | null, isNext: boolean): AsyncGenerator<Page> {
    const { unread } = this.#cursor
    const change: Partial<CrawlCursor> = isNext
      ? { after: address }
      : { unread: unread.filter((one) => one !== address) }
    try {
      const response = await this.#plan.request(address, earlier)
      this.#failuresInARow = 0
      if (response.kind === 'page') this.#add(response.page, earlier !== null, change)
      else this.#move({ ...change, without: this.#cursor.without + 1 })
    } catch (error) {
      this.#failuresInARow++
      if (!this.#isOfPage(error)) {
        if (this.#lines.length > 0) yield this.takeBlock(false)
        throw error
      }
      this.#reasons.set(address, error.message)
      this.#move(isNext ? { after: address, unread: [...unread, address] } : {})
    }
    if (
      this.#lines.length >= BLOCK_LINES ||
      this.#bytes >= BLOCK_BYTES ||
      this.#steps >= BLOCK_STEPS
    )
      yield this.takeBlock(false)
  }

  /** Returns the lines since the last block, with the cursor after them. */
  takeBlock(complete: boolean): Page {
    const bytes = joinBytes(this.#lines)
    const lineCount = this.#lines.length
    this.#lines = []
    this.#bytes = 0
    this.#steps = 0
    return {
      bytes,
      lineCount,
      cursor: this.#cursor,
      expected: Math.max(0, this.#plan.pages.length - this.#cursor.without),
      watermarkMs: this.#plan.watermarkMs,
      complete,
    }
  }

  /** @throws SyncError with the reason why the fetch is not complete */
  explainEnd(scope: Request['scope']['kind']): void {
    const { host, pages, gaps } = this.#plan
    const { unread, found, without, shells } = this.#cursor
    const reasons = unread.map((address) => this.#reasons.get(address) ?? address)
    if (unread.length > 0)
      throw new SyncError(
        'source/cut-short',
        `${unread.length} of ${pages.length} pages of ${host} could not be read: ${formatReasons(reasons)}`,
      )
    if (gaps.length > 0)
      throw new SyncError(
        'source/cut-short',
        `The list of the pages of ${host} is not whole: ${formatReasons(gaps)}`,
      )
    if (found > 0 || scope !== 'all') return
    const isScripted = shells * 2 > without
    throw new SyncError(
      'source/malformed',
      isScripted
        ? `The pages of ${host} are empty until their scripts run: ${shells} of ${pages.length} have no data. Firecrawl can read such a site: set FIRECRAWL_API_KEY or FIRECRAWL_URL, then \`shelfsync sources set NAME --set via=firecrawl\``
        : `None of ${pages.length} pages of ${host} states a product. Choose the pages of products with the setting include`,
    )
  }

  #add(page: ReadPage, wasProduct: boolean, change: Partial<CrawlCursor>): void {
    const evidence = readPage(page.html, page.url, page.readAtMs)
    const hasProduct = explainNoProduct(evidence) === null
    if (hasProduct && this.#isAlias(page, evidence)) {
      this.#move({ ...change, without: this.#cursor.without + 1 })
      return
    }
    if (!hasProduct && !this.#isLost(page, evidence, wasProduct)) {
      const shells = this.#cursor.shells + (isScriptShell(page.html) ? 1 : 0)
      this.#move({ ...change, without: this.#cursor.without + 1, shells })
      return
    }
    const line = toLine(page, evidence)
    this.#lines.push(line)
    this.#bytes += line.byteLength
    this.#move({ ...change, found: this.#cursor.found + (hasProduct ? 1 : 0) })
  }

  /** True for a second address of a page that is listed as well: that one is read. */
  #isAlias({ address, url }: ReadPage, evidence: PageEvidence): boolean {
    const id = identifyPage(evidence)
    if (id === null || [address, url].some((own) => toPageAddress(own) === id)) return false
    this.#listed ??= new Set(this.#plan.pages.map((page) => toPageAddress(page.address)))
    return this.#listed.has(id)
  }

  /**
   * True for a page that should state a product and does not: its data is broken, or it had some in
   * the earlier fetch. It is archived, goes to quarantine, and its product is not taken for missing.
   */
  #isLost({ address, url }: ReadPage, evidence: PageEvidence, wasProduct: boolean): boolean {
    if (address !== url || isSoftMissing(evidence)) return false
    return wasProduct || (evidence.problems.length > 0 && this.#plan.rule !== 'all addresses')
  }

  #move(change: Partial<CrawlCursor>): void {
    this.#cursor = { ...this.#cursor, ...change }
    this.#steps++
  }

  /** True for an error of one page after which the next one is requested. */
  #isOfPage(error: unknown): error is SyncError {
    return (
      error instanceof SyncError &&
      !isOfWholeSite(error) &&
      this.#failuresInARow < FAILURES_IN_A_ROW_MAX &&
      this.#cursor.unread.length < UNREAD_MAX
    )
  }
}

function formatReasons(reasons: readonly string[]): string {
  const shown = reasons.slice(0, REASONS_SHOWN).join('; ')
  const more = reasons.length - REASONS_SHOWN
  return more > 0 ? `${shown}; and ${more} more` : shown
}
