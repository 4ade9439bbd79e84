// How often a key may be wrong. A network that fails too often is banned for a while, longer each
// time; when too many fail at once, so are all that have not shown the right key before. A ban
// refuses wrong keys and slows the right one: others may share its network.

/** How long each ban is, and where the counting ends. */
export interface FailureLimits {
  /**
   * The failure of a network that brings its first ban, counted from 1; each further one doubles
   * it.
   */
  readonly firstBanAt: number
  readonly banMs: number
  readonly banMsMax: number
  /** Failures of all networks together, per window. */
  readonly windowFailuresMax: number
  readonly windowMs: number
  /** Networks remembered at most, the oldest forgotten first. */
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

export interface FailedKeys {
  /** How long this network is banned yet, and why; null: it may try. */
  refusal(
    network: string,
  ): { readonly reason: 'banned' | 'crowded'; readonly waitMs: number } | null
  /** Counts a failure. Returns the length of the ban that it brought, or 0. */
  failed(network: string): number
  /**
   * The right key: what came before is forgiven, unless it is banned, because somebody else there
   * may have failed.
   */
  succeeded(network: string): void
}

export function createFailedKeys(
  nowMs: () => number,
  limits: FailureLimits = FAILURE_LIMITS,
): FailedKeys {
  const { firstBanAt, banMs, banMsMax, windowFailuresMax, windowMs, networksMax } = limits
  const failures = new Map<string, Failures>()
  const proven = new Map<string, true>()
  let window = { endsMs: 0, failures: 0 }

  return {
    refusal(network) {
      const now = nowMs()
      const bannedUntilMs = failures.get(network)?.bannedUntilMs ?? 0
      if (bannedUntilMs > now) return { reason: 'banned', waitMs: bannedUntilMs - now }
      const crowded =
        window.endsMs > now && window.failures >= windowFailuresMax && !proven.has(network)
      return crowded ? { reason: 'crowded', waitMs: window.endsMs - now } : null
    },
    failed(network) {
      const now = nowMs()
      window = {
        endsMs: window.endsMs > now ? window.endsMs : now + windowMs,
        failures: window.endsMs > now ? window.failures + 1 : 1,
      }
      const before = failures.get(network)
      // Forgotten after as long as the longest ban: somebody who mistypes once a week is never
      // banned.
      const count = before && before.lastMs + 2 * banMsMax > now ? before.count + 1 : 1
      const ban = count < firstBanAt ? 0 : Math.min(banMsMax, banMs * 2 ** (count - firstBanAt))
      remember(failures, network, { count, lastMs: now, bannedUntilMs: now + ban }, networksMax)
      return ban
    },
    succeeded(network) {
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
