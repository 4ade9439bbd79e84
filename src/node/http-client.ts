// The HTTP client that is handed to connectors: one attempt, each address guarded, no total
// timeout. It reads bodies at the speed of the socket (over 1 GB/s from loopback, against 0.9 of
// node:http; the 256 KiB buffers are worth 40 %).

import type { Agent, Dispatcher } from 'undici'
import { SyncError } from '../core/errors.ts'
import type { Http, HttpRequest, HttpResponse } from '../core/http.ts'
import type { AddressGuard } from './address-guard.ts'
import { ACCEPT_ENCODING, readBody, type BodyContext } from './http-body.ts'
import { toConnectionError } from './http-errors.ts'

export interface HttpOptions {
  readonly guard: AddressGuard
  /** Who we are and how to reach us. */
  readonly userAgent: string
  readonly connectTimeoutMs?: number
  /** Certificates to trust in place of the well-known ones, PEM. */
  readonly ca?: string
  /**
   * The most bytes that one compressed byte may become, once an answer is large. Default 500;
   * product feeds have 5 to 30.
   */
  readonly inflateRatioMax?: number
  /** A clock that never goes back, in ms. Default: the process's. */
  readonly now?: () => number
  /**
   * Told of each request once, when its body has ended or when it failed; redirects count as their
   * own.
   */
  readonly onRequest?: (report: RequestReport) => void
}

export interface RequestReport {
  readonly host: string
  /** The HTTP status, or null when there was none. */
  readonly status: number | null
  readonly statusClass: '2xx' | '3xx' | '4xx' | '5xx' | 'failed' | 'aborted'
  /**
   * From the request to the end of the body: includes the time in which the caller did not read.
   */
  readonly durationMs: number
  /** Of the decoded body. */
  readonly bytes: number
}

/** One attempt as it goes over the wire: what a redirect changes. */
interface Hop {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

interface Answer {
  readonly data: Dispatcher.ResponseData
  readonly report: (bytes: number, error: unknown) => void
}

const READ_BYTES = 256 * 1024
const REDIRECTS_MAX = 5
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308])
// The header names under which suppliers take keys, besides the two that every client knows.
const CREDENTIAL_HEADER = /^(proxy-)?authorization$|^cookie$|key|token|secret/i

/**
 * Makes the client; `close` ends every connection at once, also those in use.
 *
 * A POST becomes a GET on 303, 302 and 301 as in browsers; credentials do not cross origins; https
 * never falls back to http.
 */
export function createHttp(options: HttpOptions): Http & { close(): Promise<void> } {
  const {
    guard,
    connectTimeoutMs = 10_000,
    inflateRatioMax = 500,
    now = () => performance.now(),
    ca,
  } = options
  // Passed on to net.connect; undici's types do not know it.
  const socket = { highWaterMark: READ_BYTES }
  let agent: Promise<Agent> | null = null
  // undici is loaded with the first request: a process that makes none is 25 MB smaller without it.
  const openAgent = async (): Promise<Agent> => {
    const undici = await import('undici')
    return new undici.Agent({
      factory: (origin) =>
        new undici.Pool(origin, {
          // One cut connection must not take the answers of its neighbours with it.
          allowH2: false,
          connect: {
            ...socket,
            timeout: connectTimeoutMs,
            lookup: guard.lookupFor(new URL(origin)),
            ...(ca === undefined ? {} : { ca }),
          },
        }),
    })
  }

  async function send(hop: Hop, request: HttpRequest, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    const startedAtMs = performance.now()
    const { host } = hop.url
    let isReported = false
    const report = (status: number | null, bytes: number, error: unknown) => {
      if (isReported) return
      isReported = true
      options.onRequest?.({
        host,
        status,
        statusClass: classOf(status, error, signal),
        durationMs: performance.now() - startedAtMs,
        bytes,
      })
    }
    try {
      guard.check(hop.url)
      checkCredentials(hop, guard)
      const data = await (
        await (agent ??= openAgent())
      ).request({
        origin: hop.url.origin,
        path: hop.url.pathname + hop.url.search,
        method: hop.method,
        headers: {
          'user-agent': options.userAgent,
          accept: '*/*',
          'accept-encoding': ACCEPT_ENCODING,
          ...hop.headers,
        },
        body: hop.body,
        signal,
        headersTimeout: request.firstByteTimeoutMs ?? 120_000,
        bodyTimeout: request.idleTimeoutMs ?? 60_000,
        highWaterMark: READ_BYTES,
      })
      return { data, report: (bytes, error) => report(data.statusCode, bytes, error) }
    } catch (error) {
      report(null, 0, error)
      throw signal.aborted ? signal.reason : toConnectionError(error, host, null)
    }
  }

  const http: Http = async (request, signal) => {
    let hop = firstHop(request)
    for (let redirects = 0; ; redirects++) {
      const answer = await send(hop, request, signal)
      const next = nextHop(hop, answer.data)
      if (next === null) return toResponse(hop.url, answer, { signal, inflateRatioMax, now })
      discard(answer.data)
      answer.report(0, null)
      if (redirects === REDIRECTS_MAX) {
        throw new SyncError(
          'source/unavailable',
          `${hop.url.host} redirects more than ${REDIRECTS_MAX} times`,
        )
      }
      hop = next
    }
  }
  return Object.assign(http, { close: async () => (await agent)?.destroy() })
}

