// Errors that end a run of named products, or after which its products were not requested.

/** The errors after which no request is sent: see `is_skipped` in 49_refresh_jobs.sql. */
export const SKIPPING = ['source/circuit-open', 'source/rate-limited'] as const

/** True when the products were not requested, and their refresh is skipped instead of failed. */
export function isSkipped(code: string): boolean {
  return SKIPPING.some((one) => one === code)
}

/**
 * True when an open circuit breaker has ended a run of named products. Such a run does not wait for
 * the test of the breaker, as all others do, and does not count as a failure of the host.
 */
export function isEndedByBreaker(keys: readonly string[] | null, code: string | null): boolean {
  return keys !== null && code === 'source/circuit-open'
}
