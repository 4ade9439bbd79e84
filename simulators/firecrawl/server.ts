// Firecrawl's API version 2 on loopback. It requests each page as a browser that runs scripts, rejects
// unknown members, counts credits, and has the faults of the real API.

import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { sendFaultResponse } from '../support/body.ts'
import { CommonFault, createFaultBook, type FaultBook } from '../support/faults.ts'
import { listen, readPath, readText, sendJson } from '../support/server.ts'

export interface FirecrawlSwitches {
  /** Null: a self-hosted one, without keys and accounts. */
  readonly key?: string | null
  readonly credits?: number
  /** Number of requests until it responds 429. */
  readonly requestsMax?: number
  /** Success without HTML, with a warning only, as when the browser failed. */
  readonly omitsHtml?: boolean
  /** Lists links as texts, as version 1 does. */
  readonly plainLinks?: boolean
  /** Addresses that the map adds, such as those of other hosts. */
  readonly alsoMaps?: readonly string[]
}

export interface FirecrawlSimulator {
  readonly url: string
  readonly faults: FaultBook<CommonFault, z.input<typeof CommonFault>>
  /** The requests so far. */
  readonly requests: { readonly path: string; readonly body: unknown }[]
  readonly creditsLeft: number
  set(switches: FirecrawlSwitches): void
  close(): Promise<void>
}

interface State {
  switches: Required<FirecrawlSwitches>
  spent: number
  count: number
}

const DEFAULTS = {
  key: null,
  credits: 1_000,
  requestsMax: Infinity,
  omitsHtml: false,
  plainLinks: false,
  alsoMaps: [],
} as const satisfies Required<FirecrawlSwitches>

const MapBody = z.strictObject({
  url: z.url(),
  search: z.string().optional(),
  sitemap: z.enum(['only', 'include', 'skip']).default('include'),
  includeSubdomains: z.boolean().default(true),
  ignoreQueryParameters: z.boolean().default(true),
  limit: z.int().positive().max(30_000).default(5_000),
  timeout: z.int().positive().optional(),
})

const ScrapeBody = z.strictObject({
  url: z.url(),
  formats: z
    .array(z.enum(['markdown', 'html', 'rawHtml', 'links', 'product']))
    .default(['markdown']),
  onlyMainContent: z.boolean().default(true),
  waitFor: z.int().nonnegative().max(60_000).optional(),
  proxy: z.enum(['basic', 'stealth', 'enhanced', 'auto']).default('auto'),
  maxAge: z.int().nonnegative().optional(),
  storeInCache: z.boolean().optional(),
  blockAds: z.boolean().optional(),
  timeout: z.int().positive().optional(),
})

const USER_AGENT = 'Mozilla/5.0 (compatible; FirecrawlSimulator)'

export async function startFirecrawl(
  options: FirecrawlSwitches & { readonly port?: number } = {},
): Promise<FirecrawlSimulator> {
  const { port = 0, ...given } = options
  const state: State = { switches: { ...DEFAULTS, ...given }, spent: 0, count: 0 }
  const faults = createFaultBook(CommonFault)
  const requests: { readonly path: string; readonly body: unknown }[] = []
  const { url, close } = await listen(
    async (request, response) => {
      const body = parse(await readText(request))
      requests.push({ path: readPath(request), body })
      if (await sendFaultResponse(response, faults.take(readPath(request)))) return
      const reply = await createReply(request, body, state)
      sendJson(response, reply.status, reply.body)
    },
    { port },
  )
  return {
    url,
    faults,
    requests,
    get creditsLeft() {
      return state.switches.credits - state.spent
    },
    set(changed) {
      state.switches = { ...state.switches, ...changed }
    },
    close,
  }
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

async function createReply(request: IncomingMessage, body: unknown, state: State): Promise<Reply> {
  const { key, credits, requestsMax } = state.switches
  const path = readPath(request)
  if (key !== null && request.headers.authorization !== `Bearer ${key}`)
    return refuse(401, 'Unauthorized: Invalid token')
  if (path.endsWith('/extract')) return refuse(410, 'The extract endpoint has been shut down')
  if (path === '/v2/team/credit-usage' && key !== null) {
    const data = { remainingCredits: credits - state.spent }
    return { status: 200, body: { success: true, data } }
  }
  if (++state.count > requestsMax)
    return refuse(429, 'Rate limit exceeded. Consumed (req/min): 11. Please retry after 9s')
  if (state.spent >= credits) return refuse(402, 'Insufficient credits to perform this request')
  if (path === '/v2/map') return mapSite(body, state)
  if (path === '/v2/scrape') return scrapePage(body, state)
  return { status: 404, body: `Cannot ${request.method} ${path}` }
}

async function mapSite(body: unknown, state: State): Promise<Reply> {
  const { data, error } = MapBody.safeParse(body)
  if (data === undefined) return refuseBody(error)
  state.spent++
  const page = await load(data.url)
  const links = [...page.html.matchAll(/href="([^"#]+)"/g)].flatMap(
    ([, href = '']) => URL.parse(href, data.url)?.href ?? [],
  )
  const { plainLinks, alsoMaps } = state.switches
  const all = [...new Set([data.url, ...links, ...alsoMaps])].slice(0, data.limit)
  const listed = plainLinks ? all : all.map((url) => ({ url, title: 'x' }))
  return { status: 200, body: { success: true, id: 'm1', links: listed } }
}

async function scrapePage(body: unknown, state: State): Promise<Reply> {
  const { data, error } = ScrapeBody.safeParse(body)
  if (data === undefined) return refuseBody(error)
  state.spent++
  const { status, url, html } = await load(data.url)
  const sourceURL = data.url
  const metadata = { statusCode: status, sourceURL, url, creditsUsed: 1, proxyUsed: 'basic' }
  const isSent = data.formats.includes('rawHtml') && !state.switches.omitsHtml
  const warning = 'The browser ended before the page was loaded'
  return {
    status: 200,
    body: {
      success: true,
      ...(state.switches.omitsHtml && { warning }),
      data: { ...(isSent && { rawHtml: html }), metadata },
    },
  }
}

async function load(url: string): Promise<{ status: number; url: string; html: string }> {
  const response = await fetch(url, { headers: { 'user-agent': USER_AGENT } })
  return { status: response.status, url: response.url, html: await response.text() }
}

function refuse(status: number, error: string): Reply {
  return { status, body: { success: false, error } }
}

function refuseBody(error: z.ZodError | undefined): Reply {
  const isUnknown = error?.issues.some(({ code }) => code === 'unrecognized_keys') === true
  const text = isUnknown
    ? 'Unrecognized key in body -- please review the v2 API documentation'
    : 'Bad Request'
  return {
    status: 400,
    body: { success: false, code: 'BAD_REQUEST', error: text, details: error?.issues },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
