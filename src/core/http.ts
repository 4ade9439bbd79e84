// HTTP as connectors see it: a function handed in, so that the same connector runs in Node, Deno
// and tests.

export interface HttpRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /**
   * Longest wait for the status line and headers. Default 120,000: a supplier may need long to
   * begin a large response.
   */
  readonly firstByteTimeoutMs?: number
  /**
   * Longest silence inside the body. Default 60,000. The total time is not limited, but a very slow
   * sender ends with `source/too-slow`.
   */
  readonly idleTimeoutMs?: number
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Headers
  /** The final address, after redirects. */
  readonly url: string
  /**
   * Decompressed. Fails with `source/cut-short` when it ends before its announced end. Read it or
   * cancel it.
   */
  readonly body: AsyncIterable<Uint8Array>
  cancel(): Promise<void>
}

/**
 * One attempt: no retries. Redirects are followed (at most five, with a check of each address,
 * and without credentials on another origin).
 *
 * @throws SyncError `source/unavailable` (no connection, reset, timeout) · `source/address-refused`
 * · an abort error when `signal` fires
 */
export type Http = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>
