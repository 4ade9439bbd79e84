// Reads the evidence of a page from its HTML. Pure; the work is linear in the length of the page.

import { readTags } from '../../normalise/html/read-tags.ts'
import { toPageAddress } from './addresses.ts'
import type { PageEvidence } from './evidence.ts'
import { withExpiry } from './expiry.ts'
import { hasType, textsOf } from './items.ts'
import { PageReader } from './page-reader.ts'
import { PRODUCT_TYPES } from './vocabulary.ts'

/** The rest of a longer page is left out, with a problem. */
export const HTML_CHARS_MAX = 8_000_000

/**
 * Returns the evidence of the page at `url`. `readAtMs`, the time of the response in epoch
 * milliseconds, decides whether a price has expired; with null, no price has.
 */
export function readPage(html: string, url: string, readAtMs: number | null): PageEvidence {
  const reader = new PageReader(html, url)
  readTags(html.slice(0, HTML_CHARS_MAX), reader)
  const evidence = reader.finish()
  const isMistaken = hasMistakenCanonical(evidence)
  return {
    ...evidence,
    canonical: isMistaken ? null : evidence.canonical,
    items: evidence.items.map((one) => ({ ...one, item: withExpiry(one.item, readAtMs) })),
    problems: [
      ...evidence.problems,
      ...(html.length > HTML_CHARS_MAX
        ? [`Only the first ${HTML_CHARS_MAX} characters of the page were read`]
        : []),
      ...(isMistaken ? [`The canonical address is that of a folder: ${evidence.canonical}`] : []),
    ],
  }
}

/**
 * True if the canonical address is a folder of the page, while the product of the page states the
 * address of the page: such a theme would make one product of all pages in the folder.
 */
function hasMistakenCanonical({ url, canonical, items }: PageEvidence): boolean {
  const own = toPageAddress(url)
  const stated = canonical === null ? null : toPageAddress(canonical)
  if (own === null || stated === null || !own.startsWith(`${stated}/`)) return false
  return items.some(
    ({ item }) =>
      hasType(item, PRODUCT_TYPES) &&
      textsOf(item, 'url').some((address) => toPageAddress(address, url) === own),
  )
}
