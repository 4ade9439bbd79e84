// A website on loopback: robots.txt, sitemaps, pages of products and others, and `/_control/…` to
// change it and to set faults. The habits of real sites are options.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { sendBody, sendFaultResponse } from '../support/body.ts'
import { handleControl, isControl } from '../support/control.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { listen } from '../support/server.ts'
import { createShopVerbs } from '../support/shop-verbs.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { createCatalogue, type SiteCatalogue } from './catalogue.ts'
import { SiteFault, type SiteFaultInput } from './faults.ts'
import {
  createContent,
  type Asked,
  type Content,
  type SiteSwitches,
  type State,
} from './responses.ts'
import { findSignatureFault } from './signatures.ts'

export interface SiteOptions extends SiteSwitches {
  /** 0: a free port. */
  readonly port?: number
  readonly products?: number
  readonly seed?: number
  readonly currency?: string
  /** Number of pages that are not of products. */
  readonly others?: number
}

/** A request as a test counts it. */
export interface SiteRequest {
  readonly path: string
  readonly isConditional: boolean
  readonly isSigned: boolean
  readonly status: number
}

export interface SiteSimulator {
  readonly url: string
  readonly catalogue: SiteCatalogue
  readonly faults: FaultBook<SiteFault, SiteFaultInput>
  readonly stats: Stats
  /** All requests since the start, or since it was emptied. */
  readonly requests: SiteRequest[]
  /** Called with the path of each request before its response is made. */
  onRequest: (path: string) => void
  set(switches: SiteSwitches): void
  close(): Promise<void>
}

const DEFAULTS = {
  port: 0,
  products: 50,
  seed: 1,
  currency: 'EUR',
  others: 5,
  notation: 'json-ld',
  productPath: '/products/',
  sitemap: 'index',
  perSitemap: 1_000,
  lastmod: 'right',
  robots: [],
  robotsStatus: 200,
  foreignSitemap: null,
  validators: 'both',
  aliases: 'none',
  isReversed: false,
  canonical: true,
  softMissing: false,
  moved: false,
  signedBy: null,
} as const satisfies Required<SiteOptions>

/** @throws Error when the port is taken */
export async function startWebsite(options: SiteOptions = {}): Promise<SiteSimulator> {
  const all = { ...DEFAULTS, ...options }
  const faults = createFaultBook(SiteFault)
  const stats = createStats()
  const catalogue = createCatalogue(all)
  let state: State | null = null
  const verbs = createShopVerbs({ shop: catalogue, faults, stats }, ({ id, name }) => ({
    id,
    name,
  }))
  const { url, close } = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, verbs)
      if (state !== null) await respond(request, response, state, simulator)
    },
    { port: all.port },
  )
  const others = Array.from({ length: all.others }, (_, index) => `/blog/post-${index + 1}`)
  state = { switches: all, catalogue, origin: url, others }
  const simulator: SiteSimulator = {
    url,
    catalogue,
    faults,
    stats,
    requests: [],
    onRequest: () => undefined,
    close,
    set(changed) {
      if (state !== null) state = { ...state, switches: { ...state.switches, ...changed } }
    },
  }
  return simulator
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  state: State,
  simulator: SiteSimulator,
): Promise<void> {
  const { method = '', url: target = '/' } = request
  const location = new URL(target, state.origin)
  const headers = toTexts(request)
  simulator.onRequest(location.pathname)
  simulator.stats.recordRequest(location.pathname, {
    method,
    url: target,
    caller: null,
    body: null,
  })
  const taken = simulator.faults.take(location.pathname)
  const isDone = await sendFaultResponse(response, taken)
  const content = isDone ? null : createAllowed({ location, headers }, state)
  const bytes = content === null ? 0 : await send(response, content, taken)
  simulator.stats.recordResponse(response.statusCode, bytes)
  simulator.requests.push({
    path: target,
    isConditional: 'if-none-match' in headers || 'if-modified-since' in headers,
    isSigned: 'signature' in headers,
    status: response.statusCode,
  })
}

/** A site that knows our key refuses requests without a valid signature. */
function createAllowed(asked: Asked, state: State): Content {
  const { signedBy } = state.switches
  const host = asked.headers['x-forwarded-host']
  const origin = host === undefined ? state.origin : `http://${host}`
  const fault =
    signedBy === null ? null : findSignatureFault(asked.headers, asked.location.host, signedBy)
  return fault === null
    ? createContent(asked, { ...state, origin })
    : { status: 403, body: `<!doctype html><title>Not signed: ${fault}</title>` }
}

function toTexts({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  )
}

async function send(
  response: ServerResponse,
  { status = 200, type = 'text/html; charset=utf-8', headers = {}, body, isZipped }: Content,
  taken: Taken<SiteFault>,
): Promise<number> {
  if (status === 304) {
    response.writeHead(304, headers).end()
    return 0
  }
  const bytes = Buffer.from(body)
  return sendBody(response, [isZipped === true ? gzipSync(bytes) : bytes], {
    status,
    headers: { 'content-type': type, ...headers },
    taken,
  })
}
