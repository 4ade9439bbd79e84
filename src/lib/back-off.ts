// Delays before retries. A supplier's Retry-After is the minimum, and jitter is added to it: a
// hundred workers that receive "60 s" must not all return at the same instant.

export interface BackOff {
  /** Upper bound of the first delay; each further attempt doubles it. */
  readonly baseMs: number
  /** Upper bound of any delay, without Retry-After. */
  readonly maxMs: number
  /** The supplier's Retry-After, see `parseRetryAfter`. */
  readonly retryAfterMs?: number | null
  /**
   * Upper bound of Retry-After. Default 15 minutes: a wrong header must not stop a run for a day.
   */
  readonly retryAfterMaxMs?: number
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

/** Waits `ms`, or rejects with the signal's reason. Tests pass one that does not sleep. */
export type Waiter = (ms: number, signal: AbortSignal) => Promise<void>

// setTimeout stores its delay in 32 signed bits and fires at once for a larger one.
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * Exponential back-off with full jitter, in whole milliseconds; `attempt` counts from 0. Full
 * jitter spreads clients best:
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function chooseDelayMs(attempt: number, backOff: BackOff): number {
  const { baseMs, maxMs, retryAfterMs, retryAfterMaxMs = 900_000, random = Math.random } = backOff
  const floorMs = Math.min(Math.max(retryAfterMs ?? 0, 0), retryAfterMaxMs)
  return Math.round(floorMs + random() * Math.min(maxMs, baseMs * 2 ** attempt))
}

/** Upper bound of a header, so that the sum with any time is a valid time. */
const RETRY_AFTER_MAX_MS = 366 * 86_400_000

/**
 * Converts a Retry-After header, seconds or an HTTP date (RFC 9110 10.2.3), into milliseconds from
 * `nowMs`, at most a year. Null when it is absent or invalid.
 */
export function parseRetryAfter(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(text))
    return Math.min(Math.ceil(Number(text) * 1000), RETRY_AFTER_MAX_MS)
  const atMs = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? null : Math.min(Math.max(0, atMs - nowMs), RETRY_AFTER_MAX_MS)
}

export const wait: Waiter = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', stop)
        resolve()
      },
      Math.min(ms, TIMER_MAX_MS),
    )
    signal.addEventListener('abort', stop, { once: true })
  })
