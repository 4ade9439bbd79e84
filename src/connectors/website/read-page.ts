// Reads the evidence of a page from its HTML. Pure; the work is linear in the length of the page.

import type { PageEvidence } from './evidence.ts'
import { withExpiry } from './expiry.ts'
import { PageReader } from './page-reader.ts'
import { readTags } from '../../normalise/html/read-tags.ts'

/** The rest of a longer page is left out, with a problem. */
export const HTML_CHARS_MAX = 8_000_000

/**
 * Returns the evidence of the page at `url`. `readAtMs`, the time of the response in epoch
 * milliseconds, decides whether a price has expired; with null, no price has.
 */
export function readPage(html: string, url: string, readAtMs: number | null): PageEvidence {
  const reader = new PageReader(html, url)
  readTags(html.slice(0, HTML_CHARS_MAX), reader)
  const { items, problems, ...evidence } = reader.finish()
  return {
    ...evidence,
    items: items.map((one) => ({ ...one, item: withExpiry(one.item, readAtMs) })),
    problems:
      html.length > HTML_CHARS_MAX
        ? [...problems, `Only the first ${HTML_CHARS_MAX} characters of the page were read`]
        : problems,
  }
}
