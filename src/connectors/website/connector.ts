// The connector of any website: it reads the structured data of the pages that the site's sitemaps
// list, or has them read by Firecrawl. README.md describes what it cannot know.

import type { Connector, Page, ProbeRequest, RuleRequest } from '../../core/connector.ts'
import { defineConnector } from '../../core/define-connector.ts'
import { limitHost, type RequestRules } from '../../core/limits.ts'
import { crawl, CrawlCursor, type Request } from './crawl.ts'
import { FIRECRAWL_URL, websiteCredentials, type WebsiteCredentials } from './credentials.ts'
import { planWithFirecrawl } from './firecrawl-plan.ts'
import { Firecrawl } from './firecrawl.ts'
import { PageEvidence } from './evidence.ts'
import { fetchKeys, KeyCursor } from './keys.ts'
import { scanLine, unwrapLine } from './line.ts'
import { requestDirectly } from './page-request.ts'
import { planDirectly } from './plan.ts'
import { identifyPage, readProduct } from './product.ts'
import { recognise } from './recognise.ts'
import { WebsiteSettings } from './settings.ts'
import { listNotices } from './signature-expiry.ts'
import { Site } from './site.ts'

/** 100 requests a minute: the plans of Firecrawl allow 10 to 5,000. */
const FIRECRAWL_INTERVAL_MS = 600

export const website: Connector<WebsiteSettings, WebsiteCredentials> = defineConnector<
  WebsiteSettings,
  PageEvidence,
  WebsiteCredentials
>({
  name: 'website',
  title: 'Any website, read from the structured data of its pages',
  settings: WebsiteSettings,
  credentials: websiteCredentials,
  options: [],
  idPaths: ['id'],
  scopes: ['all', 'since', 'keys'],
  listNotices,
  rules: chooseRules,
  fetch: fetchPages,
  probe,
  address: ({ url }) => url,
  secretsAddresses: (_settings, { firecrawl }) => [firecrawl?.url ?? FIRECRAWL_URL],
  scan: scanLine,
  unwrap: unwrapLine,
  identify: identifyPage,
  record: PageEvidence,
  normalise: readProduct,
  recognise,
})

async function* fetchPages(request: Request, signal: AbortSignal): AsyncGenerator<Page> {
  const { settings, credentials, scope, cursor, warn } = request
  for (const notice of listNotices(settings, Date.now())) warn(notice)
  const site = new Site(request, signal)
  const firecrawl =
    settings.via === 'firecrawl' ? Firecrawl.open(credentials, request.http, signal) : null
  if (scope.kind === 'keys') {
    const robots = await site.loadRobots()
    const requestPage = firecrawl?.requestThrough(site) ?? requestDirectly(site)
    const from = KeyCursor.safeParse(cursor).data?.key ?? 0
    yield* fetchKeys({ site, robots, requestPage }, scope.keys, from)
    return
  }
  const plan =
    firecrawl === null
      ? await planDirectly(site, request)
      : await planWithFirecrawl(site, firecrawl, request)
  yield* crawl(plan, request, CrawlCursor.safeParse(cursor).data ?? null)
}

/** A request to Firecrawl is one to the site, too: both limits apply. */
function chooseRules({
  url,
  settings,
  credentials,
}: RuleRequest<WebsiteSettings, WebsiteCredentials>): RequestRules {
  const site = settings === null ? url : new URL(settings.url)
  const api = URL.parse(credentials?.firecrawl?.url ?? '')
  if (api === null || url.origin !== api.origin || url.origin === site.origin)
    return {
      limits: [limitHost(url, settings?.minIntervalMs)],
      breaker: { scope: 'host', key: url.host },
    }
  const account = {
    scope: 'firecrawl',
    key: credentials?.firecrawl?.key ?? api.host,
    secretKey: true,
    intervalMs: FIRECRAWL_INTERVAL_MS,
    burst: 10,
    concurrency: 2,
  }
  return {
    limits: [limitHost(site, settings?.minIntervalMs), account],
    breaker: { scope: 'host', key: api.host },
  }
}

/** Without Firecrawl, no key is ever sent, and the site itself is requested. */
async function probe(
  request: ProbeRequest<WebsiteSettings, WebsiteCredentials>,
  signal: AbortSignal,
): Promise<void> {
  if (request.credentials.firecrawl !== null)
    return Firecrawl.open(request.credentials, request.http, signal).probe()
  await new Site(request, signal).loadRobots()
}
