// The settings of a website. `include` and `exclude` are patterns as in robots.txt.

import { z } from 'zod'
import { HOST_INTERVAL_MS } from '../../core/limits.ts'

const PATTERNS_MAX = 100

const Patterns = z
  .array(
    z.string().regex(/^[/*][^\s#]{0,999}$/, 'must be a pattern such as /products/* or *-p-*.html$'),
  )
  .max(PATTERNS_MAX)
  .default([])

export const WebsiteSettings = z.strictObject({
  /** The origin of the site: `https://shop.example`. */
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .refine(
      (text) => URL.parse(text)?.origin === text,
      'must be the origin of a site such as https://shop.example, without a path',
    ),
  /** Only pages whose path and query match one of these patterns are read. Empty: see README.md. */
  include: Patterns,
  /** Pages and sitemaps that match one of these patterns are left out. */
  exclude: Patterns,
  /** ISO 4217, for pages that state no currency. Null: such a price is unknown. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a currency such as EUR')
    .nullable()
    .default(null),
  /** `firecrawl`: pages are requested by Firecrawl, which runs their scripts. */
  via: z.enum(['direct', 'firecrawl']).default('direct'),
  /** Average time between two requests to the site; a longer Crawl-delay in robots.txt wins. */
  minIntervalMs: z.int().nonnegative().default(HOST_INTERVAL_MS),
  /** A site with more pages is read in part, and its runs stay incomplete. */
  pagesMax: z.int().positive().max(500_000).default(50_000),
  /** The day on which the site's permission for signed requests ends: `2027-02-28`. */
  signatureExpiresOn: z.iso
    .date({ error: 'must be a date such as 2027-02-28' })
    .nullable()
    .default(null),
})
export type WebsiteSettings = z.infer<typeof WebsiteSettings>
