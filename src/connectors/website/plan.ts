// Finds the pages of a site that a fetch has to read.

import { SyncError } from '../../core/errors.ts'
import type { Request } from './crawl.ts'
import { chooseProducts, type ChoiceRule, type Listed } from './listed-pages.ts'
import { requestDirectly, type RequestPage } from './page-request.ts'
import type { Robots } from './robots.ts'
import type { WebsiteSettings } from './settings.ts'
import type { Site } from './site.ts'
import { readSitemaps, type Listing } from './sitemaps.ts'

export interface CrawlPlan {
  readonly host: string
  /** In ascending order of their addresses. */
  readonly pages: readonly Listed[]
  readonly rule: ChoiceRule
  /** Reasons why the list may not be whole: then nothing is ever removed. */
  readonly gaps: readonly string[]
  /** The newest change that the sitemaps state. */
  readonly watermarkMs: number | null
  readonly request: RequestPage
}

/** @throws SyncError `source/malformed` when the site lists no pages · `source/…` */
export async function planDirectly(
  site: Site,
  { settings, scope, warn }: Pick<Request, 'settings' | 'scope' | 'warn'>,
): Promise<CrawlPlan> {
  const robots = await site.loadRobots()
  const listing = await readSitemaps(site, robots, settings.exclude)
  const { host } = site.url
  if (listing.files.length === 0 && !robots.allows(new URL('/', site.url)))
    throw new SyncError('source/blocked', `robots.txt of ${host} disallows all pages`)
  if (listing.files.length === 0)
    throw new SyncError(
      'source/malformed',
      listing.gaps[0] ?? `${host} has no sitemap, so its pages are not known`,
    )
  if (listing.foreign > 0)
    warn(
      `${listing.foreign} addresses in the sitemaps of ${host} are on other hosts; they are left out`,
    )
  return { ...toPlan(site, { listing, robots, settings, scope }), request: requestDirectly(site) }
}

interface Found {
  readonly listing: Pick<Listing, 'listed' | 'gaps'>
  readonly robots: Robots
  readonly settings: WebsiteSettings
  readonly scope: Request['scope']
}

/** Chooses the pages to read among the listed ones. @throws SyncError `source/blocked` */
export function toPlan(
  site: Site,
  { listing, robots, settings, scope }: Found,
): Omit<CrawlPlan, 'request'> {
  const { host } = site.url
  const { pages, rule } = chooseProducts(listing.listed, settings)
  const allowed = pages.filter(({ address }) => robots.allows(new URL(address)))
  const gaps = [...listing.gaps]
  if (pages.length > 0 && allowed.length === 0)
    throw new SyncError(
      'source/blocked',
      `robots.txt of ${host} disallows all ${pages.length} pages`,
    )
  // Among all pages of a site, those of the cart and the account are disallowed as a rule.
  if (allowed.length < pages.length && rule !== 'all addresses')
    gaps.push(
      `robots.txt disallows ${pages.length - allowed.length} of ${pages.length} pages; leave them out with the setting exclude`,
    )
  if (allowed.length > settings.pagesMax)
    gaps.push(`${allowed.length} pages are listed, and pagesMax is ${settings.pagesMax}`)
  const read = allowed.slice(0, settings.pagesMax)
  return { host, rule, gaps, watermarkMs: findNewest(read), pages: read.filter(isInScope) }

  function isInScope({ changedMs }: Listed): boolean {
    return scope.kind !== 'since' || changedMs === null || changedMs >= scope.sinceMs
  }
}

function findNewest(pages: readonly Listed[]): number | null {
  let newestMs: number | null = null
  for (const { changedMs } of pages)
    if (changedMs !== null && (newestMs === null || changedMs > newestMs)) newestMs = changedMs
  return newestMs
}
