// Requests to one site: with its pace, signed when there is a key, without cookies and a language,
// which could change prices.

import type { ProbeRequest } from '../../core/connector.ts'
import type { SyncError } from '../../core/errors.ts'
import type { Http, HttpResponse } from '../../core/http.ts'
import { classifyStatus, isTransientStatus } from '../../lib/http-status.ts'
import { RequestSigner } from '../../lib/web-bot-auth.ts'
import type { WebsiteCredentials } from './credentials.ts'
import { failureOf } from './errors.ts'
import { ALLOW_ALL, parseRobots, ROBOTS_BYTES_MAX, type Robots } from './robots.ts'
import type { WebsiteSettings } from './settings.ts'

/** Pages are small: a server that needs longer for one is down. */
const FIRST_BYTE_MS = 60_000

export class Site {
  readonly url: URL
  readonly #http: Http
  readonly #signal: AbortSignal
  readonly #signer: RequestSigner | null
  #minIntervalMs = 0

  constructor(
    { settings, credentials, http }: ProbeRequest<Pick<WebsiteSettings, 'url'>, WebsiteCredentials>,
    signal: AbortSignal,
  ) {
    this.url = new URL(settings.url)
    this.#http = http
    this.#signal = signal
    const { signature } = credentials
    this.#signer = signature === null ? null : new RequestSigner(signature.key, signature.agent)
  }

  /** The Crawl-delay of the site; 0 without one, and before robots.txt was read. */
  get minIntervalMs(): number {
    return this.#minIntervalMs
  }

  async request(
    url: string,
    accept: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpResponse> {
    const signature = (await this.#signer?.sign(new URL(url), Date.now())) ?? {}
    return this.#http(
      {
        url,
        headers: { accept, ...headers, ...signature },
        firstByteTimeoutMs: FIRST_BYTE_MS,
        ...(this.#minIntervalMs > 0 && { minIntervalMs: this.#minIntervalMs }),
      },
      this.#signal,
    )
  }

  /**
   * Reads robots.txt, and from then on keeps to its Crawl-delay. By RFC 9309, a file that is not there
   * allows everything, and one that cannot be read allows nothing.
   *
   * @throws SyncError `source/unavailable` · `source/rate-limited` · `source/blocked`
   */
  async loadRobots(): Promise<Robots> {
    const url = `${this.url.origin}/robots.txt`
    const name = `${this.url.host}/robots.txt`
    const response = await this.request(url, 'text/plain, */*;q=0.1')
    try {
      if (classifyStatus(response.status) !== 'success') {
        const failure = await failureOf(response, url, name)
        if (failure === null || isAbsent(response.status, failure)) return ALLOW_ALL
        throw failure
      }
      const robots = parseRobots(await readText(response.body, ROBOTS_BYTES_MAX))
      this.#minIntervalMs = robots.crawlDelayMs ?? 0
      return robots
    } finally {
      await response.cancel()
    }
  }
}

/**
 * RFC 9309 2.3.1.3: a file with a status of 4xx counts as absent. After 408, 425 and
 * 429, a later request may succeed, and a bot challenge is not a response of the site.
 */
function isAbsent(status: number, { detail }: SyncError): boolean {
  const isRefused = status >= 400 && status < 500 && !isTransientStatus(status)
  return isRefused && detail['wholeSite'] !== true
}

/** Returns the beginning of a body. A body that ends too early is an error: a rule may be missing. */
async function readText(body: HttpResponse['body'], bytesMax: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    bytes += chunk.byteLength
    if (bytes >= bytesMax) break
  }
  return text
}
