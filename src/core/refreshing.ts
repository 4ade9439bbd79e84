// Errors of a refresh after which its products were not requested.

/** The errors after which no request is sent: see `is_skipped` in 49_refresh_jobs.sql. */
export const SKIPPING = ['source/circuit-open', 'source/rate-limited'] as const

/** True when the products were not requested, and their refresh is skipped instead of failed. */
export function isSkipped(code: string): boolean {
  return SKIPPING.some((one) => one === code)
}
