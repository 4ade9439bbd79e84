// Sends the requests of a source by the rules of its connector: each waits for its turn among those
// of all workers, and a supplier that is down gets none. The rules hold for the first address of a
// request; its redirects belong to it.

import type { Connector } from '../core/connector.ts'
import type { Http, HttpResponse } from '../core/http.ts'
import { defaultRules, type RequestLimit } from '../core/limits.ts'
import { admitRequest, observeRequest, type BreakerTools } from './breaker-guard.ts'
import { RequestTurns, type ReportWait, type TurnTools } from './request-turns.ts'

export interface RequestTools extends BreakerTools, TurnTools {
  readonly http: Http
}

/** Whose requests they are. Settings and credentials are null before a source is known. */
export interface Requester {
  readonly connector: Pick<Connector, 'rules'>
  readonly settings: unknown
  readonly credentials: unknown
  /** Urgent requests may use the reserve of a limit: those of imports, and those for which a person waits. */
  readonly urgent?: boolean
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
  onWait: ReportWait = () => {},
): Http {
  return async (request, signal) => {
    const url = URL.parse(request.url)
    if (url === null) return tools.http(request, signal)
    const { limits, breaker } =
      connector.rules?.({ url, settings, credentials }) ?? defaultRules(url)
    const slowed = slowDown(limits, request.minIntervalMs)
    const turns = new RequestTurns(tools, slowed, onWait, urgent)
    try {
      const admitted = await admitRequest(tools, breaker, () => turns.begin(breaker))
      const response = await observeRequest(tools, admitted, async () => {
        await turns.take(signal)
        return tools.http(request, signal)
      })
      await turns.obey(response)
      return turns.hasPlace ? leaveAtEnd(response, turns) : response
    } catch (error) {
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

/** The request is in progress until its body has ended. */
function leaveAtEnd(response: HttpResponse, turns: RequestTurns): HttpResponse {
  return {
    ...response,
    body: readAndLeave(response.body, turns),
    async cancel() {
      await response.cancel()
      await turns.leave()
    },
  }
}

async function* readAndLeave(
  body: AsyncIterable<Uint8Array>,
  turns: RequestTurns,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } finally {
    await turns.leave()
  }
}
