// Reads the pages of a site through Firecrawl, which runs their scripts:
// https://docs.firecrawl.dev/api-reference/v2-introduction. The API rejects unknown members of a
// request. `rawHtml` costs one credit a page and goes through the same reader as any other page;
// models, proxies that hide the client, and the endpoint /extract (it ends in December 2026) are not
// used.

import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import type { Http, HttpRequest, HttpResponse } from '../../core/http.ts'
import { readBytes } from '../../lib/read-body.ts'
import type { WebsiteCredentials } from './credentials.ts'
import { refuseFailure, toBody } from './errors.ts'
import { cutReason, parseJson, readFailure, toFailure } from './firecrawl-errors.ts'
import { isOnSite, toRequestAddress } from './listed-pages.ts'
import {
  checkWhole,
  nameOf,
  PAGE_BYTES_MAX,
  type PageResponse,
  type RequestPage,
} from './page-request.ts'
import type { Site } from './site.ts'

const MAP_LIMIT = 30_000
const RESPONSE_BYTES_MAX = 2 * PAGE_BYTES_MAX + 1024 * 1024
const MAP_BYTES_MAX = 64 * 1024 * 1024
/** Time that Firecrawl may take for a page; our own limit is longer, so that its error arrives. */
const PAGE_MS = 60_000
const FIRST_BYTE_MS = 120_000

const Mapped = z.object({
  success: z.literal(true),
  /** Version 1 of the API lists texts. */
  links: z.array(z.union([z.string(), z.object({ url: z.string() })])),
})

const Scraped = z.object({
  success: z.literal(true),
  warning: z.string().nullish(),
  data: z
    .object({
      rawHtml: z.string().nullish(),
      metadata: z
        .object({
          /** The status of the page itself: a page that is gone is a success of Firecrawl. */
          statusCode: z.int().nullish(),
          url: z.string().nullish(),
          sourceURL: z.string().nullish(),
          error: z.string().nullish(),
        })
        .nullish(),
    })
    .nullish(),
})

export class Firecrawl {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #http: Http
  readonly #signal: AbortSignal

  private constructor(
    { url, key }: NonNullable<WebsiteCredentials['firecrawl']>,
    http: Http,
    signal: AbortSignal,
  ) {
    this.#url = url
    this.#headers = {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
    }
    this.#http = http
    this.#signal = signal
  }

  /** @throws SyncError `settings/invalid` without a key and an address */
  static open({ firecrawl }: WebsiteCredentials, http: Http, signal: AbortSignal): Firecrawl {
    if (firecrawl === null)
      throw new SyncError(
        'settings/invalid',
        'The source is read by Firecrawl: set FIRECRAWL_API_KEY, or FIRECRAWL_URL for your own',
      )
    return new Firecrawl(firecrawl, http, signal)
  }

  /** @throws SyncError `source/unauthorized` when the key is not valid · `source/…` */
  async probe(): Promise<void> {
    const response = await this.#send('GET', '/v2/team/credit-usage')
    // A self-hosted Firecrawl has no accounts.
    if (response.status !== 404) await this.#refuseFailure(response, 'Firecrawl')
    await response.cancel()
  }

  /** Lists addresses of the site. It is a hint: nothing proves that all pages are among them. */
  async map(site: Site): Promise<string[]> {
    const { links } = await this.#post(
      '/v2/map',
      {
        url: site.url.origin,
        sitemap: 'include',
        includeSubdomains: false,
        ignoreQueryParameters: false,
        limit: MAP_LIMIT,
      },
      {
        schema: Mapped,
        bytesMax: MAP_BYTES_MAX,
        where: `Firecrawl, ${site.url.host},`,
        minIntervalMs: site.minIntervalMs,
      },
    )
    return links.map((link) => (typeof link === 'string' ? link : link.url))
  }

  requestThrough(site: Site): RequestPage {
    return async (address) => {
      const where = nameOf(address)
      const { data, warning } = await this.#post(
        '/v2/scrape',
        {
          url: address,
          formats: ['rawHtml'],
          onlyMainContent: false,
          maxAge: 0,
          proxy: 'basic',
          timeout: PAGE_MS,
        },
        {
          schema: Scraped,
          bytesMax: RESPONSE_BYTES_MAX,
          where: `Firecrawl, ${where},`,
          minIntervalMs: site.minIntervalMs,
        },
      )
      const { statusCode, url } = data?.metadata ?? {}
      return toPageResponse(site, {
        address,
        status: statusCode ?? 200,
        url: URL.parse(url ?? address) ?? new URL(address),
        html: data?.rawHtml ?? null,
        reason: data?.metadata?.error ?? warning ?? 'no HTML and no reason',
      })
    }
  }

  async #post<Body>(
    path: string,
    body: object,
    { schema, bytesMax, where, minIntervalMs }: Expectation<Body>,
  ): Promise<Body> {
    const request = { body: JSON.stringify(body), minIntervalMs }
    const response = await this.#send('POST', path, request)
    try {
      await this.#refuseFailure(response, where)
      const text = new TextDecoder().decode(await readBytes(response, bytesMax))
      const { data } = schema.safeParse(parseJson(text))
      if (data !== undefined) return data
      throw toFailure(response, where, readFailure(text))
    } finally {
      await response.cancel()
    }
  }

  #send(
    method: 'GET' | 'POST',
    path: string,
    more: Pick<HttpRequest, 'body' | 'minIntervalMs'> = {},
  ): Promise<HttpResponse> {
    return this.#http(
      {
        url: this.#url + path,
        method,
        headers: this.#headers,
        firstByteTimeoutMs: FIRST_BYTE_MS,
        ...more,
      },
      this.#signal,
    )
  }

  async #refuseFailure(response: HttpResponse, where: string): Promise<void> {
    if (response.status === 200) return
    const text = new TextDecoder().decode(await readBytes(response, MAP_BYTES_MAX))
    throw toFailure(response, where, readFailure(text))
  }
}

interface Expectation<Body> {
  readonly schema: z.ZodType<Body>
  readonly bytesMax: number
  readonly where: string
  /** The Crawl-delay of the site; 0 without one. */
  readonly minIntervalMs: number
}

interface Scrape {
  readonly address: string
  readonly status: number
  readonly url: URL
  readonly html: string | null
  readonly reason: string
}

/** @throws SyncError of the page, as if it had been requested directly */
async function toPageResponse(
  site: Site,
  { address, status, url, html, reason }: Scrape,
): Promise<PageResponse> {
  const where = nameOf(address)
  if (!isOnSite(url, site.url)) return { kind: 'none', reason: 'elsewhere' }
  if (status === 404 || status === 410) return { kind: 'none', reason: 'gone' }
  await refuseFailure(
    {
      status,
      headers: new Headers({ 'content-type': 'text/html' }),
      url: url.href,
      body: toBody(html ?? ''),
      cancel: async () => {},
    },
    address,
    where,
  )
  if (html === null)
    throw new SyncError(
      'source/unavailable',
      `Firecrawl could not read ${where}: ${cutReason(reason)}`,
    )
  if (html.length > PAGE_BYTES_MAX)
    throw new SyncError('source/too-large', `${where} is larger than ${PAGE_BYTES_MAX} bytes`)
  const page = {
    address,
    url: toRequestAddress(url.href, site.url) ?? address,
    readAtMs: Date.now(),
    etag: null,
    lastModified: null,
    html: checkWhole(html, where),
  }
  return { kind: 'page', page }
}
