// Sends the requests of a source by the rules of its connector: each waits for its turn among those
// of all workers, and a supplier that is down gets none. The rules hold for the first address of a
// request; its redirects belong to it.

import type { Connector } from '../core/connector.ts'
import type { Http, HttpResponse } from '../core/http.ts'
import { defaultRules, type RequestLimit } from '../core/limits.ts'
import { admitRequest, judgeBody, observeRequest, type BreakerTools } from './breaker-guard.ts'
import { RequestLog, type RequestLogger } from './request-log.ts'
import { RequestTurns, type ReportWait, type TurnTools } from './request-turns.ts'

export interface RequestTools extends BreakerTools, TurnTools {
  readonly http: Http
  readonly log: BreakerTools['log'] & RequestLogger
}

/** Whose requests they are. Settings and credentials are null before a source is known. */
export interface Requester {
  readonly connector: Pick<Connector, 'rules'>
  readonly settings: unknown
  readonly credentials: unknown
  /**
   * Urgent requests may use the reserve of a limit: those of imports, those for which a person waits, and
   * those of a batch that is requested again.
   */
  readonly urgent?: boolean | (() => boolean)
}

/** Receives what happens to the requests. */
export interface RequestObserver {
  readonly onWait?: ReportWait
  /** Shared by all requests of a fetch, so that a retry has the number of its attempt. */
  readonly requestLog?: RequestLog
}

/**
 * Returns an HTTP client that sends each request when its turn comes.
 *
 * @throws SyncError besides the errors of `http`: `source/circuit-open` while the supplier is down ·
 * `source/rate-limited` when its turn is more than 15 minutes away · `db/…`
 */
export function limitRequests(
  tools: RequestTools,
  { connector, settings, credentials, urgent = false }: Requester,
  { onWait = () => {}, requestLog = new RequestLog() }: RequestObserver = {},
): Http {
  return async (request, signal) => {
    const url = URL.parse(request.url)
    if (url === null) return tools.http(request, signal)
    const { limits, breaker, logLevel } =
      connector.rules?.({ url, settings, credentials }) ?? defaultRules(url)
    const isUrgent = typeof urgent === 'function' ? urgent() : urgent
    const slowed = slowDown(limits, request.minIntervalMs)
    const turns = new RequestTurns(tools, slowed, onWait, isUrgent)
    const line = requestLog.begin(tools.log, url, request, logLevel)
    try {
      const admitted = await admitRequest(tools, breaker, {
        read: () => turns.begin(breaker),
        wait: () => turns.take(signal),
      })
      const response = await observeRequest(tools, admitted, signal, async (limited) => {
        await turns.take(limited)
        line.sent()
        return tools.http(request, limited)
      })
      line.responded(response.status)
      await turns.obey(response)
      const own = { ...response, pause: (waitMs: number) => turns.delay(waitMs) }
      return watchBody(own, async (error, bytes) => {
        line.ended(error, bytes)
        await turns.leave()
        await judgeBody(tools, admitted, response, error)
      })
    } catch (error) {
      line.ended(error, 0)
      await turns.leave()
      throw error
    }
  }
}

/** Applies the pace of a site to the narrowest limit. Then no requests follow at once. */
function slowDown(limits: readonly RequestLimit[], intervalMs = 0): readonly RequestLimit[] {
  const [narrowest, ...wider] = limits
  return narrowest === undefined || intervalMs <= narrowest.intervalMs
    ? limits
    : [{ ...narrowest, leastIntervalMs: intervalMs, burst: 1 }, ...wider]
}

/** Calls `onEnd` once: at the end of the body, with its error, or when the reader cancels it. */
function watchBody(
  response: HttpResponse,
  onEnd: (error: unknown, bytes: number) => Promise<void>,
): HttpResponse {
  let [bytes, isOver] = [0, false]
  const end = async (error: unknown): Promise<void> => {
    if (isOver) return
    isOver = true
    await onEnd(error, bytes)
  }
  async function* read(): AsyncGenerator<Uint8Array> {
    let failure: unknown = null
    try {
      for await (const chunk of response.body) {
        bytes += chunk.byteLength
        yield chunk
      }
    } catch (error) {
      failure = error
      throw error
    } finally {
      await end(failure)
    }
  }
  return {
    ...response,
    body: read(),
    async cancel() {
      await response.cancel()
      await end(null)
    },
  }
}