function checkCredentials({ url, headers }: Hop, guard: AddressGuard): void {
  if (Object.keys(headers).some((name) => CREDENTIAL_HEADER.test(name))) checkPrivacy(url, guard)
}

/**
 * @throws SyncError `source/address-refused` when a key would cross a network that anybody on the
 * way can read
 */
export function checkPrivacy(url: URL, guard: AddressGuard): void {
  if (url.protocol === 'https:' || guard.isOwn(url)) return
  throw new SyncError(
    'source/address-refused',
    `A key is not sent to http://${url.host}, where anybody on the way could read it: use https`,
  )
}

function firstHop({ url, method = 'GET', headers = {}, body }: HttpRequest): Hop {
  const parsed = URL.parse(url)
  if (parsed === null)
    throw new SyncError('source/address-refused', 'The address is not a valid URL')
  return { url: parsed, method, headers: lowerCased(headers), body: body ?? null }
}

/**
 * Where `answer` leads on to, by the rules of https://fetch.spec.whatwg.org/#http-redirect-fetch;
 * null when it is the final one.
 */
function nextHop(hop: Hop, { statusCode, headers }: Dispatcher.ResponseData): Hop | null {
  const { location } = headers
  if (!REDIRECT_STATUSES.has(statusCode) || typeof location !== 'string') return null
  const url = URL.parse(location, hop.url)
  if (url === null)
    throw new SyncError(
      'source/unavailable',
      `${hop.url.host} redirects to something that is not a URL`,
    )
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') {
    const message = `${hop.url.host} redirects from https to http://${url.host}, which anybody on the way could read and change`
    throw new SyncError('source/address-refused', message)
  }
  const asGet = hop.method === 'POST' && statusCode <= 303
  const isElsewhere = url.origin !== hop.url.origin
  const dropped = (name: string) =>
    (asGet && name.startsWith('content-')) || (isElsewhere && CREDENTIAL_HEADER.test(name))
  return {
    url,
    method: asGet ? 'GET' : hop.method,
    headers: Object.fromEntries(Object.entries(hop.headers).filter(([name]) => !dropped(name))),
    body: asGet ? null : hop.body,
  }
}

function toResponse(
  url: URL,
  { data, report }: Answer,
  context: Pick<BodyContext, 'signal' | 'inflateRatioMax' | 'now'>,
): HttpResponse {
  const headers = new Headers()
  for (const [name, value] of Object.entries(data.headers))
    for (const one of [value ?? []].flat()) headers.append(name, one)
  const isEmpty =
    data.statusCode === 204 || data.statusCode === 304 || headers.get('content-length') === '0'
  const encodings = isEmpty
    ? []
    : (headers.get('content-encoding') ?? '')
        .toLowerCase()
        .split(',')
        .map((encoding) => encoding.trim())
  // An abort between headers and first read destroys the body while nobody listens.
  data.body.on('error', () => {})
  const body = readBody(data.body, encodings, { ...context, host: url.host, onEnd: report })
  return {
    status: data.statusCode,
    headers,
    url: url.href,
    body,
    async cancel() {
      data.body.destroy()
      await body.return(undefined)
      // A generator that was never started has run nothing of its `finally`.
      report(0, null)
    },
  }
}

/**
 * Reads the short body of a redirect away, so that its connection can be used again; a long one
 * costs the connection.
 */
function discard({ body }: Dispatcher.ResponseData): void {
  body.dump({ limit: 16_384 }).catch(() => {})
}

function classOf(
  status: number | null,
  error: unknown,
  signal: AbortSignal,
): RequestReport['statusClass'] {
  if (signal.aborted && error !== null) return 'aborted'
  if (status === null || error !== null) return 'failed'
  return status < 300 ? '2xx' : status < 400 ? '3xx' : status < 500 ? '4xx' : '5xx'
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
}
