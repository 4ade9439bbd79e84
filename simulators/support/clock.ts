// A clock that only a test moves.

export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number
  /** Whole epoch seconds. */
  nowSeconds(): number
  set(epochMs: number): void
  advance(ms: number): void
}

export function createClock(startMs: number): Clock {
  let nowMs = startMs
  return {
    nowMs: () => nowMs,
    nowSeconds: () => Math.floor(nowMs / 1000),
    set: (epochMs) => void (nowMs = epochMs),
    advance: (ms) => void (nowMs += ms),
  }
}
