// The log line of each request to a supplier, with its response time, and the number of requests of a
// run. A redirect belongs to its request.

import { isAbort, SyncError } from '../core/errors.ts'
import type { HttpRequest } from '../core/http.ts'
import type { RequestRules } from '../core/limits.ts'

export interface RequestLogger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
}

/** The requests of a run in this process. */
export interface RequestCount {
  requests: number
  failedRequests: number
}

/** Statuses that say that there is nothing at an address, which is a response. */
const NOTHING: ReadonlySet<number> = new Set([404, 410])

/** State shared by the requests of one fetch: the failures in a row of each address, and their number. */
export class RequestLog {
  readonly count: RequestCount
  readonly #failures = new Map<string, number>()

  constructor(count: RequestCount = { requests: 0, failedRequests: 0 }) {
    this.count = count
  }

  begin(
    log: RequestLogger,
    { host }: URL,
    { url, facts }: HttpRequest,
    level: RequestRules['logLevel'] = 'debug',
  ): OneRequest {
    const attempt = (this.#failures.get(url) ?? 0) + 1
    return new OneRequest(
      (failed, ended) => {
        this.count.requests += 1
        if (failed) this.count.failedRequests += 1
        if (failed) this.#failures.set(url, attempt)
        else this.#failures.delete(url)
        log[level](ended, 'supplier request')
      },
      { host, ...facts, attempt },
    )
  }
}

/** One request, from the moment at which it is sent. */
export class OneRequest {
  readonly #report: (failed: boolean, facts: object) => void
  readonly #facts: object
  #sentMs: number | null = null
  #response: { readonly status: number; readonly responseMs: number } | null = null

  constructor(report: (failed: boolean, facts: object) => void, facts: object) {
    this.#report = report
    this.#facts = facts
  }

  sent(): void {
    this.#sentMs = performance.now()
  }

  responded(status: number): void {
    this.#response = { status, responseMs: this.#elapsedMs() }
  }

  /** Called once, at the end of the body or with the error. A request that was not sent has no line. */
  ended(error: unknown, bytes: number): void {
    if (this.#sentMs === null) return
    const { status = null } = this.#response ?? {}
    const stopped = isAbort(error)
    const refused = status === null || (status >= 400 && !NOTHING.has(status))
    this.#report(!stopped && (error !== null || refused), {
      ...this.#facts,
      status,
      ...(error !== null && { error: stopped ? 'stopped' : codeOf(error) }),
      responseMs: this.#response?.responseMs ?? null,
      durationMs: this.#elapsedMs(),
      bytes,
    })
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - (this.#sentMs ?? 0))
  }
}

function codeOf(error: unknown): string {
  return error instanceof SyncError ? error.code : 'internal'
}
