// Finds the pages of a site that is read through Firecrawl.

import type { Request } from './crawl.ts'
import type { Firecrawl } from './firecrawl.ts'
import { toRequestAddress, type Listed } from './listed-pages.ts'
import { toPlan, type CrawlPlan } from './plan.ts'
import type { Site } from './site.ts'
import { readSitemaps } from './sitemaps.ts'

/**
 * Finds the pages by the sitemaps of the site, which prove what there is, and without any by the map
 * of Firecrawl, which proves nothing. Its robots.txt is requested directly: its rules apply to
 * Firecrawl as well, and the guard of addresses refuses a site in a private network.
 */
export async function planWithFirecrawl(
  site: Site,
  firecrawl: Firecrawl,
  { settings, scope }: Pick<Request, 'settings' | 'scope'>,
): Promise<CrawlPlan> {
  const robots = await site.loadRobots()
  const listing = await readSitemaps(site, robots, settings.exclude)
  const request = firecrawl.requestThrough(site)
  if (listing.files.length > 0)
    return { ...toPlan(site, { listing, robots, settings, scope }), request }
  const listed = (await firecrawl.map(site)).flatMap((text): Listed[] => {
    const address = toRequestAddress(text, site.url)
    return address === null ? [] : [{ address, changedMs: null, isInProductSitemap: false }]
  })
  const gaps = [
    `${site.url.host} has no sitemap; the map of Firecrawl does not prove what is missing`,
  ]
  return { ...toPlan(site, { listing: { listed, gaps }, robots, settings, scope }), request }
}
