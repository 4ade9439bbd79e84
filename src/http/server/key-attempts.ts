// Counts wrong keys and bans. A network that fails too often is banned, longer each time. When too
// many networks fail at once, every network that has not sent the right key before is banned. A ban
// refuses wrong keys and delays the right one, because callers may share a network.

/** Lengths of bans, and the bounds of the counters. */
export interface FailureLimits {
  /** The failure that causes a network's first ban, counted from 1. Each further one doubles it. */
  readonly firstBanAt: number
  readonly banMs: number
  readonly banMsMax: number
  /** Failures of all networks together in one window. */
  readonly windowFailuresMax: number
  readonly windowMs: number
  /** Networks remembered; beyond that the oldest is forgotten. */
  readonly networksMax: number
}

export const FAILURE_LIMITS: FailureLimits = {
  firstBanAt: 5,
  banMs: 30_000,
  banMsMax: 3_600_000,
  windowFailuresMax: 100,
  windowMs: 60_000,
  networksMax: 10_000,
}

interface Failures {
  readonly count: number
  readonly lastMs: number
  readonly bannedUntilMs: number
}

export interface Refusal {
  readonly reason: 'banned' | 'crowded'
  readonly waitMs: number
}

export interface KeyAttempts {
  /** Returns the ban of this network and its remaining time, or null. */
  findRefusal(network: string): Refusal | null
  /** Counts a failure. Returns the length of the resulting ban in milliseconds, or 0. */
  recordFailure(network: string): number
  /**
   * Clears the failures of a network that sent the right key. A ban stays: another caller of the
   * network may have caused it.
   */
  recordSuccess(network: string): void
}

export function createKeyAttempts(
  nowMs: () => number,
  limits: FailureLimits = FAILURE_LIMITS,
): KeyAttempts {
  const { firstBanAt, banMs, banMsMax, windowFailuresMax, windowMs, networksMax } = limits
  const failures = new Map<string, Failures>()
  const proven = new Map<string, true>()
  let window = { endsMs: 0, failures: 0 }

  return {
    findRefusal(network) {
      const now = nowMs()
      const bannedUntilMs = failures.get(network)?.bannedUntilMs ?? 0
      if (bannedUntilMs > now) return { reason: 'banned', waitMs: bannedUntilMs - now }
      const crowded =
        window.endsMs > now && window.failures >= windowFailuresMax && !proven.has(network)
      return crowded ? { reason: 'crowded', waitMs: window.endsMs - now } : null
    },
    recordFailure(network) {
      const now = nowMs()
      window = {
        endsMs: window.endsMs > now ? window.endsMs : now + windowMs,
        failures: window.endsMs > now ? window.failures + 1 : 1,
      }
      const before = failures.get(network)
      // Twice the longest ban without a failure resets the count, so that an operator who mistypes
      // the key once a week is never banned.
      const count = before && before.lastMs + 2 * banMsMax > now ? before.count + 1 : 1
      const ban = count < firstBanAt ? 0 : Math.min(banMsMax, banMs * 2 ** (count - firstBanAt))
      remember(failures, network, { count, lastMs: now, bannedUntilMs: now + ban }, networksMax)
      return ban
    },
    recordSuccess(network) {
      if ((failures.get(network)?.bannedUntilMs ?? 0) <= nowMs()) failures.delete(network)
      remember(proven, network, true, networksMax)
    },
  }
}

function remember<Value>(
  map: Map<string, Value>,
  key: string,
  value: Value,
  sizeMax: number,
): void {
  map.delete(key)
  const [oldest] = map.keys()
  if (oldest !== undefined && map.size >= sizeMax) map.delete(oldest)
  map.set(key, value)
}
