// A circuit breaker: after several failures within a short time, a supplier gets no request for a
// while, then a single one that tests it. Pure: the state is a row that all workers share, and each
// transition is written only if the row has not changed in the meantime.

export interface BreakerPolicy {
  /** Number of failures that opens the breaker. */
  readonly failuresMax: number
  /** They count if they happened within this time. */
  readonly windowMs: number
  /**
   * True: a success in between starts the count again. For a supplier that gets many requests a minute,
   * of which a few always fail.
   */
  readonly inARow: boolean
  /** Time without requests after the breaker opened. Each failed probe doubles it. */
  readonly cooldownMs: number
  readonly cooldownMaxMs: number
  /**
   * A probe without a result within this time counts as lost, and another request may probe. Longer than
   * any request waits for its first byte.
   */
  readonly probeMs: number
}

export const BREAKER_POLICY: BreakerPolicy = {
  failuresMax: 5,
  windowMs: 60_000,
  inARow: false,
  cooldownMs: 5 * 60_000,
  cooldownMaxMs: 60 * 60_000,
  probeMs: 3 * 60_000,
}

/** All times in epoch milliseconds by the clock of the database. */
export interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open'
  /** The newest failures, oldest first; at most `failuresMax`. */
  readonly failedAtMs: readonly number[]
  /** Number of failures in a row, failed probes included. */
  readonly failures: number
  /** Since when it is not closed. */
  readonly openedAtMs: number | null
  /** Open: the time of the next probe. Half-open: the time at which the probe counts as lost. */
  readonly retryAtMs: number | null
  /** The current time without requests; 0 while closed. */
  readonly cooldownMs: number
}

export const CLOSED: Breaker = {
  state: 'closed',
  failedAtMs: [],
  failures: 0,
  openedAtMs: null,
  retryAtMs: null,
  cooldownMs: 0,
}

export type Admission =
  | { readonly kind: 'pass' }
  /** The request may be sent if `next` can be written: then it is the only probe. */
  | { readonly kind: 'probe'; readonly next: Breaker }
  | { readonly kind: 'refuse'; readonly retryAfterMs: number }

/** Decides about a request at `nowMs`. */
export function admit(breaker: Breaker, nowMs: number, { probeMs }: BreakerPolicy): Admission {
  if (breaker.state === 'closed') return { kind: 'pass' }
  const retryAfterMs = (breaker.retryAtMs ?? nowMs) - nowMs
  if (retryAfterMs > 0) return { kind: 'refuse', retryAfterMs }
  return { kind: 'probe', next: { ...breaker, state: 'half-open', retryAtMs: nowMs + probeMs } }
}

/** Returns the state after a failed request that was not the probe; null if it stays as it is. */
export function afterFailure(
  breaker: Breaker,
  nowMs: number,
  { failuresMax, windowMs, cooldownMs }: BreakerPolicy,
): Breaker | null {
  // A request that was sent before the breaker opened proves nothing new.
  if (breaker.state !== 'closed') return null
  const recent = breaker.failedAtMs.filter((atMs) => atMs > nowMs - windowMs)
  const failedAtMs = [...recent, nowMs].slice(-failuresMax)
  const failures = failedAtMs.length
  if (failures < failuresMax) return { ...breaker, failedAtMs, failures }
  return {
    state: 'open',
    failedAtMs,
    failures,
    openedAtMs: nowMs,
    retryAtMs: nowMs + cooldownMs,
    cooldownMs,
  }
}

/** Returns the state after a successful request that was not the probe; null if it stays as it is. */
export function afterSuccess(breaker: Breaker, { inARow }: BreakerPolicy): Breaker | null {
  return inARow && breaker.state === 'closed' && breaker.failures > 0 ? CLOSED : null
}

/** Returns the state after the probe has failed. */
export function afterFailedProbe(
  breaker: Breaker,
  nowMs: number,
  { failuresMax, cooldownMaxMs }: BreakerPolicy,
): Breaker {
  const cooldownMs = Math.min(breaker.cooldownMs * 2, cooldownMaxMs)
  return {
    ...breaker,
    state: 'open',
    failedAtMs: [...breaker.failedAtMs, nowMs].slice(-failuresMax),
    failures: breaker.failures + 1,
    retryAtMs: nowMs + cooldownMs,
    cooldownMs,
  }
}

/** Returns the state after the probe was given up without a result: another request may probe. */
export function afterLostProbe(breaker: Breaker, nowMs: number): Breaker {
  return { ...breaker, state: 'open', retryAtMs: nowMs }
}
