// Counts requests per key in a sliding window, as suppliers do before they respond 429.

export interface Limit {
  readonly requests: number
  readonly windowMs: number
}

export interface Throttle {
  /** Counts one request. Returns 0 when it is accepted, or the milliseconds to wait. */
  take(key: string): number
}

/** Accepts at most `requests` of one key in any `windowMs`; rejected ones do not count. */
export function createThrottle({ requests, windowMs }: Limit, nowMs: () => number): Throttle {
  const passedAt = new Map<string, number[]>()
  return {
    take(key) {
      const now = nowMs()
      const recent = (passedAt.get(key) ?? []).filter((at) => at > now - windowMs)
      passedAt.set(key, recent)
      const [oldest] = recent
      if (recent.length >= requests)
        return oldest === undefined ? windowMs : oldest + windowMs - now
      recent.push(now)
      return 0
    },
  }
}
