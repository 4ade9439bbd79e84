// Reads named products: their ids are addresses of pages.

import { z } from 'zod'
import type { Page } from '../../core/connector.ts'
import { toLine } from './line.ts'
import { isOnSite } from './listed-pages.ts'
import type { PageResponse, RequestPage } from './page-request.ts'
import { explainNoProduct, identifyPage } from './product.ts'
import { readPage } from './read-page.ts'
import type { Robots } from './robots.ts'
import type { Site } from './site.ts'

export const KeyCursor = z.strictObject({ key: z.int().nonnegative() })

interface Reach {
  readonly site: Site
  readonly robots: Robots
  readonly requestPage: RequestPage
}

/** Yields one line for each page that still shows the product of its address. */
export async function* fetchKeys(
  { site, robots, requestPage }: Reach,
  keys: readonly string[],
  from: number,
): AsyncGenerator<Page> {
  for (const [index, key] of keys.entries()) {
    const url = index < from ? null : URL.parse(key)
    if (url === null || !isOnSite(url, site.url) || !robots.allows(url)) continue
    const response = await requestNamed(requestPage, url)
    if (response.kind === 'none') continue
    const { html, url: address, readAtMs } = response.page
    const evidence = readPage(html, address, readAtMs)
    if (explainNoProduct(evidence) !== null || identifyPage(evidence) !== key) continue
    yield {
      bytes: toLine(response.page, evidence),
      lineCount: 1,
      cursor: { key: index + 1 },
      expected: null,
      watermarkMs: null,
      complete: false,
    }
  }
}

/** An id has no final slash, and some sites respond 404 without it. */
async function requestNamed(requestPage: RequestPage, url: URL): Promise<PageResponse> {
  const response = await requestPage(url.href, null)
  const isGone = response.kind === 'none' && response.reason === 'gone'
  if (!isGone || url.pathname.endsWith('/')) return response
  return requestPage(`${url.origin}${url.pathname}/${url.search}`, null)
}
