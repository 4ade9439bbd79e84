// Recognises a shop by the structured data of its pages: it reads its sitemaps and a few of the pages
// that they list. It is tried after the connectors of platforms, which know more about a shop.

import type { Recognition, Sample } from '../../core/connector.ts'
import type { NewDraft } from '../../core/define-connector.ts'
import { hasAction, SyncError } from '../../core/errors.ts'
import type { Http } from '../../core/http.ts'
import { formatMoney } from '../../core/money.ts'
import { toSlug } from '../../lib/text.ts'
import type { WebsiteCredentials } from './credentials.ts'
import { refuseFailure } from './errors.ts'
import type { PageEvidence } from './evidence.ts'
import { planWithFirecrawl } from './firecrawl-plan.ts'
import { Firecrawl } from './firecrawl.ts'
import { groupPages, spreadPages } from './page-groups.ts'
import { planDirectly, type CrawlPlan } from './plan.ts'
import { explainNoProduct, readProduct } from './product.ts'
import { readPage } from './read-page.ts'
import { isScriptShell } from './script-shell.ts'
import { WebsiteSettings } from './settings.ts'
import { Site } from './site.ts'

const READ_MAX = 8
const SAMPLES_MAX = 5
const NO_CREDENTIALS: WebsiteCredentials = { signature: null, firecrawl: null }
const SYNTAX_NAMES = { 'json-ld': 'JSON-LD', microdata: 'microdata', rdfa: 'RDFa' } as const

/** The pages of a site that were read to find out if it is a shop. */
interface Trial {
  readonly plan: CrawlPlan
  readonly read: number
  readonly shells: number
  readonly products: readonly PageEvidence[]
  /** The addresses of the pages with a product. */
  readonly addresses: readonly string[]
}

/**
 * Returns the settings of the shop at `address`.
 *
 * @throws SyncError `source/not-recognised` with the reason why it is not a shop that can be read ·
 * `source/…` when it is closed, blocked or does not respond
 */
export async function recognise(
  address: URL,
  http: Http,
  signal: AbortSignal,
  credentials?: WebsiteCredentials | null,
): Promise<Recognition<WebsiteSettings>> {
  const given = credentials ?? NO_CREDENTIALS
  const origin = await findOrigin(address, http, signal)
  const settings = WebsiteSettings.parse({ url: origin })
  const site = new Site({ settings, credentials: given, http }, signal)
  const scope = { kind: 'all' } as const
  let plan: CrawlPlan | null = null
  let refusal: SyncError
  try {
    plan = await planDirectly(site, { settings, scope, warn: () => undefined })
    const trial = await tryPages(plan)
    if (trial.products.length > 0) return toRecognition(settings, trial)
    refusal = explainFailure(trial)
  } catch (error) {
    if (!hasAction(error, 'stop') || error.code !== 'source/malformed') throw error
    refusal = new SyncError('source/not-recognised', error.message, { cause: error })
  }
  if (given.firecrawl === null) throw refusal
  const through = { ...settings, via: 'firecrawl' as const }
  const firecrawl = Firecrawl.open(given, http, signal)
  // The pages that the sitemaps list are the same for Firecrawl.
  const trial = await tryPages(
    plan === null
      ? await planWithFirecrawl(site, firecrawl, { settings: through, scope })
      : { ...plan, request: firecrawl.requestThrough(site) },
  )
  if (trial.products.length === 0) throw refusal
  return toRecognition(through, trial)
}

/** The origin that the address leads to. @throws SyncError when it cannot be read */
async function findOrigin(address: URL, http: Http, signal: AbortSignal): Promise<string> {
  const response = await http({ url: address.href, headers: { accept: 'text/html' } }, signal)
  try {
    await refuseFailure(response, address.href, address.host)
    return new URL(response.url).origin
  } finally {
    await response.cancel()
  }
}

/** Reads pages of each group, until there are enough products. */
async function tryPages(plan: CrawlPlan): Promise<Trial> {
  const products: PageEvidence[] = []
  const addresses: string[] = []
  let [read, shells] = [0, 0]
  for (const { address } of spreadPages(plan.pages, READ_MAX)) {
    if (products.length >= SAMPLES_MAX) break
    const response = await plan.request(address, null)
    read++
    if (response.kind === 'none') continue
    const { html, url, readAtMs } = response.page
    const evidence = readPage(html, url, readAtMs)
    if (explainNoProduct(evidence) === null) {
      products.push(evidence)
      addresses.push(address)
    } else if (isScriptShell(html)) shells++
  }
  return { plan, read, shells, products, addresses }
}

function toRecognition(
  settings: WebsiteSettings,
  { plan, read, products, addresses }: Trial,
): Recognition<WebsiteSettings> {
  // Without another sign, the pages of products are those in the folders in which some were found.
  const include =
    plan.rule === 'all addresses' && products.length < read ? groupPages(addresses) : []
  const syntaxes = products.flatMap(({ items }) => items.map(({ syntax }) => SYNTAX_NAMES[syntax]))
  const names = [...new Set(syntaxes)].join(' and ')
  const manner = settings.via === 'firecrawl' ? ' through Firecrawl (one credit a page)' : ''
  return {
    suggestedName: toSlug(plan.host.replace(/^www\./, '')),
    settings: { ...settings, include },
    found: `${plan.host} lists ${plan.pages.length} pages (${plan.rule}); ${products.length} of ${read} that were read${manner} state a product${names === '' ? '' : ` as ${names}`}`,
    samples: products.flatMap((evidence) => toSample(evidence, settings)),
  }
}

function explainFailure({ plan, read, shells }: Trial): SyncError {
  const { host, pages } = plan
  if (pages.length === 0)
    return new SyncError('source/not-recognised', `The sitemaps of ${host} list no pages`)
  const reason =
    shells * 2 > read
      ? `their content is added by scripts in the browser. Firecrawl can read such pages: set FIRECRAWL_API_KEY or FIRECRAWL_URL`
      : 'they have no structured data of products'
  return new SyncError(
    'source/not-recognised',
    `${host} lists ${pages.length} pages, but the ${read} that were read state no product: ${reason}`,
  )
}

function toSample(evidence: PageEvidence, settings: WebsiteSettings): Sample[] {
  try {
    const draft: NewDraft = readProduct(evidence, settings)
    const price = draft.prices?.find(({ amountMinor }) => amountMinor !== null)
    return [
      {
        title: draft.title ?? draft.externalId,
        url: draft.url ?? null,
        price: price === undefined ? null : formatMoney(price.amountMinor ?? 0, price.currency),
      },
    ]
  } catch (error) {
    if (error instanceof SyncError) return []
    throw error
  }
}
