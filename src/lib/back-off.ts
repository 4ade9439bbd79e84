// How long to wait before trying again, and the waiting itself. A supplier's Retry-After is a floor
// under the jitter, not a replacement of it: a hundred workers that were told "in 60 s" must not
// all come back in the same instant.

export interface BackOff {
  /** The widest first delay; each further attempt doubles it. */
  readonly baseMs: number
  /** The widest delay of any attempt, Retry-After apart. */
  readonly maxMs: number
  /** What the supplier asked for, see `parseRetryAfter`. */
  readonly retryAfterMs?: number | null
  /**
   * How much of Retry-After is believed. Default 15 minutes: a typo of theirs must not park a run
   * for a day.
   */
  readonly retryAfterMaxMs?: number
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

/**
 * Waits `ms`, or rejects with the signal's reason. Handed in as an argument, so that tests need not
 * sleep.
 */
export type Waiter = (ms: number, signal: AbortSignal) => Promise<void>

// A longer timer fires at once: setTimeout keeps its delay in 32 signed bits.
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * Exponential back-off with full jitter, whole milliseconds; `attempt` counts from 0. Full jitter
 * spreads clients best: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function delayMs(attempt: number, backOff: BackOff): number {
  const { baseMs, maxMs, retryAfterMs, retryAfterMaxMs = 900_000, random = Math.random } = backOff
  const floorMs = Math.min(Math.max(retryAfterMs ?? 0, 0), retryAfterMaxMs)
  return Math.round(floorMs + random() * Math.min(maxMs, baseMs * 2 ** attempt))
}

/** No header is believed beyond this: so that what comes of it can be added to any time. */
const RETRY_AFTER_MAX_MS = 366 * 86_400_000

/**
 * Reads a Retry-After header, seconds or an HTTP date (RFC 9110 10.2.3), as milliseconds from
 * `nowMs`, a year at most. Null when absent or unreadable.
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
