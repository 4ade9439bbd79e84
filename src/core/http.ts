// The HTTP client of connectors. It is passed in as a function, so that the same connector runs in
// Node, Deno and tests.

export interface HttpRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /**
   * Time limit for the status line and headers. Default 120,000, because a supplier may take long
   * to begin a large response.
   */
  readonly firstByteTimeoutMs?: number
  /**
   * Maximum time without a byte of the body. Default 60,000. The total time is not limited, but a
   * very slow response fails with `source/too-slow`.
   */
  readonly idleTimeoutMs?: number
  /**
   * The average time between two requests that the site itself states. It applies to the narrowest
   * limit of the request, if that one is not slower anyway.
   */
  readonly minIntervalMs?: number
  /** False: a redirect is the response, and not followed. Default true. */
  readonly followsRedirects?: boolean
  /** For the log line of the request, such as the number of items. Never a secret. */
  readonly facts?: Readonly<Record<string, string | number>>
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Headers
  /** The final address, after redirects. */
  readonly url: string
  /**
   * Decompressed. Iteration throws `source/cut-short` when the body ends before its announced
   * length. Either read it to the end or call `cancel`.
   */
  readonly body: AsyncIterable<Uint8Array>
  cancel(): Promise<void>
  /**
   * Lets all requests of the same limits wait, in all workers, when the wait is stated in the body.
   * A wait in Retry-After has been passed on already. Absent where no limits apply.
   */
  pause?(waitMs: number): Promise<void>
}

/**
 * Sends one request without retries. Follows at most five redirects, checks each address, and sends
 * no credentials to another origin.
 *
 * @throws SyncError `source/unavailable` (no connection, reset, timeout) · `source/address-refused`
 * · AbortError when `signal` fires
 */
export type Http = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>
